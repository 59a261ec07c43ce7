// Copies of the rows of one channel to a staged function, with channels first: zeros where the image has no samples,
// then the samples, in vectors of whole length or, for short rows, less. Part of channels_first.h.
#ifndef SEPCONV_GENERATORS_ROW_COPIES_H
#define SEPCONV_GENERATORS_ROW_COPIES_H

#include <functional>
#include <string>
#include <vector>

#include "pipeline.h"

namespace sepconv {

// Samples of one axis: those under the strip's outputs, in image coordinates, and those of them that the image has.
struct Samples {
  Halide::Expr first, last, lo, hi;

  Halide::Expr count() const { return last - first + 1; }
  Halide::Expr present() const { return Halide::max(hi - lo + 1, 0); }
};

// Under `outputs` outputs of axis a.
Samples samples_of(const PipelineInputs& inputs, size_t a, const Halide::Expr& outputs);

class RowCopies {
 public:
  // Adds updates to `to`. With `by_row` they are done one row at a time, where the function that reads them says which.
  RowCopies(const Stages& stages, const PipelineInputs& inputs, Halide::Func to, bool by_row,
            ChannelsFirstBlock* block);

  const Samples& along_x() const { return x_; }

  // Writes `count` zeros from `first` on into every row, at `vars` but for the first. What the copies leave alone stays
  // as it is from one channel to the next: where `due` is defined, only the channels write for which it is not 0.
  void zero(const Halide::Expr& first, const Halide::Expr& count, const std::vector<Halide::Var>& vars,
            const Halide::Func& due);

  // 1 for the first channel of a block and those past the last.
  Halide::Func first_of_block(const std::string& name) const;

  // Copies the samples that the image has, in groups of `step` neighbours: sample i, which counts from the image's
  // first, goes to place(i).
  void copy(int step, const std::function<std::vector<Halide::Expr>(const Halide::Expr&)>& place);

  // A pass of the input's activation, one that is not a clamp, over those samples.
  Halide::RDom activate();

  // Elements of a row with `count` samples: whole vectors of zeros, and as much before them as bounds inference takes a
  // copy of few samples to reach.
  Halide::Expr pitch(const Halide::Expr& count) const;

 private:
  Halide::Expr channel() const;
  bool whole_chunks() const;
  Halide::RDom rows(Halide::Region inner, const char* name) const;
  std::vector<Halide::Expr> row_of(const Halide::RDom& domain, bool of_input) const;
  void move(const Halide::RDom& domain, const Halide::Expr& sample, std::vector<Halide::Expr> into);

  const Stages& s_;
  const PipelineInputs& in_;
  Halide::Func to_;
  bool by_row_;
  ChannelsFirstBlock* block_;
  Samples x_;
  std::vector<Samples> outer_;
};

}  // namespace sepconv

#endif
