#include <algorithm>
#include <cstring>

#include "backends/reference/kernel.h"
#include "backends/reference/quantized.h"
#include "backends/reference/reference.h"
#include "core/error.h"

namespace alx {
namespace {

void copy_dense(const void* from, const TensorDesc& desc, void* to) {
  check(!desc.layout, Code::internal, "the reference backend was given a tensor in the layout ",
        desc.layout ? desc.layout->name() : "", " of another backend");
  if (const size_t bytes = desc.bytes()) std::memcpy(to, from, bytes);
}

class ReferenceBackend : public Backend {
 public:
  explicit ReferenceBackend(std::shared_ptr<HostAllocator> allocator)
      : allocator_(std::move(allocator)) {}
  std::string name() const override { return "reference"; }
  std::vector<Precision> precisions(Phase phase) const override {
    return reference_precisions(phase);
  }
  std::unique_ptr<Kernel> compile(const Op& op, const CompileRequest& request) override {
    return reference_kernel(op, request);
  }
  std::unique_ptr<Kernel> compile_reorder(const TensorDesc& from, const TensorDesc& to) override {
    return reference::make_reorder(from, to);
  }
  std::shared_ptr<Buffer> allocate(size_t bytes) override {
    return make_host_buffer(bytes, allocator_);
  }
  void upload(const void* host, const TensorDesc& desc, void* device) override {
    if (!desc.row_scales) return copy_dense(host, desc, device);
    upload_rows({static_cast<const float*>(host), static_cast<size_t>(element_count(desc.shape))},
                0, desc, device);
  }
  void download(const void* device, const TensorDesc& desc, void* host) override {
    desc.row_scales ? reference::dequantize(desc, device, static_cast<float*>(host))
                    : copy_dense(device, desc, host);
  }
  void upload_rows(std::span<const float> rows, int64_t first_row, const TensorDesc& desc,
                   void* device) override {
    if (desc.row_scales) return reference::quantize_rows(rows, first_row, desc, device);
    const auto row_size = static_cast<size_t>(element_count(desc.shape) / desc.shape[0]);
    std::copy(rows.begin(), rows.end(),
              static_cast<float*>(device) + static_cast<size_t>(first_row) * row_size);
  }
  void copy_from(Backend& source, const void* from, void* to, size_t bytes) override {
    copy_to_host(source, from, to, bytes);
  }
  void update(const Update& u) override { reference::update(u, *step()); }
  void synchronize() override {}
  bool all_finite(const std::vector<std::pair<const void*, size_t>>& values) override {
    return all_finite_on_host(values);
  }

 private:
  std::shared_ptr<HostAllocator> allocator_;
};

}  // namespace

std::vector<Precision> reference_precisions(Phase phase) {
  if (phase == Phase::training) return {Precision::fp32};
  return {Precision::fp32, Precision::int8};
}

std::shared_ptr<Backend> make_reference_backend(std::shared_ptr<HostAllocator> allocator) {
  return std::make_shared<ReferenceBackend>(std::move(allocator));
}

}  // namespace alx
