// Streams of any problem that can be streamed: pushes of any sizes, ends, starts over, states that are saved, damaged
// and restored, and in between calls that are to be refused. What is written is what a run of the whole signal writes,
// bit for bit.
#include <algorithm>
#include <vector>

#include "fuzz/fuzz.h"
#include "problem.h"
#include "sealed.h"
#include "support/reference.h"
#include "support/tensor.h"
#include "support/variants.h"

namespace sepconv::test {
namespace {

// A dense tensor of frames: `lines` times `extent` frames of `bytes` bytes.
struct Frames {
  int64_t lines, extent, bytes;

  Frames(const sepconv_problem& p, int64_t channels, int64_t frames)
      : lines(p.batch), extent(frames), bytes(internal::dtype_size(p.input_dtype)) {
    (p.layout == SEPCONV_LAYOUT_CHANNELS_LAST ? bytes : lines) *= channels;
  }
  size_t size() const { return static_cast<size_t>(lines * extent * bytes); }
  // `count` frames from `first` on, to the front of another tensor.
  void copy(const Memory& from, int64_t first, int64_t count, const Frames& to, const Memory& into) const {
    for (int64_t line = 0; line < lines; ++line) {
      std::memcpy(into.bytes() + line * to.extent * bytes, from.bytes() + (line * extent + first) * bytes,
                  static_cast<size_t>(count * bytes));
    }
  }
};

// One signal, what a run makes of it, and a stream that has seen the first frames of it.
class Signal {
 public:
  Signal(Draw& draw, const sepconv_problem& problem, const sepconv_plan& plan)
      : draw_(draw),
        problem_(problem),
        packed_(pack(problem, plan, 1)),
        whole_(problem, plan, packed_, 2),
        input_(problem, problem.in_channels, problem.in_extent[0]),
        output_(problem, completed(problem).out_channels, output_axis(problem, 0).extent),
        memory_(std::max<size_t>(sepconv_stream_size(&plan), 1)) {
    require(sepconv_plan_run(&plan, &whole_.arguments) == SEPCONV_OK, "the whole signal is run");
    if (sepconv_stream_size(&plan) == 0) {
      require(*sepconv_last_error() != '\0', "a refusal says why");
      require(create(plan, packed_.data(), memory_.data(), SIZE_MAX) != SEPCONV_OK, "a stream without a size is none");
      return;
    }
    for (int i = draw.between(0, 2); i > 0; --i) refused_creation(plan);
    const bool own = draw.one_in(4);
    require(create(plan, packed_.data(), own ? nullptr : memory_.data(), own ? 0 : memory_.size()) == SEPCONV_OK,
            "a stream with a size can be created");
  }
  ~Signal() { sepconv_stream_destroy(stream_); }
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  bool streams() const { return stream_ != nullptr; }

  // True if outputs were written.
  bool step() {
    switch (draw_.between(0, 12)) {
      case 12:
      case 11:
        return move_state(), false;
      case 10:
        return taken_ == input_.extent && finish();
      case 9:
        sepconv_stream_reset(stream_);
        taken_ = made_ = 0;
        return false;
      case 8:
      case 7:
        return refused_push(), false;
      default:
        return push();
    }
  }

 private:
  sepconv_status create(const sepconv_plan& plan, const void* packed, void* memory, size_t size) {
    const sepconv_status status = sepconv_stream_create(&plan, packed, memory, size, &stream_);
    require((stream_ != nullptr) == (status == SEPCONV_OK), "a stream exactly on success");
    return status;
  }

  void refused_creation(const sepconv_plan& plan) {
    char* const memory = static_cast<char*>(memory_.data());
    const sepconv_status status = [&] {
      switch (draw_.between(0, 4)) {
        case 0:
          return create(plan, nullptr, memory, memory_.size());
        case 1:
          return create(plan, packed_.data(), memory + draw_.between(1, 63), memory_.size());
        case 2:
          return create(plan, packed_.data(), memory, memory_.size() - draw_.between<size_t>(1, memory_.size()));
        case 3:
          return create(plan, packed_.data(), packed_.data(), memory_.size());
        default:
          return create(plan, packed_.bytes() + draw_.between(1, 63), memory, memory_.size());
      }
    }();
    require(status == SEPCONV_INVALID_ARGUMENT, "a stream is refused");
  }

