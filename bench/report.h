// What a benchmark prints and writes.
#ifndef SEPCONV_BENCH_REPORT_H
#define SEPCONV_BENCH_REPORT_H

#include <string>
#include <vector>

#include "bench_layer.h"

namespace sepconv::bench {

// A table for people, printed line by line while the results come.
class Table {
 public:
  explicit Table(const std::vector<support::Layer>& layers);

  void print_header() const;

  // One line a result; the second and later ones say how fast they are beside the first.
  void print(const support::Layer& layer, const std::vector<Result>& results) const;

 private:
  size_t name_width_ = 5, shape_width_ = 5;
};

// Geometric means over the layers: of the fraction of the peak, and of the shipped variants' speed over the first
// ones'.
void print_summary(const std::vector<std::vector<Result>>& layers);

// A JSON array of {name, variant, ms_min, ms_median, gflops, peak_fraction, max_error}, without what failed the check.
std::string to_json(const std::vector<std::vector<Result>>& layers);

}  // namespace sepconv::bench

#endif  // SEPCONV_BENCH_REPORT_H
