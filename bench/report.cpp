#include "report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace sepconv::bench {
namespace {

class GeometricMean {
 public:
  void add(double value) {
    log_sum_ += std::log(value);
    ++count_;
  }
  int count() const { return count_; }
  double value() const { return std::exp(log_sum_ / count_); }

 private:
  double log_sum_ = 0;
  int count_ = 0;
};

}  // namespace

Table::Table(const std::vector<support::Layer>& layers) {
  for (const support::Layer& layer : layers) {
    name_width_ = std::max(name_width_, layer.name.size());
    shape_width_ = std::max(shape_width_, support::describe(layer.problem).size());
  }
}

void Table::print_header() const {
  fmt::print("{:<{}}  {:<{}} {:>9} {:>9} {:>8} {:>6} {:>8}  {}\n", "layer", name_width_, "shape", shape_width_,
             "ms min", "median", "GFLOP/s", "% peak", "error", "variant");
}

void Table::print(const support::Layer& layer, const std::vector<Result>& results) const {
  for (size_t i = 0; i < results.size(); ++i) {
    const Result& result = results[i];
    fmt::print("{:<{}}  {:<{}} ", i == 0 ? layer.name : "", name_width_, i == 0 ? support::describe(layer.problem) : "",
               shape_width_);
    if (result.ms_min > 0) {
      fmt::print("{:>9.4f} {:>9.4f} {:>8.1f} {:>6.1f} {:>8.1e}  {}", result.ms_min, result.ms_median, result.gflops,
                 100 * result.peak_fraction, result.max_error, result.variant);
      if (i > 0) fmt::print(" ({:.2f}x the speed)", results[0].ms_min / result.ms_min);
      fmt::print("\n");
    } else {
      fmt::print("{:>9} {:>9} {:>8} {:>6} {:>8.1e}  {}: {}\n", "", "", "", "", result.max_error, result.variant,
                 result.verified ? "not timed" : "WRONG, not timed");
    }
  }
  std::fflush(stdout);
}

void print_summary(const std::vector<std::vector<Result>>& layers) {
  GeometricMean peak, ratio;
  for (const std::vector<Result>& results : layers) {
    if (results.empty() || results[0].ms_min <= 0) continue;
    peak.add(results[0].peak_fraction);
    if (results.size() > 1) ratio.add(results[0].ms_min / results[1].ms_min);
  }
  if (peak.count() > 0)
    fmt::print("geometric mean of {} layer{}: {:.1f}% of the peak\n", peak.count(), peak.count() == 1 ? "" : "s",
               100 * peak.value());
  if (ratio.count() > 0) {
    fmt::print("shipped variants: {:.2f}x the speed of the library's own (geometric mean of {} layers)\n",
               ratio.value(), ratio.count());
  }
}

std::string to_json(const std::vector<std::vector<Result>>& layers) {
  nlohmann::ordered_json array = nlohmann::ordered_json::array();
  for (const std::vector<Result>& results : layers) {
    for (const Result& result : results) {
      if (result.ms_min <= 0) continue;
      array.push_back({{"name", result.name},
                       {"variant", result.variant},
                       {"ms_min", result.ms_min},
                       {"ms_median", result.ms_median},
                       {"gflops", result.gflops},
                       {"peak_fraction", result.peak_fraction},
                       {"max_error", result.max_error}});
    }
  }
  return array.dump(2) + "\n";
}

}  // namespace sepconv::bench
