// What the backend makes of machines as they are: answers of the libraries, kinds of GPUs,
// algorithms that are missing. On simulated GPUs.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>

#include "core/error.h"
#include "core/log.h"
#include "cudasim/machine.h"
#include "data/dataset_memory.h"
#include "gpus.h"
#include "plan/types.h"
#include "temporary_folder.h"
#include "tiny_training.h"
#include "train/trainer.h"

namespace alx {
namespace {

using namespace test;

class CudaBackend : public testing::Test {
 protected:
  void SetUp() override {
    if (gpus_are_real()) GTEST_SKIP() << "of simulated GPUs only";
    use_test_gpus();
    cudasim::reset();
    set_log_sink([this](LogLevel level, const std::string& line) {
      if (level == LogLevel::warning) warnings_.push_back(line);
    });
  }
  void TearDown() override {
    set_log_sink({});
    EXPECT_EQ(gpu_violations(), std::vector<std::string>());
  }
  std::vector<std::string> warnings_;
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string description_of(const std::string& name) {
  for (const DeviceInfo& device : list_devices())
    if (device.name == name) return device.description;
  return "";
}

// ---- what the answers of the libraries mean ----------------------------------------------------

struct Answer {
  const char* call;
  int status;
  Code code;
  const char* advice;  // "": none
};

constexpr const char *lost = "may be lost", *whole = "of one version", *build = "newer driver",
                     *more = "NCCL_DEBUG";

TEST_F(CudaBackend, AnswersOfTheLibrariesAreToldApart) {
  const Answer answers[] = {
      {"cudnnConvolutionForward", CUDNN_STATUS_ALLOC_FAILED, Code::out_of_memory, ""},
      {"cudnnConvolutionForward", CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED,
       Code::out_of_memory, ""},
      {"cudnnCreate", CUDNN_STATUS_NOT_INITIALIZED, Code::device, whole},
      {"cudnnCreate", CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH, Code::device, whole},
      {"cudnnPoolingForward", CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED, Code::device, whole},
      {"cudnnPoolingForward", CUDNN_STATUS_NOT_SUPPORTED_SUBLIBRARY_UNAVAILABLE, Code::device,
       whole},
      {"cudnnConvolutionForward", CUDNN_STATUS_BAD_PARAM, Code::unsupported, ""},
      {"cudnnConvolutionForward", CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH, Code::unsupported, ""},
      {"cudnnConvolutionForward", CUDNN_STATUS_EXECUTION_FAILED, Code::device, lost},
      {"cublasCreate_v2", CUBLAS_STATUS_NOT_INITIALIZED, Code::device, whole},
      {"cublasGemmEx", CUBLAS_STATUS_ALLOC_FAILED, Code::out_of_memory, ""},
      {"cublasGemmEx", CUBLAS_STATUS_NOT_SUPPORTED, Code::unsupported, ""},
      {"cublasGemmEx", CUBLAS_STATUS_EXECUTION_FAILED, Code::device, lost},
      {"cudaMemcpyAsync", cudaErrorIllegalAddress, Code::device, lost},
      {"alexnet_bias_activation", cudaErrorNoKernelImageForDevice, Code::unsupported, build},
      {"alexnet_bias_activation", cudaErrorUnsupportedPtxVersion, Code::unsupported, build},
      {"cudaSetDevice", cudaErrorDevicesUnavailable, Code::device, "another program"},
      {"ncclAllReduce", ncclUnhandledCudaError, Code::device, lost},
      {"ncclCommInitAll", ncclSystemError, Code::device, more},
  };
  NetSpec column = tiny_towers();
  for (Node& node : column.nodes) node.slot = 0;
  for (const Answer& answer : answers) {
    SCOPED_TRACE(testing::Message() << answer.call << " answers " << answer.status);
    cudasim::reset();
    cudasim::fail_call(answer.call, 0, answer.status);
    try {
      train(column, "cuda:0,cuda:1");
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      const std::string text = error.what();
      EXPECT_EQ(error.code(), answer.code) << text;
      for (const char* advice : {lost, whole, build, more, "another program"})
        EXPECT_EQ(has(text, advice), std::string(advice) == answer.advice) << text;
      const std::string noted = cat("(a test wanted ", answer.call, " to fail)");
      EXPECT_EQ(has(text, noted), std::string(answer.call).starts_with("cudnn")) << text;
    }
  }
}

// ---- libraries and GPUs ------------------------------------------------------------------------

TEST_F(CudaBackend, GpusWithoutKernelsOfTheirOwnAreNamed) {
  for (const auto& [capability, compiled] : std::map<int, bool>{{75, true},
                                                                {80, true},
                                                                {89, true},
                                                                {90, true},
                                                                {100, true},
                                                                {103, true},
                                                                {110, false},
                                                                {120, true},
                                                                {121, true},
                                                                {130, false}}) {
    cudasim::set_capability(capability / 10, capability % 10);
    EXPECT_NE(has(description_of("cuda:0"), "the driver compiles"), compiled)
        << description_of("cuda:0");
  }
}

TEST_F(CudaBackend, LibrariesAreNamedWithTheirVersions) {
  for (const DeviceInfo& device : list_devices()) {
    std::string names;
    for (const LibraryInfo& library : device.libraries) {
      names += library.name + " ";
      EXPECT_TRUE(has(device.description, library.name + " " + library.version))
          << device.description;
      EXPECT_FALSE(library.file.empty());
    }
    EXPECT_EQ(names, device.name.starts_with("cuda:") ? "CUDA cuDNN cuBLAS NCCL " : "")
        << device.name;
  }
}

// Sets variables of the environment, and brings the old ones back.
class Environment {
 public:
  void set(const char* name, const std::string& value) {
    if (!old_.count(name))
      old_[name] = std::getenv(name) ? std::optional<std::string>(std::getenv(name)) : std::nullopt;
    setenv(name, value.c_str(), 1);
  }
  ~Environment() {
    for (const auto& [name, value] : old_) value ? setenv(name, value->c_str(), 1) : unsetenv(name);
  }

