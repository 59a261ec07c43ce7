// main.cpp for GPU variants: `sepconv tune` links this with the candidates, the runtime and sepconv::gpu. What it is
// told and what it prints are the same; `cpu` is the device's name. Of what the device can do at best it says nothing:
// peak and bandwidth are 0 and empty.
#include <cstdio>
#include <exception>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "answer.h"
#include "candidates.h"
#include "device.h"
#include "layer_file.h"
#include "layer_run.h"
#include "standard_output.h"

namespace {

namespace support = sepconv::support;
namespace runner = sepconv::runner;

// Device memory, filled from the host where there is something to fill it with.
class Memory {
 public:
  Memory(const sepconv_driver& driver, void* stream, const void* host, size_t bytes) : driver_(driver) {
    if (bytes == 0) return;
    void* context = nullptr;
    char reason[320] = "";
    if (driver.context_of(stream, &context, reason, sizeof reason) != SEPCONV_OK) throw std::runtime_error(reason);
    check(driver.allocate(context, bytes, &data_));
    if (host == nullptr) return;
    check(driver.write(stream, data_, host, bytes));
    check(driver.wait(stream));
  }
  ~Memory() {
    if (data_ != nullptr) driver_.free(data_);
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  void read(void* stream, void* host, size_t bytes) const {
    check(driver_.read(stream, data_, host, bytes));
    check(driver_.wait(stream));
  }

  template <typename Pointer>
  void name(Pointer* pointer, sepconv_memory* place) const {
    place->kind = driver_.memory;
    if (driver_.memory == SEPCONV_MEMORY_CUDA) {
      *pointer = data_;
    } else {
      place->handle = data_;
    }
  }

 private:
  static void check(int error) {
    if (error != 0) throw std::runtime_error("the driver says " + std::to_string(error));
  }

  const sepconv_driver& driver_;
  void* data_ = nullptr;
};

struct PlanDeleter {
  void operator()(sepconv_plan* plan) const { sepconv_plan_destroy(plan); }
};
using Plan = std::unique_ptr<sepconv_plan, PlanDeleter>;

// What all candidates compute.
struct Task {
  const sepconv_problem& problem;
  const support::Weights& weights;
  const std::vector<float>& input;
  runner::Device& device;
  size_t output_count;
};

// One candidate: a plan of its own variant, with its tensors on the device.
class Candidate {
 public:
  Candidate(const sepconv_variant& variant, const Task& task) : task_(task) {
    sepconv_options options;
    sepconv_options_init(&options, sizeof options);
    options.device = variant.driver->device;
    sepconv_plan* plan = nullptr;
    support::require(sepconv_plan_create(&task.problem, &options, &plan));
    plan_.reset(plan);
    sepconv_weights arrays;
    sepconv_weights_init(&arrays, sizeof arrays);
    const auto given = [](const std::vector<float>& values) { return values.empty() ? nullptr : values.data(); };
    arrays.depthwise_kernel = given(task.weights.depthwise);
    arrays.pointwise_kernel = given(task.weights.pointwise);
    arrays.mid_bias = given(task.weights.mid_bias);
    arrays.out_bias = given(task.weights.out_bias);
    const size_t size = sepconv_plan_packed_size(plan);
    const support::Buffer packed = support::allocate(size);
    support::require(sepconv_plan_pack(plan, &arrays, packed.get(), size));

    const auto make = [&](const void* host, size_t bytes) {
      return std::make_unique<Memory>(*variant.driver, task.device.stream(), host, bytes);
    };
    packed_ = make(packed.get(), size);
    input_ = make(task.input.data(), task.input.size() * sizeof(float));
    const std::vector<float> unwritten(task.output_count, std::numeric_limits<float>::quiet_NaN());
    output_ = make(unwritten.data(), task.output_count * sizeof(float));
    workspace_ = make(nullptr, sepconv_plan_workspace_size(plan));
    sepconv_arguments_init(&arguments_, sizeof arguments_);
    packed_->name(&arguments_.packed, &arguments_.packed_memory);
    input_->name(&arguments_.input, &arguments_.input_memory);
    output_->name(&arguments_.output, &arguments_.output_memory);
    if (sepconv_plan_workspace_size(plan) != 0) workspace_->name(&arguments_.workspace, &arguments_.workspace_memory);
    arguments_.workspace_size = sepconv_plan_workspace_size(plan);
    arguments_.stream = task.device.stream();
    support::require(sepconv_plan_warm_up(plan, arguments_.stream));
  }

  double max_error() const {
    run();
    std::vector<float> output(task_.output_count);
    output_->read(arguments_.stream, output.data(), output.size() * sizeof(float));
    return support::check(task_.problem, task_.input.data(), task_.weights, output.data()).max_error;
  }

  void run() const { support::require(sepconv_plan_run(plan_.get(), &arguments_)); }

 private:
  const Task& task_;
  Plan plan_;
  std::unique_ptr<Memory> packed_, input_, output_, workspace_;
  sepconv_arguments arguments_;
};

std::vector<runner::Result> race_candidates(const Task& task, const runner::CommandLine& line) {
  std::vector<std::unique_ptr<Candidate>> candidates;
  std::vector<runner::Sampler> samplers;
  std::vector<runner::Result> results;
  for (const auto* table = sepconv_candidates; *table != nullptr; ++table) {
    results.emplace_back();
    runner::Result& result = results.back();
    try {
      support::require(sepconv_register((*table)()));  // its variant now ranks before all others
      candidates.push_back(std::make_unique<Candidate>((*table)()->variants[0], task));
      result.max_error = candidates.back()->max_error();
      result.right = result.max_error < support::kErrorLimit;
    } catch (const std::runtime_error& error) {
      result.failed = error.what();
      continue;
    }
    if (!result.right) continue;
    samplers.emplace_back([candidate = candidates.back().get(), &task](int calls) {
      return task.device.seconds_of([&] {
        for (int i = 0; i < calls; ++i) candidate->run();
      });
    });
  }
  constexpr double kSampleSeconds = 1e-3;  // long beside the wait at its end
  const std::vector<runner::RaceResult> times = runner::race(samplers, line.budget, line.slower, kSampleSeconds);
  size_t next = 0;
  for (runner::Result& result : results) {
    if (result.right) result.time = times[next++];
  }
  return results;
}

}  // namespace

int main(int argc, char** argv) {
  support::check_standard_output_at_exit("sepconv_device_runner");
  try {
    const runner::CommandLine line = runner::read_command_line(argc, argv);
    const sepconv_problem problem = runner::read_problem(line);
    const std::unique_ptr<runner::Device> device =
        runner::open_device((*sepconv_candidates)()->variants[0].driver->device);
    constexpr uint64_t kSeed = 1;  // any; the same in every run
    support::require_memory(problem);
    support::Random random(kSeed);
    const support::Weights weights = support::random_weights(problem, &random, 0.5F);
    std::vector<float> input;
    random.fill(&input, static_cast<size_t>(problem.batch * support::input_pixels(problem) * problem.in_channels), 1);
    const auto outputs = static_cast<size_t>(problem.batch * support::output_pixels(problem) * problem.out_channels);
    const Task task = {problem, weights, input, *device, outputs};
    const std::vector<runner::Result> results = race_candidates(task, line);
    runner::print_answer(runner::record_name(device->name()),
                         line.peak ? "\"peak_gflops\": 0, \"bandwidth\": {}, " : "", results);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sepconv_device_runner: %s\n", error.what());
    return 1;
  }
}