  bool push() {
    // Where the bytes are used up, all that is left.
    const int64_t left = input_.extent - taken_, frames = left - draw_.between<int64_t>(0, left);
    const int64_t outputs = sepconv_stream_frames(stream_, frames), room = outputs + draw_.between(0, 3);
    require(outputs >= 0 && outputs <= output_.extent - made_, "a stream makes the frames that a run makes");
    Frames in = input_, out = output_;
    in.extent = frames;
    out.extent = room;
    const Memory input(in.size()), residual(out.size()), output(out.size()), expected(out.size());
    input_.copy(whole_.input, taken_, frames, in, input);
    output_.copy(whole_.output, made_, outputs, out, expected);  // what lies behind them stays as it is
    output_.copy(whole_.residual, made_, outputs, out, residual);
    int64_t written = -1;
    require(sepconv_stream_push(stream_, input.data(), frames, problem_.has_residual ? residual.data() : nullptr,
                                output.data(), room, &written) == SEPCONV_OK,
            "a good push succeeds");
    require(written == outputs, "a push writes what it says");
    require(std::memcmp(output.data(), expected.data(), output.size()) == 0, "the bits of the whole signal");
    taken_ += frames;
    made_ += outputs;
    return written > 0 && problem_.batch > 0;
  }

  // The end of the signal, when all of it is there.
  bool finish() {
    const int64_t outputs = sepconv_stream_last_frames(stream_), room = outputs + draw_.between(0, 3);
    require(outputs == output_.extent - made_, "the end makes the frames that are left");
    Frames out = output_;
    out.extent = room;
    const Memory residual(out.size()), output(out.size()), expected(out.size());
    output_.copy(whole_.output, made_, outputs, out, expected);
    output_.copy(whole_.residual, made_, outputs, out, residual);
    int64_t written = -1;
    require(sepconv_stream_finish(stream_, problem_.has_residual ? residual.data() : nullptr, output.data(), room,
                                  &written) == SEPCONV_OK,
            "a stream can be ended");
    require(written == outputs, "the end writes what it says");
    require(std::memcmp(output.data(), expected.data(), output.size()) == 0, "the bits of the whole signal's end");
    taken_ = made_ = 0;
    return written > 0 && problem_.batch > 0;
  }

  // Saves the state, and restores it after a start over; or one that is damaged, cut short, or made up, which changes
  // nothing.
  void move_state() {
    const int64_t signal = draw_.one_in(2) ? SEPCONV_ALL_SIGNALS : draw_.between<int64_t>(-2, problem_.batch);
    const size_t size = sepconv_stream_state_size(stream_, signal);
    if (size == 0) {
      require(signal < -1 || signal >= problem_.batch, "every signal has a state");
      return;
    }
    const Memory state(size), damaged(size);
    require(sepconv_stream_save(stream_, signal, state.data(), size) == SEPCONV_OK, "a state can be saved");
    std::memcpy(damaged.data(), state.data(), size);
    for (int i = draw_.between(1, 3); i > 0; --i) {
      damaged.bytes()[draw_.between<size_t>(0, draw_.one_in(2) ? size - 1 : std::min<size_t>(size, 80) - 1)] =
          draw_.any<unsigned char>();
    }
    if (draw_.one_in(3)) {  // a checksum that goes with it
      internal::SealedHeader header;
      std::memcpy(&header, state.data(), sizeof header);
      internal::seal(header, damaged.data());
    }
    const int64_t before = sepconv_stream_frames(stream_, 5);
    const size_t given = draw_.one_in(4) ? draw_.between<size_t>(0, size) : size;
    const sepconv_status status = sepconv_stream_restore(stream_, signal, damaged.data(), given);
    const bool same = given == size && std::memcmp(damaged.data(), state.data(), size) == 0;
    require(!same || status == SEPCONV_OK || status == SEPCONV_UNSUPPORTED, "a good state is taken");
    if (status != SEPCONV_OK) {
      require(*sepconv_last_error() != '\0', "a refusal says why");
      require(sepconv_stream_frames(stream_, 5) == before, "a refused state changes nothing");
      return;
    }
    // Another age may be right, too: the true one comes back.
    if (signal == SEPCONV_ALL_SIGNALS && draw_.one_in(2)) sepconv_stream_reset(stream_);
    require(sepconv_stream_restore(stream_, signal, state.data(), size) == SEPCONV_OK, "a saved state is restored");
    require(sepconv_stream_frames(stream_, 5) == before, "a restored stream goes on");
  }

