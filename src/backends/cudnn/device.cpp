#include "backends/cudnn/device.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <shared_mutex>

#include "core/error.h"
#include "core/finite.h"
#include "core/log.h"
#include "core/parallel.h"

namespace alx::cudnn {
namespace {

// Staging memory starts small and grows to a whole batch, so that one batch comes while the one
// before is in use.
constexpr size_t least_slot = 4 << 20, most_slot = 256 << 20;

// Captures of graphs take it alone, what would disturb them shared.
std::shared_mutex& capture_mutex() {
  static std::shared_mutex mutex;
  return mutex;
}

// Makes the device the current one, for all that is made next.
cudaDeviceProp properties_of(const Api& api, int index) {
  cudaDeviceProp properties{};
  check_status(api, api.cudaGetDeviceProperties(&properties, index), "cudaGetDeviceProperties",
               index);
  check_status(api, api.cudaSetDevice(index), "cudaSetDevice", index);
  return properties;
}

// What cuBLAS's documentation advises. With a workspace of its own its results are the same from
// run to run.
size_t blas_workspace_bytes(const cudaDeviceProp& properties) {
  constexpr int hopper = 9;
  return properties.major >= hopper ? 32 << 20 : 4 << 20;
}

// Of a copy within the host's memory.
int threads_for(size_t elements) {
  constexpr size_t worth_a_thread = 2 << 20;
  return static_cast<int>(std::clamp<size_t>(elements / worth_a_thread, 1, 4));
}

class GraphRecording : public Recording {
 public:
  GraphRecording(Device& device, cudaStream_t stream, const std::function<void()>& work)
      : device_(device), stream_(stream) {
    // Thread-local: other threads may allocate meanwhile.
    device_.call<&Api::cudaStreamBeginCapture>(stream, cudaStreamCaptureModeThreadLocal);
    cudaGraph_t graph = nullptr;
    try {
      work();
    } catch (...) {
      device_.api().cudaStreamEndCapture(stream, &graph);
      if (graph) device_.api().cudaGraphDestroy(graph);
      throw;
    }
    device_.call<&Api::cudaStreamEndCapture>(stream, &graph);
    const cudaError_t status = device_.api().cudaGraphInstantiate(&executable_, graph, 0ull);
    device_.api().cudaGraphDestroy(graph);
    check_status(device_.api(), status, "cudaGraphInstantiate", device_.index());
  }
  ~GraphRecording() override {
    device_.api().cudaStreamSynchronize(stream_);
    device_.api().cudaGraphExecDestroy(executable_);
  }
  void replay() override {
    device_.use();
    device_.call<&Api::cudaGraphLaunch>(executable_, stream_);
  }

 private:
  Device& device_;
  cudaStream_t stream_;
  cudaGraphExec_t executable_ = nullptr;
};

}  // namespace

// Memory of a device, which lives as long as any of its buffers.
class DeviceBuffer : public Buffer {
 public:
  DeviceBuffer(std::shared_ptr<Device> device, void* data, size_t bytes)
      : Buffer(data, bytes), device_(std::move(device)) {}
  ~DeviceBuffer() override {
    device_->settle();
    device_->api().cudaFree(data_);
  }

