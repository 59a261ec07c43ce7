// Tests of the clock, the yardsticks and the files that results go to.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "bandwidth.h"
#include "files.h"
#include "peak.h"
#include "timing.h"

namespace sepconv::support {
namespace {

namespace fs = std::filesystem;

class Files : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "sepconv.XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  void TearDown() override { fs::remove_all(path_); }

  fs::path path_;
};

TEST_F(Files, AreWrittenWholeOrNotAtAll) {
  const std::string file = (path_ / "out.txt").string();
  write_file(file, "first");
  write_file(file, "second");
  std::string text;
  std::getline(std::ifstream(file) >> std::ws, text);
  EXPECT_EQ(text, "second");
  EXPECT_THROW(write_file((path_ / "no" / "out.txt").string(), "x"), std::runtime_error);
  fs::create_directory(path_ / "folder");
  EXPECT_THROW(write_file((path_ / "folder").string(), "x"), std::runtime_error);
  size_t entries = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(path_)) entries += entry.exists() ? 1 : 0;
  EXPECT_EQ(entries, 2U) << "a temporary file was left";
}

TEST(Timing, MeasuresAndTakesTurns) {
  int calls = 0;
  const std::vector<Timing> timings = time_in_turns({[&] { ++calls; }, [] { usleep(2000); }}, 0.1);
  ASSERT_EQ(timings.size(), 2U);
  EXPECT_GT(calls, 10);
  EXPECT_LT(timings[0].min, 1e-4);
  EXPECT_GE(timings[1].min, 2e-3);
  EXPECT_GE(timings[1].median, timings[1].min);
  EXPECT_GE(timings[1].samples, 3);
}

TEST(Peak, IsPositiveForEveryLoop) {
  for (const PeakLoop& loop : peak_loops()) {
    const Peak peak = measure_peak(loop, 1);
    EXPECT_GT(peak.gflops, 0.1) << loop.name;
    EXPECT_GT(peak.clock_ghz, 0.1) << loop.name;
    EXPECT_LT(peak.vectors_per_cycle, 4.4) << loop.name << ": no processor is that wide; a loop or a clock is wrong";
  }
}

TEST(Bandwidth, IsPositiveForEveryLevel) {
  for (const int64_t bytes : {int64_t{16} << 10, int64_t{256} << 10, int64_t{64} << 20}) {
    EXPECT_GT(measure_bandwidth(bytes), 0.1) << bytes << " bytes";
  }
}

}  // namespace
}  // namespace sepconv::support