  // Pushes that break a rule, in memory that is as large as it should be.
  void refused_push() {
    const int64_t frames = std::max<int64_t>(1, draw_.between<int64_t>(0, input_.extent)), room = frames;
    Frames in = input_, out = output_;
    in.extent = frames;
    out.extent = room;
    const Memory input(in.size()), residual(out.size()), output(out.size());
    const void* const added = problem_.has_residual ? residual.data() : nullptr;
    const int64_t before = sepconv_stream_frames(stream_, frames);
    int64_t written = 7;
    const auto push = [&](const void* from, int64_t count, const void* add, void* to, int64_t space) {
      return sepconv_stream_push(stream_, from, count, add, to, space, &written);
    };
    char* const to = static_cast<char*>(output.data());
    const bool empty = problem_.batch == 0;
    sepconv_status status = SEPCONV_INVALID_ARGUMENT;
    switch (draw_.between(0, 10)) {
      case 0:
        status = push(input.data(), draw_.between<int64_t>(INT64_MIN, -1), added, to, room);
        break;
      case 1:
        if (!empty) status = push(input.data(), draw_.between<int64_t>(INT64_MAX - 3, INT64_MAX), added, to, INT64_MAX);
        break;
      case 2:
        if (before > 0) status = push(input.data(), frames, added, to, draw_.between<int64_t>(INT64_MIN, before - 1));
        break;
      case 3:
        if (!empty) status = push(nullptr, frames, added, to, room);
        break;
      case 4:
        if (!empty && before > 0) status = push(input.data(), frames, added, nullptr, room);
        break;
      case 5:
        if (!problem_.has_residual) status = push(input.data(), frames, residual.data(), to, room);
        if (problem_.has_residual && !empty && before > 0) status = push(input.data(), frames, nullptr, to, room);
        break;
      case 6:
        if (!empty) status = push(input.bytes() + draw_.between(1, 3), frames, added, to, room);
        break;
      case 7:
        if (!empty && before > 0) status = push(to, frames, added, to, room);
        break;
      case 8:
        if (!empty && before > 0) status = push(input.data(), frames, added, packed_.data(), room);
        break;
      case 9:
        if (!empty && problem_.has_residual && before > 0) status = push(input.data(), frames, to, to, room);
        break;
      default:  // too many to be true: nothing may be touched
        if (!empty) status = push(input.data(), INT64_MAX >> draw_.between(1, 24), added, to, before);
        break;
    }
    require(status == SEPCONV_INVALID_ARGUMENT, "a push that breaks a rule is refused");
    require(written == 7 || written == 0, "a refused push writes no frames");
    require(sepconv_stream_frames(stream_, frames) == before, "a refused push takes no frames");
    require(std::memcmp(output.data(), Memory(out.size()).data(), out.size()) == 0, "a refused push writes nothing");
  }

  Draw& draw_;
  const sepconv_problem& problem_;
  Memory packed_;
  RunBuffers whole_;
  Frames input_, output_;
  Memory memory_;
  sepconv_stream* stream_ = nullptr;
  int64_t taken_ = 0, made_ = 0;
};

// Streams are dense, whatever the plan's pitches.
sepconv_problem dense(sepconv_problem problem) {
  std::fill_n(problem.input_pitch, SEPCONV_MAX_SPATIAL_RANK + 1, 0);
  std::fill_n(problem.output_pitch, SEPCONV_MAX_SPATIAL_RANK + 1, 0);
  problem.input_channel_pitch = problem.output_channel_pitch = 0;
  return problem;
}

// Other paddings: outputs that read frames to come, and zeros behind the end.
void look_ahead(Draw& draw, sepconv_problem* problem) {
  const sepconv_problem whole = completed(*problem);
  const int64_t reach = (whole.kernel_extent[0] - 1) * whole.dilation[0] + 1;
  if (reach > 4096) return;
  problem->in_extent[0] += reach - 1;
  problem->pad_before[0] = draw.between<int64_t>(0, reach - 1);
  problem->pad_after[0] = draw.between<int64_t>(0, reach - 1);
  problem->padding = SEPCONV_PADDING_EXPLICIT;
}

}  // namespace

void fuzz(Draw& draw) {
  tables_under_test();
  sepconv_problem drawn = draw_problem(draw, Kind::kCausal);
  Plan pitched = make_plan(drawn);
  if (pitched == nullptr) return;
  if (draw.one_in(2)) {
    look_ahead(draw, &drawn);
    pitched = make_plan(drawn);
    if (pitched == nullptr) return;
  }
  const size_t size = sepconv_stream_size(pitched.get());
  require(size > 0 || *sepconv_last_error() != '\0', "a refusal says why");
  const sepconv_problem problem = dense(drawn);
  const Plan plan = make_plan(problem);
  if (plan == nullptr || !affordable(problem, *plan)) return;
  if (size > (size_t{1} << 21)) return;
  Signal signal(draw, problem, *plan);
  if (!signal.streams()) return;
  bool wrote = false;
  for (int i = draw.between(1, 12); i > 0; --i) wrote = signal.step() || wrote;
  if (wrote) count_reached();
}

}  // namespace sepconv::test