 private:
  std::shared_ptr<Device> device_;
};

Device::Device(const Api& api, int index)
    : api_(api),
      index_(index),
      properties_(properties_of(api, index)),
      compute_(api, index, cudaStreamNonBlocking),
      upload_(api, index, cudaStreamNonBlocking),
      peer_(api, index, cudaStreamNonBlocking),
      ready_(api, index, cudaEventDisableTiming),
      copied_(api, index, cudaEventDisableTiming),
      cudnn_(api, index),
      cublas_(api, index) {
  call<&Api::cudnnSetStream>(cudnn_, compute_);
  call<&Api::cublasSetStream_v2>(cublas_, compute_);
  call<&Api::cublasSetMathMode>(cublas_, CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION);
  constexpr size_t before = 256;  // cuBLAS's alignment
  static_assert(sizeof(StepContext) <= before);
  const size_t workspace = blas_workspace_bytes(properties_);
  call<&Api::cudaMalloc>(&own_memory_, before + workspace);
  step_ = static_cast<StepContext*>(own_memory_);
  void* blas = static_cast<char*>(own_memory_) + before;
  try {
    call<&Api::cublasSetWorkspace_v2>(cublas_, blas, workspace);
  } catch (...) {
    api_.cudaFree(own_memory_);
    throw;
  }
}

std::shared_ptr<Device> Device::open(const Api& api, int index) {
  const std::shared_lock lock(capture_mutex());
  return std::shared_ptr<Device>(new Device(api, index), [](Device* device) {
    const std::shared_lock closing(capture_mutex());
    delete device;
  });
}

Device::~Device() {
  api_.cudaSetDevice(index_);
  settle();
  for (Slot& slot : slots_) {
    api_.cudaFreeHost(slot.host);
    api_.cudaFree(slot.device);
  }
  for (auto& [type, ones] : ones_) api_.cudaFree(ones.first);
  api_.cudaFree(own_memory_);
}

void Device::without_captures(const std::function<void()>& work) const {
  const std::shared_lock lock(capture_mutex());
  work();
}

const void* Device::ones(DataType type, size_t count) {
  auto& [memory, size] = ones_[type];
  if (size >= count) return memory;
  use();
  settle();
  api_.cudaFree(memory);
  memory = nullptr;
  size = 0;
  call<&Api::cudaMalloc>(&memory, count * size_of(type));
  launch(Fill{memory, type, 1.f, count});
  size = count;
  return memory;
}

cudaStream_t Device::compute() {
  if (copy_pending_) wait(compute_, copied_);
  copy_pending_ = false;
  return compute_;
}

std::shared_ptr<Buffer> Device::allocate(size_t bytes) {
  use();
  void* data = nullptr;
  const cudaError_t status = api_.cudaMalloc(&data, std::max<size_t>(bytes, 1));
  if (status == cudaErrorMemoryAllocation) {
    api_.cudaGetLastError();
    fail(Code::out_of_memory, "cuda:", index_, " (", model(), ") has no ", (bytes >> 20) + 1,
         " MB: ", free_memory() >> 20, " MB are free");
  }
  check_status(api_, status, "cudaMalloc", index_);
  auto buffer = std::make_shared<DeviceBuffer>(shared_from_this(), data, bytes);
  call<&Api::cudaMemsetAsync>(data, 0, std::max<size_t>(bytes, 1), compute());
  return buffer;
}

size_t Device::free_memory() const {
  use();
  size_t free = 0, total = 0;
  call<&Api::cudaMemGetInfo>(&free, &total);
  return free;
}

void Device::resize(Slot& slot, size_t bytes) const {
  settle();
  api_.cudaFreeHost(slot.host);
  api_.cudaFree(slot.device);
  slot.host = slot.device = nullptr;
  slot.bytes = 0;
  call<&Api::cudaHostAlloc>(&slot.host, bytes, static_cast<unsigned>(cudaHostAllocDefault));
  call<&Api::cudaMalloc>(&slot.device, bytes);
  slot.bytes = bytes;
}

// Ready to be filled by the host; of the wanted size as far as there is one.
Device::Slot& Device::next_slot(size_t wanted) {
  constexpr size_t count = 2;
  while (slots_.size() < count)
    slots_.push_back({nullptr, nullptr, 0,
                      std::make_unique<Event>(api_, index_, cudaEventDisableTiming),
                      std::make_unique<Event>(api_, index_, cudaEventDisableTiming)});
  Slot& slot = slots_[slot_++ % count];
  call<&Api::cudaEventSynchronize>(*slot.crossed);
  wanted = std::clamp(wanted, least_slot, most_slot);
  if (slot.bytes < wanted) resize(slot, wanted);
  return slot;
}

template <class Fill>
void Device::upload_by(const Fill& fill, void* device, size_t count, DataType type) {
  wait_for_readers();  // what is overwritten may still be copied by other devices
  for (size_t first = 0; first < count;) {
    Slot& slot = next_slot((count - first) * 4);
    const size_t elements = std::min(slot.bytes / 4, count - first);
    if (!fill(first, elements, static_cast<float*>(slot.host))) return;
    wait(upload_, *slot.consumed);
    call<&Api::cudaMemcpyAsync>(slot.device, slot.host, elements * 4, cudaMemcpyHostToDevice,
                                upload_);
    record_event(*slot.crossed, upload_);
    wait(compute(), *slot.crossed);
    void* target = static_cast<char*>(device) + first * size_of(type);
    if (size_of(type) == 4)
      copy(target, slot.device, elements * 4);
    else
      launch(Convert{slot.device, target, DataType::f32, type, elements});
    record_event(*slot.consumed, compute());
    first += elements;
  }
}

void Device::upload(const void* host, void* device, size_t count, DataType type) {
  const auto* from = static_cast<const float*>(host);
  const auto copy = [&](size_t first, size_t elements, float* to) {
    in_parts(elements, threads_for(elements), [&](size_t begin, size_t end) {
      std::memcpy(to + begin, from + first + begin, (end - begin) * 4);
    });
    return true;
  };
  upload_by(copy, device, count, type);
}

size_t Device::upload_finite(std::span<const float> host, void* device, DataType type) {
  FiniteCopy checked(host);
  const auto copy = [&](size_t first, size_t elements, float* to) {
    in_parts(elements, threads_for(elements), [&](size_t begin, size_t end) {
      checked.copy(first + begin, end - begin, to + begin);
    });
    return checked.wrong() == host.size();
  };
  upload_by(copy, device, host.size(), type);
  return checked.wrong();
}

void Device::download(const void* device, void* host, size_t count, DataType type) {
  use();
  for (size_t first = 0; first < count;) {
    Slot& slot = next_slot(0);
    const size_t elements = std::min(slot.bytes / 4, count - first);
    const void* source = static_cast<const char*>(device) + first * size_of(type);
    if (size_of(type) != 4) {
      launch(Convert{source, slot.device, type, DataType::f32, elements});
      record_event(*slot.consumed, compute());
      source = slot.device;
    }
    call<&Api::cudaMemcpyAsync>(slot.host, source, elements * 4, cudaMemcpyDeviceToHost, compute());
    call<&Api::cudaStreamSynchronize>(compute());
    std::memcpy(static_cast<char*>(host) + first * 4, slot.host, elements * 4);
    first += elements;
  }
}

// Without it, copies between two devices pass through the host; where it cannot be had, they still
// do.
void Device::reach(const Device& other) {
  if (other.index_ == index_ || std::count(reached_.begin(), reached_.end(), other.index_)) return;
  reached_.push_back(other.index_);
  int can = 0;
  call<&Api::cudaDeviceCanAccessPeer>(&can, index_, other.index_);
  if (!can) return;
  const cudaError_t status = api_.cudaDeviceEnablePeerAccess(other.index_, 0);
  if (status == cudaErrorPeerAccessAlreadyEnabled)
    api_.cudaGetLastError();
  else
    check_status(api_, status, "cudaDeviceEnablePeerAccess", index_);
}

void Device::copy_from(Device& source, const void* from, void* to, size_t bytes) {
  source.use();
  source.record_event(source.ready_, source.compute_);
  use();
  reach(source);
  // who used this memory before is done with it
  record_event(ready_, compute_);
  // it was copied there itself, and no kernel has read it since
  if (source.copy_pending_) wait(peer_, source.copied_);
  wait(peer_, source.ready_);
  wait(peer_, ready_);
  const auto known = [this](const std::weak_ptr<Device>& reader) {
    return reader.lock().get() == this;
  };
  if (std::none_of(source.readers_.begin(), source.readers_.end(), known))
    source.readers_.push_back(weak_from_this());
  if (source.index_ == index_)
    call<&Api::cudaMemcpyAsync>(to, from, bytes, cudaMemcpyDeviceToDevice, peer_);
  else
    call<&Api::cudaMemcpyPeerAsync>(to, index_, from, source.index_, bytes, peer_);
  record_event(copied_, peer_);
  copy_pending_ = true;
}

void Device::begin_pass(const StepContext& step) {
  wait_for_readers();
  if (told_ == step) return;
  launch(SetStep{step_, step});
  told_ = step;
}

void Device::wait_for_readers() {
  use();
  for (const std::weak_ptr<Device>& reader : readers_)
    if (const auto device = reader.lock()) wait(compute_, device->copied_);
  readers_.clear();
}

void Device::synchronize() {
  use();
  call<&Api::cudaStreamSynchronize>(compute());
}

// Not by waiting for the whole device, which would break what another thread captures there; nor
// for copied_, which may have failed to be recorded.
void Device::settle() const {
  api_.cudaSetDevice(index_);
  for (const Stream* stream : {&compute_, &upload_, &peer_}) api_.cudaStreamSynchronize(*stream);
  for (const std::weak_ptr<Device>& reader : readers_)
    if (const auto device = reader.lock()) api_.cudaStreamSynchronize(device->peer_);
}

std::unique_ptr<Recording> Device::record(const std::function<void()>& work) {
  use();
  const cudaStream_t stream = compute();
  const std::unique_lock lock(capture_mutex());
  try {
    return std::make_unique<GraphRecording>(*this, stream, work);
  } catch (const Error& error) {
    log_line(
        LogLevel::warning,
        cat("cuda:", index_, " cannot record its work, and runs it call by call: ", error.what()));
    return nullptr;
  }
}

}  // namespace alx::cudnn
