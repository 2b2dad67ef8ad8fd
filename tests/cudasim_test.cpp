// What the simulated GPUs are worth: each fault that is put into the backend's calls must be seen,
// whatever the timing.
#include <gtest/gtest.h>

#include "core/error.h"
#include "cudasim/machine.h"
#include "gpus.h"
#include "tiny_training.h"

namespace alx {
namespace {

using namespace test;

class CudaSim : public testing::Test {
 protected:
  void SetUp() override {
    if (gpus_are_real()) GTEST_SKIP() << "of simulated GPUs only";
    use_test_gpus();
    cudasim::reset();
  }
  void TearDown() override { cudasim::reset(); }
};

// Whether a run with this fault is told from a good one: by a complaint, or an error.
std::string caught(const std::function<void()>& run) {
  try {
    run();
  } catch (const Error& error) {
    return error.what();
  }
  const std::vector<std::string> found = cudasim::violations();
  return found.empty() ? "" : found.front();
}

// The first device hands over to the second and goes on at once: nothing comes back to it.
void relay() {
  models::NetBuilder builder("relay", "a test");
  InputSpec input;
  input.height = input.width = 8;
  builder.input(input, {}).classes(5, {}).slot(0).add("conv", conv3x3(4));
  builder.slot(1).add("fc", Linear{5, Activation::none, models::gaussian(1), models::bias(0)});
  NetworkOptions options;
  Network net(builder.finish(), open_devices("cuda:0,cuda:1"), options);
  net.load(random_weights(1));
  net.set_input(picture(net, 1, 1));
  for (int run = 0; run < 3; ++run) net.forward();
  net.read(net.result());
}

// Training on both devices, then answers that nobody reads but the last.
Trained towers() {
  relay();
  Trained result = train(tiny_towers(), "cuda:0,cuda:1", Precision::fp32, 2);
  NetworkOptions options;
  options.batch = 2;
  Network net(tiny_towers(), open_devices("cuda:0,cuda:1"), options);
  net.load(random_weights(1));
  for (uint64_t run = 0; run < 3; ++run) {
    net.set_input(picture(net, run, 1));
    net.forward();
    net.forward();
  }
  result.losses = net.read(net.result());
  return result;
}

TEST_F(CudaSim, AGoodRunHasNoFaults) {
  const size_t before = cudasim::live_objects();
  const Trained once = towers();
  EXPECT_EQ(cudasim::violations(), std::vector<std::string>());
  EXPECT_EQ(cudasim::live_objects(), before) << "something was not given back";
  EXPECT_TRUE(once == towers());
}

// Two steps of data parallelism: gradients are summed beside the backward pass.
void halves() {
  models::NetBuilder builder("halves", "a test");
  InputSpec input;
  input.height = input.width = 8;
  builder.input(input, {}).classes(5, {}).add("conv", conv3x3(4));
  builder.add("fc", Linear{5, Activation::none, models::gaussian(1), models::bias(0)});
  train(builder.finish(), "cuda:0,cuda:1", Precision::fp32, 2);
}

// Its forward pass, and its backward pass with the updates; in fp16 the updates wait for a look at
// the gradients.
TEST_F(CudaSim, ATrainingStepIsReplayedFromTheSecondOn) {
  train(tiny_towers(), "cuda:0", Precision::fp32, 5);
  EXPECT_EQ(cudasim::calls().at("cudaGraphLaunch"), 4u * 2);
  cudasim::reset();
  train(tiny_towers(), "cuda:0", Precision::fp16, 5);
  EXPECT_EQ(cudasim::calls().at("cudaGraphLaunch"), 4u * 3);
}

// Every place where the backend waits or records matters somewhere in the run. That not each single
// wait does is no gap: what is left without it has no two accesses in conflict, and that is what is
// asked.
void expect_each_wait_matters(const std::function<void()>& run, size_t least) {
  run();
  EXPECT_EQ(cudasim::violations(), std::vector<std::string>());
  const std::map<std::string, size_t> all = cudasim::calls();
  size_t dropped = 0, seen = 0;
  for (const auto& [call, count] : all) {
    const bool place =
        call.starts_with("cudaStreamWaitEvent ") || call.starts_with("cudaEventRecord ");
    if (!place && call != "cudaEventSynchronize" && call != "cudaStreamSynchronize") continue;
    size_t seen_here = 0;
    for (size_t nth = 0; nth < count; ++nth) {
      cudasim::reset();
      cudasim::drop_call(call, nth);
      seen_here += !caught(run).empty();
    }
    EXPECT_GT(seen_here, 0u) << call << " is called " << count << " times, and never missed";
    dropped += count;
    seen += seen_here;
  }
  EXPECT_GT(dropped, least);
  EXPECT_GT(static_cast<double>(seen), 0.75 * static_cast<double>(dropped))
      << seen << " of " << dropped;
}

TEST_F(CudaSim, EachWaitThatIsLeftOutIsSeen) {
  expect_each_wait_matters([] { towers(); }, 150);
}

TEST_F(CudaSim, EachWaitOfDataParallelismThatIsLeftOutIsSeen) {
  expect_each_wait_matters(halves, 60);
}

TEST_F(CudaSim, AWrongDeviceIsSeen) {
  const Trained good = towers();
  const size_t count = cudasim::calls().at("cudaSetDevice");
  size_t seen = 0;
  for (size_t nth = 0; nth < count; ++nth) {
    cudasim::reset();
    cudasim::drop_call("cudaSetDevice", nth);
    Trained result;
    if (!caught([&] { result = towers(); }).empty())
      ++seen;
    else
      EXPECT_TRUE(result == good) << "call "
                                  << nth;  // nothing was called until the next cudaSetDevice
  }
  EXPECT_GT(static_cast<double>(seen), 0.6 * static_cast<double>(count)) << seen << " of " << count;
}

TEST_F(CudaSim, AWorkspaceThatIsTooSmallIsSeen) {
  cudasim::demand_more_workspace(true);
  EXPECT_NE(caught(towers), "");
}

// Of `function`, `runs` calls spread over all fail in turn: each time an error in words, and
// everything is given back, but for what could not be given back.
void expect_failures_are_survived(
    const std::string& function, size_t runs,
    const std::function<void()>& work = [] { towers(); }) {
  work();  // chooses its algorithms
  cudasim::reset();
  work();
  const size_t count = cudasim::calls().at(function);
  runs = std::min(runs, count);
  size_t thrown = 0;
  for (size_t i = 0; i < runs; ++i) {
    SCOPED_TRACE(testing::Message()
                 << function << ", call " << i * count / runs << " of " << count);
    const size_t before = cudasim::live_objects();
    cudasim::reset();
    cudasim::fail_call(function, i * count / runs);
    try {
      work();
    } catch (const Error& error) {
      ++thrown;
      const std::string message = error.what();
      EXPECT_TRUE(error.code() == Code::device || error.code() == Code::out_of_memory) << message;
      EXPECT_NE(message.find("cuda:"), std::string::npos) << message;
    }
    EXPECT_LE(cudasim::live_objects(), before + 1);
    EXPECT_EQ(cudasim::violations(), std::vector<std::string>());
  }
  EXPECT_GT(thrown, runs * 3 / 4);
}

TEST_F(CudaSim, AnyCallMayFail) {
  expect_failures_are_survived("*", 211);  // a prime, so that no pattern of the run is met
}

// Without it nobody knows when a copy that was queued before has ended.
TEST_F(CudaSim, AnyRecordOfAnEventMayFail) {
  expect_failures_are_survived("cudaEventRecord", 1000);
}

// No group of calls may stay open: all that is asked of NCCL later would wait for its end.
TEST_F(CudaSim, AnyCallOfNcclMayFail) {
  for (const char* function :
       {"ncclCommInitAll", "ncclGroupStart", "ncclAllReduce", "ncclGroupEnd"})
    expect_failures_are_survived(function, 1000, halves);
  cudasim::reset();
  halves();
  EXPECT_EQ(cudasim::violations(), std::vector<std::string>());
}

TEST_F(CudaSim, TooLittleMemoryTellsWhatWouldFit) {
  NetworkOptions options;
  options.batch = 65536;
  cudasim::limit_memory(size_t{64} << 20);
  try {
    Network(tiny_towers(), open_devices("cuda:0,cuda:1"), options).load(random_weights(1));
    FAIL() << "it fitted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::out_of_memory);
    const std::string text = error.what();
    const size_t at = text.find("one of ");
    ASSERT_NE(at, std::string::npos) << text;
    options.batch = std::atoll(text.c_str() + at + 7);
  }
  EXPECT_GT(options.batch, 1000);
  Network smaller(tiny_towers(), open_devices("cuda:0,cuda:1"), options);
  smaller.load(random_weights(1));
}

TEST_F(CudaSim, WithoutADriverTheReasonIsGiven) {
  cudasim::hide_devices(true);
  for (const DeviceInfo& device : list_devices())
    if (device.name == "cuda:0") {
      EXPECT_FALSE(device.usable);
      EXPECT_NE(device.reason.find("no NVIDIA driver"), std::string::npos) << device.reason;
      EXPECT_EQ(device.libraries.size(), 4u) << "those are there all the same";
    }
  EXPECT_THROW(open_device("cuda:0"), Error);
}

// ---- the machine's own rules -------------------------------------------------------------------

class CudaSimRules : public CudaSim {
 protected:
  void SetUp() override {
    CudaSim::SetUp();
    if (IsSkipped()) return;
    api_.cudaSetDevice(0);
    for (cudaStream_t* stream : {&a_, &b_})
      api_.cudaStreamCreateWithFlags(stream, cudaStreamNonBlocking);
    api_.cudaEventCreateWithFlags(&event_, 0);
    for (void** memory : {&here_, &also_here_}) api_.cudaMalloc(memory, 4096);
    api_.cudaHostAlloc(&host_, 4096, 0);
  }
  void TearDown() override {
    if (!IsSkipped()) {
      for (cudaStream_t stream : {a_, b_}) api_.cudaStreamSynchronize(stream);
      for (void* memory : {here_, also_here_}) api_.cudaFree(memory);
      api_.cudaFreeHost(host_);
      api_.cudaEventDestroy(event_);
      for (cudaStream_t stream : {a_, b_}) api_.cudaStreamDestroy(stream);
    }
    CudaSim::TearDown();
  }
  void fill(cudaStream_t stream, void* memory) { api_.cudaMemsetAsync(memory, 0, 4096, stream); }
  std::string complaint() {
    return cudasim::violations().empty() ? "" : cudasim::violations().front();
  }

