// What the fuzzers share: promises, memory that AddressSanitizer watches to the byte, draws, and problems.
#ifndef SEPCONV_TESTS_FUZZ_FUZZ_H
#define SEPCONV_TESTS_FUZZ_FUZZ_H

#include <fuzzer/FuzzedDataProvider.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "sepconv/sepconv.h"

namespace sepconv::test {

// Ends the program, with the sentence, where a promise is broken.
void require(bool condition, const char* what);

// An input has reached what the fuzzer is for (a run, a layer that is read). Printed at exit, beside how many inputs
// there were.
void count_reached();

// Memory of exactly `size` bytes at a multiple of 64, filled with one byte.
class Memory {
 public:
  explicit Memory(size_t size);
  void* data() const { return memory_.get(); }
  unsigned char* bytes() const { return static_cast<unsigned char*>(memory_.get()); }
  size_t size() const { return size_; }

 private:
  struct Free {
    size_t capacity;
    void operator()(void* memory) const;
  };
  std::unique_ptr<void, Free> memory_;
  size_t size_;
};

// What is drawn from the fuzzer's bytes. Where they are used up, every draw is the least and the most ordinary.
class Draw {
 public:
  Draw(const uint8_t* bytes, size_t size)
      : whole_(reinterpret_cast<const char*>(bytes), size), data_(bytes, size), hostile_(one_in(4)) {}

  template <typename T = int64_t>
  T between(T low, T high) {
    return data_.ConsumeIntegralInRange<T>(low, high);
  }
  template <typename T>
  T any() {
    return data_.ConsumeIntegral<T>();
  }
  bool one_in(int64_t n) { return between<int64_t>(1, n) == n; }
  // In a quarter of all inputs; false in the others, so that these reach what lies behind the checks.
  bool hostile() const { return hostile_; }
  int64_t wild_number();
  FuzzedDataProvider& data() { return data_; }
  std::string_view whole() const { return whole_; }  // the input, whatever was drawn from it

  // An enumeration's or another integer's bytes.
  template <typename Enum>
  void choose(int count, Enum* field) {
    store(between(0, count - 1), field);
  }
  template <typename Enum>
  static void store(int value, Enum* field) {
    static_assert(sizeof *field == sizeof value);
    std::memcpy(field, &value, sizeof value);
  }

 private:
  std::string_view whole_;
  FuzzedDataProvider data_;
  bool hostile_;
};

// What each fuzzer does with one input; fuzz.cpp calls it.
void fuzz(Draw& draw);

// A problem: legal and small, with a variant of loops that takes it; if the draw is hostile, some of its fields are
// then anything at all.
enum class Kind { kAny, kCausal };
sepconv_problem draw_problem(Draw& draw, Kind kind = Kind::kAny);

// The plan's life ends with it. Holds NULL where the library refuses, which it must explain.
using Plan = std::unique_ptr<sepconv_plan, decltype(&sepconv_plan_destroy)>;
Plan make_plan(const sepconv_problem& problem, const sepconv_options* options = nullptr,
               sepconv_status* status = nullptr);

// Whether a run of the plan costs little enough.
bool affordable(const sepconv_problem& problem, const sepconv_plan& plan);

// Numbers of the problem's type, of all sizes, that follow from the seed.
Memory numbers(sepconv_dtype dtype, int64_t count, uint64_t seed);

// Weights that follow from the seed, packed for the plan. The wrong size of the memory is tried on the way.
Memory pack(const sepconv_problem& problem, const sepconv_plan& plan, uint64_t seed);

// The buffers of one run, and its arguments.
struct RunBuffers {
  Memory input, residual, output, workspace;
  sepconv_arguments arguments;

  RunBuffers(const sepconv_problem& problem, const sepconv_plan& plan, const Memory& packed, uint64_t seed);
  // Whether nothing was written but the elements of the output, and these only where `complete`.
  bool only_output_written(const sepconv_problem& problem, bool complete) const;
};

}  // namespace sepconv::test

#endif  // SEPCONV_TESTS_FUZZ_FUZZ_H
