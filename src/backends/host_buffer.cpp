#include "backends/host_buffer.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "core/error.h"
#include "core/finite.h"
#include "core/large_pages.h"

namespace alx {
namespace {

constexpr size_t alignment = 64;  // of a cache line, and of the widest vectors

class NewAllocator final : public HostAllocator {
 public:
  void* allocate(size_t bytes, size_t to) override {
    void* memory = ::operator new (bytes, std::align_val_t{to}, std::nothrow);
    check(memory != nullptr, Code::out_of_memory, "no memory for a buffer of ", bytes, " bytes");
    return memory;
  }
  void free(void* memory, size_t, size_t to) noexcept override {
    ::operator delete (memory, std::align_val_t{to});
  }
};

class HostBuffer final : public Buffer {
 public:
  HostBuffer(size_t bytes, std::shared_ptr<HostAllocator> allocator)
      : Buffer(allocator->allocate(std::max<size_t>(bytes, 1), alignment), bytes),
        allocator_(std::move(allocator)) {
    ask_for_large_pages(data_, bytes);
    std::memset(data_, 0, bytes);
  }
  ~HostBuffer() override { allocator_->free(data_, std::max<size_t>(bytes_, 1), alignment); }
  HostBuffer(const HostBuffer&) = delete;
  HostBuffer& operator=(const HostBuffer&) = delete;

 private:
  std::shared_ptr<HostAllocator> allocator_;
};

}  // namespace

std::shared_ptr<Buffer> make_host_buffer(size_t bytes, std::shared_ptr<HostAllocator> allocator) {
  if (!allocator) allocator = std::make_shared<NewAllocator>();
  return std::make_shared<HostBuffer>(bytes, std::move(allocator));
}

void copy_to_host(Backend& source, const void* from, void* to, size_t bytes) {
  source.synchronize();
  check(bytes % sizeof(float) == 0, Code::internal,
        "copy_from moves whole elements of 4 bytes, got ", bytes);
  source.download(from, {{static_cast<int64_t>(bytes / sizeof(float))}, DataType::f32, nullptr},
                  to);
}

size_t Backend::upload_finite(std::span<const float> host, const TensorDesc& desc, void* device) {
  const size_t wrong = first_not_finite(host.data(), host.size());
  if (wrong == host.size()) upload(host.data(), desc, device);
  return wrong;
}

bool all_finite_on_host(const std::vector<std::pair<const void*, size_t>>& values) {
  return std::all_of(values.begin(), values.end(), [](const auto& part) {
    return first_not_finite(static_cast<const float*>(part.first), part.second) == part.second;
  });
}

}  // namespace alx