  const cudnn::Api& api_ = cudasim::api();
  cudaStream_t a_ = nullptr, b_ = nullptr;
  cudaEvent_t event_ = nullptr;
  void *here_ = nullptr, *also_here_ = nullptr, *host_ = nullptr;
};

TEST_F(CudaSimRules, TwoStreamsMayNotShareWithoutAnEvent) {
  fill(a_, here_);
  fill(b_, here_);
  EXPECT_NE(complaint().find("nothing orders it"), std::string::npos);
}

TEST_F(CudaSimRules, AnEventOrders) {
  fill(a_, here_);
  api_.cudaEventRecord(event_, a_);
  api_.cudaStreamWaitEvent(b_, event_, 0);
  fill(b_, here_);
  EXPECT_EQ(complaint(), "");
  fill(a_, also_here_);
  fill(b_, also_here_);  // after the record
  EXPECT_NE(complaint(), "");
}

TEST_F(CudaSimRules, PartsThatDoNotMeetAreNoConflict) {
  api_.cudaMemsetAsync(here_, 0, 100, a_);
  api_.cudaMemsetAsync(static_cast<char*>(here_) + 100, 0, 100, b_);
  EXPECT_EQ(complaint(), "");
  api_.cudaMemsetAsync(static_cast<char*>(here_) + 99, 0, 1, b_);
  EXPECT_NE(complaint(), "");
}

TEST_F(CudaSimRules, TheHostMustWaitForPinnedMemory) {
  fill(a_, here_);
  api_.cudaMemcpyAsync(host_, here_, 4096, cudaMemcpyDeviceToHost, a_);
  const int early = *static_cast<volatile int*>(host_);
  EXPECT_NE(complaint().find("pinned"), std::string::npos) << early;
}

TEST_F(CudaSimRules, TheHostMayReadWhatIsBeingSent) {
  *static_cast<volatile int*>(host_) = 1;
  api_.cudaMemcpyAsync(here_, host_, 4096, cudaMemcpyHostToDevice, a_);
  EXPECT_EQ(*static_cast<volatile int*>(host_), 1);
  EXPECT_EQ(complaint(), "");
  *static_cast<volatile int*>(host_) = 2;
  EXPECT_NE(complaint(), "");
}

TEST_F(CudaSimRules, MemoryOfTheOtherDeviceIsOutOfReach) {
  void* there = nullptr;
  api_.cudaSetDevice(1);
  api_.cudaMalloc(&there, 4096);
  api_.cudaSetDevice(0);
  fill(a_, there);
  EXPECT_NE(complaint().find("device 1"), std::string::npos);
  api_.cudaSetDevice(1);
  api_.cudaFree(there);
  api_.cudaSetDevice(0);
}

TEST_F(CudaSimRules, MemoryInUseMayNotBeFreed) {
  void* memory = nullptr;
  api_.cudaMalloc(&memory, 4096);
  fill(a_, memory);
  api_.cudaFree(memory);
  EXPECT_NE(complaint().find("has not waited"), std::string::npos);
  fill(a_, memory);
  EXPECT_NE(cudasim::violations().back().find("freed"), std::string::npos);
}

TEST_F(CudaSimRules, BeyondAnAllocationIsNothing) {
  api_.cudaMemsetAsync(here_, 0, 4097, a_);
  EXPECT_NE(complaint().find("4097 bytes"), std::string::npos);
}

TEST_F(CudaSimRules, DeviceMemoryIsNotTheHosts) {
  EXPECT_DEATH(*static_cast<volatile int*>(here_) = 1, "touched memory of a device");
}

TEST_F(CudaSimRules, FreshMemoryIsNotANumber) {
  api_.cudaMemcpyAsync(host_, here_, 4096, cudaMemcpyDeviceToHost, a_);
  api_.cudaStreamSynchronize(a_);
  EXPECT_TRUE(std::isnan(static_cast<const float*>(host_)[7]));
}

}  // namespace
}  // namespace alx
