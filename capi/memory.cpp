// Where the memory of tensors comes from, and what sessions and trainers take of it.
#include <new>

#include "handles.h"

using namespace alx;
using namespace alx::capi;

namespace {

constexpr int64_t all_devices = -1;

class CountingAllocator final : public HostAllocator {
 public:
  CountingAllocator(const ContextMemory::Source& source,
                    std::shared_ptr<ContextMemory::Counter> counter)
      : source_(source), counter_(std::move(counter)) {}

  void* allocate(size_t bytes, size_t alignment) override {
    const auto size = static_cast<int64_t>(bytes);
    const int64_t now = counter_->in_use += size, limit = counter_->limit;
    void* memory = limit == 0 || now <= limit ? get(bytes, alignment) : nullptr;
    if (memory) return memory;
    counter_->in_use -= size;
    check(limit == 0 || now <= limit, Code::out_of_memory, bytes, " bytes more are needed, with ",
          now - size, " in use and a limit of ", limit,
          " for the context; a smaller batch takes less");
    fail(Code::out_of_memory,
         source_.allocate ? "the context's allocator gave no memory for " : "no memory for ", bytes,
         " bytes");
  }

  void free(void* memory, size_t bytes, size_t alignment) noexcept override {
    if (source_.deallocate) {
      const CallbackScope scope;
      source_.deallocate(source_.user_data, memory, bytes, alignment);
    } else {
      ::operator delete (memory, std::align_val_t{alignment});
    }
    counter_->in_use -= static_cast<int64_t>(bytes);
  }

 private:
  void* get(size_t bytes, size_t alignment) const {
    if (!source_.allocate) return ::operator new (bytes, std::align_val_t{alignment}, std::nothrow);
    const CallbackScope scope;
    return source_.allocate(source_.user_data, bytes, alignment);
  }

  ContextMemory::Source source_;
  std::shared_ptr<ContextMemory::Counter> counter_;
};

size_t bytes_of(const alexnet_memory& memory, const MemoryReport& device,
                alexnet_memory_kind kind) {
  const size_t optimizer = memory.training ? device.weights : 0;  // one velocity for each weight
  switch (kind) {
    case ALEXNET_MEMORY_TOTAL:
      return device.weights + device.gradients + optimizer + device.activations;
    case ALEXNET_MEMORY_WEIGHTS: return device.weights;
    case ALEXNET_MEMORY_GRADIENTS: return device.gradients;
    case ALEXNET_MEMORY_OPTIMIZER: return optimizer;
    case ALEXNET_MEMORY_ACTIVATIONS: return device.activations;
    case ALEXNET_MEMORY_WORKSPACE: return device.workspace;
    default: fail(Code::invalid_argument, "kind must be one of ALEXNET_MEMORY_*, got ", kind);
  }
}

}  // namespace

void ContextMemory::set_source(const Source& source) {
  const std::lock_guard lock(mutex_);
  source_ = source;
}

std::shared_ptr<HostAllocator> ContextMemory::allocator() const {
  const std::lock_guard lock(mutex_);
  return std::make_shared<CountingAllocator>(source_, counter_);
}

alexnet_memory* alx::capi::make_memory_handle(const Network& network, Phase phase) {
  auto made = std::make_unique<alexnet_memory>();
  made->training = phase == Phase::training;
  for (size_t i = 0; i < network.device_count(); ++i) made->devices.push_back(network.memory(i));
  return made.release();
}

alexnet_status alexnet_context_set_allocator(alexnet_context* context,
                                             alexnet_allocate_callback allocate,
                                             alexnet_deallocate_callback deallocate,
                                             void* user_data) {
  return guard([&] {
    check(!allocate == !deallocate, Code::invalid_argument,
          "allocate and deallocate must both be given, or both be NULL");
    settings_of(context)->memory.set_source({allocate, deallocate, user_data});
  });
}

alexnet_status alexnet_context_set_memory_limit(alexnet_context* context, int64_t bytes) {
  return guard([&] {
    check(bytes >= 0, Code::invalid_argument, "bytes must be 0 (no limit) or more, got ", bytes);
    settings_of(context)->memory.set_limit(bytes);
  });
}

alexnet_status alexnet_context_set_limit(alexnet_context* context, alexnet_limit_kind kind,
                                         int64_t value) {
  return guard([&] {
    constexpr int64_t Limits::*kinds[] = {&Limits::pixels, &Limits::scan_pixels, &Limits::bytes,
                                          &Limits::items, &Limits::depth};
    require_index(kind, std::size(kinds), "kind");
    check(value >= 0, Code::invalid_argument, "value must be 0 (the usual limit) or more, got ",
          value);
    settings_of(context)->set_limit(kinds[kind], value > 0 ? value : Limits().*kinds[kind]);
  });
}

alexnet_status alexnet_context_memory_in_use(alexnet_context* context, int64_t* bytes) {
  return guard([&] {
    require(bytes, "bytes");
    *bytes = settings_of(context)->memory.in_use();
  });
}

alexnet_status alexnet_memory_device_count(const alexnet_memory* memory, int64_t* count) {
  return guard([&] {
    require(memory, "memory");
    require(count, "count");
    *count = static_cast<int64_t>(memory->devices.size());
  });
}

alexnet_status alexnet_memory_bytes(const alexnet_memory* memory, int64_t device,
                                    alexnet_memory_kind kind, int64_t* bytes) {
  return guard([&] {
    require(memory, "memory");
    require(bytes, "bytes");
    const auto count = static_cast<int64_t>(memory->devices.size());
    if (device != all_devices) require_index(device, count, "device");
    size_t sum = 0;
    for (int64_t i = 0; i < count; ++i)
      if (device == all_devices || device == i)
        sum += bytes_of(*memory, memory->devices[static_cast<size_t>(i)], kind);
    *bytes = static_cast<int64_t>(sum);
  });
}

void alexnet_memory_free(alexnet_memory* memory) { delete memory; }
