#include "terms.h"

#include <inttypes.h>

#include "error.h"
#include "writer.h"

namespace sepconv::internal {
namespace {

// Writes the names and values of fields, with commas between them.
class List {
 public:
  explicit List(Writer* write) : write_(*write) {}

  void number(const char* name, int64_t value) {
    separate();
    write_("%s %" PRId64, name, value);
  }
  void numbers(const char* name, const int64_t* values, int count) {
    separate();
    write_.extents(name, values, count);
  }
  // Pitches that are 0 follow from the rest.
  void pitches(const char* name, const int64_t* values, int count, const char* channel_name, int64_t channel) {
    bool given = false;
    for (int i = 0; i < count; ++i) given = given || values[i] != 0;
    if (given) numbers(name, values, count);
    if (channel != 0) number(channel_name, channel);
  }

 private:
  void separate() {
    write_(first_ ? "problem." : ", ");
    first_ = false;
  }

  Writer& write_;
  bool first_ = true;
};

}  // namespace

sepconv_status fail_for(sepconv_status status, const Geometry& g, unsigned terms, const char* what) {
  const sepconv_problem& p = g.problem;
  char text[640];
  Writer write(text, sizeof text);
  List list(&write);
  if ((terms & term_batch) != 0) list.number("batch", p.batch);
  if ((terms & term_in_channels) != 0) list.number("in_channels", p.in_channels);
  if ((terms & term_multiplier) != 0) list.number("depth_multiplier", p.depth_multiplier);
  if ((terms & term_out_channels) != 0) list.number("out_channels", p.out_channels);
  if ((terms & term_in_extent) != 0) list.numbers("in_extent", p.in_extent, g.rank);
  if ((terms & (term_kernel | term_taps)) != 0) list.numbers("kernel_extent", p.kernel_extent, g.rank);
  if ((terms & term_kernel) != 0) list.numbers("dilation", p.dilation, g.rank);
  if ((terms & term_stride) != 0) list.numbers("stride", p.stride, g.rank);
  if ((terms & term_padding) != 0 && p.padding == SEPCONV_PADDING_EXPLICIT) {
    list.numbers("pad_before", p.pad_before, g.rank);
    list.numbers("pad_after", p.pad_after, g.rank);
  } else if ((terms & term_padding) != 0 && p.padding != SEPCONV_PADDING_VALID) {
    list.numbers("padding, which adds zeros before each axis:", g.pad_before, g.rank);
  }
  if ((terms & term_input_pitch) != 0)
    list.pitches("input_pitch", p.input_pitch, g.rank + 1, "input_channel_pitch", p.input_channel_pitch);
  if ((terms & term_output_pitch) != 0)
    list.pitches("output_pitch", p.output_pitch, g.rank + 1, "output_channel_pitch", p.output_channel_pitch);
  return fail(status, "%s: %s", what, text);
}

}  // namespace sepconv::internal
