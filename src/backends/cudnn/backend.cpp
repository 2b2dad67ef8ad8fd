#include <algorithm>
#include <set>

#include "backends/cudnn/cudnn.h"
#include "backends/cudnn/kernel.h"
#include "backends/host_buffer.h"
#include "core/error.h"
#include "core/log.h"

namespace alx {
namespace {

using namespace cudnn;

std::vector<Precision> taken_by(int major, Phase phase) {
  std::vector<Precision> taken = cudnn_precisions(phase);
  if (major < ampere) std::erase(taken, Precision::bf16);
  return taken;
}

class CudnnBackend : public Backend {
 public:
  explicit CudnnBackend(int index) : device_(Device::open(cudnn::api(), index)) {}

  std::string name() const override { return cat("cudnn:", device_->index()); }
  std::string title() const override {
    return cat("cuda:", device_->index(), " (", device_->model(), ")");
  }
  std::vector<Precision> precisions(Phase phase) const override {
    return taken_by(device_->properties().major, phase);
  }

  std::unique_ptr<Kernel> compile(const Op& op, const CompileRequest& request) override {
    device_->use();
    const Context context{device_, request};
    try {
      return std::visit([&](const auto& o) { return make(o, context); }, op);
    } catch (const Error& error) {
      throw Error(error.code(), request.name + ": " + error.what());
    }
  }

  std::unique_ptr<Kernel> compile_reorder(const TensorDesc& from, const TensorDesc& to) override {
    return make_reorder(device_, from, to);
  }

  std::shared_ptr<Buffer> allocate(size_t bytes) override { return device_->allocate(bytes); }
  size_t alignment() const override { return memory_alignment; }
  std::optional<size_t> free_memory() const override { return device_->free_memory(); }

  void upload(const void* host, const TensorDesc& desc, void* device) override {
    device_->upload(host, device, static_cast<size_t>(element_count(desc.shape)), desc.type);
  }
  size_t upload_finite(std::span<const float> host, const TensorDesc& desc, void* device) override {
    return device_->upload_finite(host, device, desc.type);
  }
  void download(const void* device, const TensorDesc& desc, void* host) override {
    device_->download(device, host, static_cast<size_t>(element_count(desc.shape)), desc.type);
  }
  int64_t rows_per_upload(const TensorDesc& desc) const override {
    constexpr int64_t part_bytes = 4 << 20;
    const int64_t row_bytes = element_count(desc.shape) / desc.shape[0] * 4;
    return std::clamp<int64_t>(part_bytes / std::max<int64_t>(row_bytes, 1), 1, desc.shape[0]);
  }
  void upload_rows(std::span<const float> rows, int64_t first_row, const TensorDesc& desc,
                   void* device) override {
    const int64_t before = first_row * (element_count(desc.shape) / desc.shape[0]);
    device_->upload(rows.data(),
                    static_cast<char*>(device) + static_cast<size_t>(before) * size_of(desc.type),
                    rows.size(), desc.type);
  }

  void copy_from(Backend& source, const void* from, void* to, size_t bytes) override {
    if (auto* other = dynamic_cast<CudnnBackend*>(&source))
      return device_->copy_from(*other->device_, from, to, bytes);
    std::vector<float> host(bytes / sizeof(float));
    copy_to_host(source, from, host.data(), bytes);
    device_->upload(host.data(), to, host.size(), DataType::f32);
  }

  void begin_pass(const StepContext& step) override { device_->begin_pass(step); }
  const StepContext* step() const override { return device_->step(); }
  void update(const Update& u) override {
    device_->use();
    std::visit(
        [&]<class Rule>(const Rule& rule) {
          UpdateBy<Rule> work{rule,
                              static_cast<float*>(u.weight),
                              {},
                              static_cast<const float*>(u.grad),
                              device_->step(),
                              u.rate_factor,
                              u.count};
          std::copy_n(u.state.begin(), work.states, work.state);
          device_->launch(work);
        },
        u.rule);
  }
  std::unique_ptr<Recording> record(const std::function<void()>& work) override {
    return device_->record(work);
  }
  void synchronize() override { device_->synchronize(); }

