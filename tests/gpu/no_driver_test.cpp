// A program with GPU variants on a machine without GPUs: it starts, and says what is missing.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <string>

#include "sepconv_default_gpu.h"
#include "support/harness.h"

namespace sepconv::test {
namespace {

TEST(NoDriver, IsNoDevice) {
  ASSERT_EQ(sepconv_register(sepconv_default_gpu_variants()), SEPCONV_OK) << sepconv_last_error();
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) EXPECT_EQ(line.find("libcuda"), std::string::npos) << line;
  if (void* driver = dlopen("libcuda.so.1", RTLD_NOW)) {
    dlclose(driver);
    GTEST_SKIP() << "this machine has CUDA's driver";
  }
  sepconv_options options = default_options();
  options.device = SEPCONV_DEVICE_CUDA;
  sepconv_status status;
  EXPECT_EQ(make_plan(small_problem(), &options, &status), nullptr);
  EXPECT_EQ(status, SEPCONV_NO_DEVICE);
  EXPECT_TRUE(last_error_has("libcuda.so.1"));
  int can_run = 0, cuda_variants = 0;
  for (size_t i = 0; const char* name = sepconv_variant_name(i, &can_run); ++i) {
    if (std::strstr(name, "_cuda") == nullptr) continue;
    ++cuda_variants;
    EXPECT_EQ(can_run, 0) << name;
  }
  EXPECT_GT(cuda_variants, 0);
}

// Variants for one device are no variants for another.
TEST(NoDriver, TheCpuDoesNotRunGpuVariants) {
  ASSERT_EQ(sepconv_register(sepconv_default_gpu_variants()), SEPCONV_OK) << sepconv_last_error();
  sepconv_status status;
  EXPECT_EQ(make_plan(small_problem(), nullptr, &status), nullptr);
  EXPECT_EQ(status, SEPCONV_UNSUPPORTED);
  EXPECT_TRUE(last_error_has("it runs on another device"));
}

}  // namespace
}  // namespace sepconv::test