 private:
  std::map<const char*, std::optional<std::string>> old_;
};

TEST_F(CudaBackend, LibrariesOfPythonsEnvironmentsAreFound) {
  namespace fs = std::filesystem;
  const fs::path root = new_folder("libraries");
  const auto wheels = [&](const char* environment, const char* package) {
    return root / environment / "lib/python3.12/site-packages/nvidia" / package / "lib";
  };
  const std::vector<fs::path> expected{wheels("venv", "cu13"), wheels("venv", "cudnn"),
                                       wheels("conda", "nccl"), root / "conda/lib"};
  for (const fs::path& path : expected) fs::create_directories(path);
  fs::create_directories(root / "venv/lib/python3.12/site-packages/numpy/lib");
  Environment environment;
  environment.set("VIRTUAL_ENV", root / "venv");
  environment.set("CONDA_PREFIX", root / "conda");
  const std::vector<std::string> found = cudnn::library_folders();
  ASSERT_GE(found.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(found[i], expected[i].string());
  for (size_t i = expected.size(); i < found.size(); ++i)
    EXPECT_TRUE(has(found[i], "cuda")) << found[i];

  Dl_info c{};
  ASSERT_NE(dladdr(reinterpret_cast<void*>(&std::getenv), &c), 0);
  std::string reasons;
  EXPECT_EQ(cudnn::open_library("libalexnet-test.so.1", reasons), nullptr);
  EXPECT_TRUE(has(reasons, "libalexnet-test.so.1")) << reasons;
  // the next one is tried then
  std::ofstream(expected[0] / "libalexnet-test.so.1") << "no library";
  fs::create_symlink(c.dli_fname, expected[2] / "libalexnet-test.so.1");
  void* opened = cudnn::open_library("libalexnet-test.so.1", reasons);
  ASSERT_NE(opened, nullptr) << reasons;
  dlclose(opened);
  fs::remove_all(root);
}

// ---- kernels -----------------------------------------------------------------------------------

std::string implementation(const Op& op, const Shape& in, Precision precision,
                           Phase phase = Phase::inference) {
  const CompileRequest request{"node", {"node"}, {{in, DataType::f32, nullptr}},
                               {true}, phase,    types_of(op, precision, phase)};
  return open_device("cuda:0")->compile(op, request)->spec().implementation;
}

// Of measurements in other math types: f32 needs what is fastest in FMA, everything else what is
// fastest at all.
TEST_F(CudaBackend, TheFastestAlgorithmIsTakenWithItsMathType) {
  const Conv op = conv3x3(4);
  const std::string gemm = std::to_string(CUDNN_CONVOLUTION_FWD_ALGO_GEMM);
  const std::string precomputed = std::to_string(CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM);
  EXPECT_EQ(implementation(op, {1, 11, 5, 5}, Precision::fp32),
            cat("cudnn:forward ", precomputed, "/", int{CUDNN_FMA_MATH}));
  for (const Precision type : {Precision::fp16, Precision::bf16})
    EXPECT_EQ(implementation(op, {1, 11, 5, 5}, type),
              cat("cudnn:forward ", gemm, "/", int{CUDNN_DEFAULT_MATH}));
  EXPECT_EQ(implementation(op, {1, 11, 5, 5}, Precision::tf32),
            cat("cudnn:forward ", precomputed, "/", int{CUDNN_DEFAULT_MATH}));
}

TEST_F(CudaBackend, WhereNoAlgorithmIsDeterministicOneIsTakenWithAWarning) {
  const Conv op = conv3x3(4);
  EXPECT_TRUE(
      has(implementation(op, {1, 13, 5, 5}, Precision::fp32, Phase::training), "filter 1/"));
  EXPECT_EQ(warnings_, std::vector<std::string>());
  cudasim::leave_only_nondeterministic(true);
  const std::string taken = implementation(op, {1, 13, 6, 6}, Precision::fp32, Phase::training);
  EXPECT_TRUE(has(taken, "filter 0/") && has(taken, "data 0/")) << taken;
  // of the gradients of the filters and of the input: forward passes all repeat
  ASSERT_EQ(warnings_.size(), 2u);
  for (const std::string& line : warnings_)
    EXPECT_TRUE(has(line, "differ from run to run")) << line;
}

TEST_F(CudaBackend, Tf32IsF32WhereTheGpuHasNone) {
  const auto answer = [](Precision precision) {
    NetworkOptions options;
    options.precision = precision;
    Network net(small("alexnet-cifar10"), open_devices("cuda:0"), options);
    net.load(random_weights(1));
    net.set_input(picture(net, 1, 1));
    net.forward();
    EXPECT_EQ(has(net.describe(), cat("/", int{CUDNN_FMA_MATH})),
              precision == Precision::fp32 || cudasim::capability() < 80);
    return net.read(net.result());
  };
  answer(Precision::tf32);
  cudasim::set_capability(7, 5);
  EXPECT_EQ(answer(Precision::tf32), answer(Precision::fp32));
}

// Before anything is queued; nothing is left to find out.
TEST_F(CudaBackend, TensorsBeyondWhatCudnnCountsAreRefused) {
  NetworkOptions options;
  options.batch = 11093;
  try {
    Network(make_model("alexnet"), open_devices("cuda:0"), options);
    FAIL() << "taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::unsupported);
    EXPECT_TRUE(has(error.what(), "11093 x 64 x 55 x 55")) << error.what();
    EXPECT_TRUE(has(error.what(), "a batch of at most 11092")) << error.what();
  }
  EXPECT_EQ(cudasim::calls().count("cudnnSetTensor4dDescriptor"), 1u);
  EXPECT_EQ(cudasim::calls().count("cudnnFindConvolutionForwardAlgorithm"), 0u);
}

// torchvision's network has such a pool between its two parts, which does nothing at the usual
// size.
TEST_F(CudaBackend, APoolToTheSizeThatIsThereRunsNothing) {
  for (const int64_t size : {6, 7}) {
    models::NetBuilder builder("pooled", "a test");
    InputSpec input;
    input.height = input.width = size;
    builder.input(input, {})
        .classes(5, {})
        .add("conv", conv3x3(4))
        .add("pool", AdaptiveAvgPool{6, 6});
    builder.add("fc", Linear{5, Activation::none, models::gaussian(1), models::bias(0)});
    cudasim::reset();
    const Trained trained = train(builder.finish(), "cuda:0");
    for (const char* kernel : {"alexnet_average", "alexnet_average_grad", "alexnet_sum"})
      EXPECT_EQ(cudasim::calls().count(kernel),
                size == 7 && kernel != std::string("alexnet_sum") ? 1u : 0u)
          << kernel;
  }
}

// Joined batches may be longer than a pitch can be, so that they are copied as they are.
TEST_F(CudaBackend, BatchesAreJoinedWithoutAPitch) {
  const auto device = open_device("cuda:0");
  const TensorDesc part{{2, 3}, DataType::f32, nullptr}, both{{4, 3}, DataType::f32, nullptr};
  const auto kernel =
      device->compile(Concat{true}, {"join", {"join"}, {part, part}, {}, Phase::inference});
  const auto first = device->allocate(part.bytes()), second = device->allocate(part.bytes());
  const auto joined = device->allocate(both.bytes());
  const std::vector<float> values{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  device->upload(values.data(), part, first->data());
  device->upload(values.data() + 6, part, second->data());
  Binding binding;
  binding.inputs = {first->data(), second->data()};
  binding.outputs = {joined->data()};
  kernel->bind(binding);
  kernel->forward();
  std::vector<float> result(values.size());
  device->download(joined->data(), both, result.data());
  EXPECT_EQ(result, values);
  EXPECT_EQ(cudasim::calls().count("cudaMemcpy2DAsync"), 0u);
}

// ---- the host's side ---------------------------------------------------------------------------

TEST_F(CudaBackend, ValuesAreLookedAtWhileTheyAreCopied) {
  const auto device = open_device("cuda:0");
  constexpr size_t count = 5'000'001;  // several threads' worth
  const TensorDesc desc{{static_cast<int64_t>(count)}, DataType::f32, nullptr};
  const auto memory = device->allocate(desc.bytes());
  std::vector<float> values(count), back(count);
  for (size_t i = 0; i < count; ++i) values[i] = static_cast<float>(i % 1000);
  values[7] = std::numeric_limits<float>::max();
  EXPECT_EQ(device->upload_finite(values, desc, memory->data()), count);
  device->download(memory->data(), desc, back.data());
  EXPECT_EQ(back, values);
  for (const size_t place :
       {size_t{0}, size_t{255}, size_t{4095}, size_t{4096}, count / 2, count - 1}) {
    std::vector<float> bad = values;
    bad[place] = NAN;
    bad.back() = INFINITY;
    EXPECT_EQ(device->upload_finite(bad, desc, memory->data()), place);
  }
  device->upload(back.data(), desc, memory->data());
}

// Else its backward pass could hide in the wait for the next pictures.
TEST_F(CudaBackend, ATimedStepLeavesNothingUnfinished) {
  auto data = std::make_shared<MemoryDataset>(std::vector<std::string>{"a", "b", "c", "d", "e"});
  for (int64_t i = 0; i < 10; ++i)
    data->add({13, 13, std::vector<uint8_t>(13 * 13 * 3, static_cast<uint8_t>(i))}, i % 5);
  NetSpec spec = tiny_towers();
  spec.input.resize = InputSpec::Resize::none;
  TrainOptions options;
  options.recipe = spec.recipe;
  options.recipe.mean = Recipe::Mean::fixed;
  options.recipe.batch = 5;
  options.recipe.epochs = 3;
  options.devices = "cuda:0,cuda:1";
  Trainer trainer(spec, data, options);
  trainer.step();
  EXPECT_NE(cudasim::unfinished(), "") << "of a step";
  for (int i = 0; i < 3; ++i) {
    EXPECT_GT(trainer.timed_step(), 0);
    EXPECT_EQ(cudasim::unfinished(), "");
  }
}

}  // namespace
}  // namespace alx