  std::unique_ptr<Collective> make_collective(const std::vector<Backend*>& members) override {
    std::vector<std::shared_ptr<Device>> devices;
    std::set<int> indices;
    for (Backend* member : members) {
      const auto* other = dynamic_cast<CudnnBackend*>(member);
      if (!other) return nullptr;
      devices.push_back(other->device_);
      indices.insert(other->device_->index());
    }
    if (indices.size() < devices.size()) return nullptr;  // NCCL takes each GPU once
    if (has_nccl(device_->api())) return make_nccl_collective(devices);
    log_line(LogLevel::warning,
             "NCCL is not installed: gradients cross between GPUs through the host");
    return nullptr;
  }

  bool all_finite(const std::vector<std::pair<const void*, size_t>>& values) override {
    device_->use();
    if (!flag_) flag_ = device_->allocate(sizeof(int32_t));
    device_->call<&Api::cudaMemsetAsync>(flag_->data(), 0, sizeof(int32_t), device_->compute());
    for (const auto& [first, count] : values)
      device_->launch(
          Finite{static_cast<const float*>(first), static_cast<int32_t*>(flag_->data()), count});
    int32_t wrong = 0;
    device_->download(flag_->data(), &wrong, 1, DataType::i32);
    return wrong == 0;
  }

 private:
  std::shared_ptr<Device> device_;
  std::shared_ptr<Buffer> flag_;  // of all_finite(), made when first wanted
};

constexpr const char* no_kernels =
    ", for which the driver compiles this library's kernels when they first run";

DeviceInfo describe(const Api& api, int index, const std::vector<LibraryInfo>& loaded) {
  cudaDeviceProp properties{};
  check_status(api, api.cudaGetDeviceProperties(&properties, index), "cudaGetDeviceProperties",
               index);
  return {cat("cuda:", index),
          true,
          cat(properties.name, ", ", properties.totalGlobalMem >> 20, " MB, compute capability ",
              properties.major, ".", properties.minor,
              has_kernels_for(properties.major, properties.minor) ? "" : no_kernels, "; ",
              library_versions(api)),
          "",
          loaded,
          taken_by(properties.major, Phase::inference),
          taken_by(properties.major, Phase::training)};
}

}  // namespace

std::vector<DeviceInfo> list_cudnn_devices() {
  std::vector<LibraryInfo> loaded;
  try {
    const Api& api = cudnn::api();
    loaded = libraries(api);
    int driver = 0, count = 0;
    check(api.cudaDriverGetVersion(&driver) == cudaSuccess && driver > 0, Code::device,
          "no NVIDIA driver is installed, or this process may not use it");
    check(driver >= CUDART_VERSION / 1000 * 1000, Code::device,
          "the NVIDIA driver is made for CUDA ", driver / 1000, ".", driver % 1000 / 10,
          ", this build needs one for CUDA ", CUDART_VERSION / 1000, " or newer");
    const cudaError_t status = api.cudaGetDeviceCount(&count);
    if (status != cudaSuccess) api.cudaGetLastError();
    check(status == cudaSuccess, Code::device,
          "the NVIDIA driver answers: ", api.cudaGetErrorString(status));
    check(count > 0, Code::device, "there is no NVIDIA GPU");
    std::vector<DeviceInfo> list;
    for (int index = 0; index < count; ++index) list.push_back(describe(api, index, loaded));
    return list;
  } catch (const Error& error) {
    return {{"cuda:0", false, "", error.what(), loaded, {}, {}}};
  }
}

std::vector<Precision> cudnn_precisions(Phase) {
  return {Precision::fp32, Precision::tf32, Precision::fp16, Precision::bf16};
}

std::shared_ptr<Backend> make_cudnn_backend(int index) {
  return std::make_shared<CudnnBackend>(index);
}

}  // namespace alx
