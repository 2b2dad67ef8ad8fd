// One GPU as a backend sees it: its streams, handles and memory, and the calls of the libraries
// with their errors.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "backends/cudnn/api.h"

namespace alx::cudnn {

// Something that a library creates and destroys.
template <class T, auto Create, auto Destroy>
class Handle {
 public:
  template <class... Args>
  Handle(const Api& api, int device, Args... args) : api_(&api) {
    check_status(api, (api.*Create)(&value_, args...), call_name<Create>, device);
  }
  ~Handle() { (api_->*Destroy)(value_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  operator T() const { return value_; }

 private:
  const Api* api_;
  T value_{};
};
using Stream = Handle<cudaStream_t, &Api::cudaStreamCreateWithFlags, &Api::cudaStreamDestroy>;
using Event = Handle<cudaEvent_t, &Api::cudaEventCreateWithFlags, &Api::cudaEventDestroy>;

// Streams: kernels run in order on one of them; pictures come and activations cross on two others,
// ordered by events alone, so that the host never waits for a kernel but where it reads a result.
class Device : public std::enable_shared_from_this<Device> {
 public:
  static std::shared_ptr<Device> open(const Api& api, int index);
  ~Device();

  const Api& api() const { return api_; }
  int index() const { return index_; }
  const cudaDeviceProp& properties() const { return properties_; }
  std::string model() const { return properties_.name; }  // "NVIDIA H100 80GB HBM3"

  // Calls a function of the table; throws what its status means.
  template <auto Member, class... Args>
  void call(const Args&... args) const {
    check_status(api_, (api_.*Member)(args...), call_name<Member>, index_);
  }

  // before any call that works on the current device
  void use() const { call<&Api::cudaSetDevice>(index_); }

  // Where kernels go. What crossed from other devices is waited for here, at the first kernel after
  // it.
  cudaStream_t compute();
  cudnnHandle_t cudnn() { return compute(), cudnn_; }
  cublasHandle_t cublas() { return compute(), cublas_; }

  // One of our own kernels.
  template <class Work>
  void launch(const Work& work) {
    constexpr Function function = function_of<Work>;
    static_assert(function != Function::count);
    if (work.count == 0) return;
    check_status(api_, api_.launch(api_, function, &work, work.count, compute()),
                 kernel_name(function), index_);
  }

  std::shared_ptr<Buffer> allocate(size_t bytes);
  // So many ones, kept for the device's life. Made when a kernel is compiled: a captured run may
  // not allocate.
  const void* ones(DataType type, size_t count);
  void copy(void* to, const void* from, size_t bytes) {  // within its memory
    call<&Api::cudaMemcpyAsync>(to, from, bytes, cudaMemcpyDeviceToDevice, compute());
  }
  size_t free_memory() const;

  // Dense elements between the host (f32, or i32 as they are) and this device.
  void upload(const void* host, void* device, size_t count, DataType type);
  size_t upload_finite(std::span<const float> host, void* device, DataType type);  // see Backend's
  void download(const void* device, void* host, size_t count, DataType type);

  // Bytes of another device, after what is queued there; that device goes on at once. Its memory
  // must stay as it is until its next begin_pass().
  void copy_from(Device& source, const void* from, void* to, size_t bytes);
  void begin_pass(const StepContext& step);
  // that of the latest begin_pass(), in the device's memory
  const StepContext* step() const { return step_; }
  void synchronize();

  // Orders what `stream` runs from now on after `event`; notes in `event` what `stream` has been
  // given so far.
  void wait(cudaStream_t stream, const Event& event) const {
    call<&Api::cudaStreamWaitEvent>(stream, event, 0u);
  }
  void record_event(const Event& event, cudaStream_t stream) const {
    call<&Api::cudaEventRecord>(event, stream);
  }

  // What `work` queues, as one graph that replays; null where it cannot be captured, and then
  // nothing ran.
  std::unique_ptr<Recording> record(const std::function<void()>& work);
  // While a graph is captured, no thread may do what waits for the whole device: make or end one,
  // or measure.
  void without_captures(const std::function<void()>& work) const;

 private:
  friend class DeviceBuffer;
  Device(const Api& api, int index);
  // Pinned memory and its counterpart on the device: one is filled while the other crosses.
  struct Slot {
    void *host = nullptr, *device = nullptr;
    size_t bytes = 0;
    std::unique_ptr<Event> crossed, consumed;
  };
  // `fill(first, count, to)` brings elements into pinned memory, or returns false to end it there.
  template <class Fill>
  void upload_by(const Fill& fill, void* device, size_t count, DataType type);
  Slot& next_slot(size_t wanted);
  void resize(Slot& slot, size_t bytes) const;
  void reach(const Device& other);
  void wait_for_readers();
  void settle() const;  // nothing of this device runs any more, and nothing reads its memory

  const Api& api_;
  int index_;
  cudaDeviceProp properties_;
  Stream compute_, upload_, peer_;
  Event ready_;   // the state of compute_ when a copy from or to here was queued
  Event copied_;  // the last copy to here
  Handle<cudnnHandle_t, &Api::cudnnCreate, &Api::cudnnDestroy> cudnn_;
  Handle<cublasHandle_t, &Api::cublasCreate_v2, &Api::cublasDestroy_v2> cublas_;
  void* own_memory_ = nullptr;  // the step, then cuBLAS's workspace
  StepContext* step_ = nullptr;
  std::optional<StepContext> told_;  // what stands there; empty: nothing yet
  std::vector<Slot> slots_;
  std::map<DataType, std::pair<void*, size_t>> ones_;
  size_t slot_ = 0;
  // devices whose memory this one may read itself, as far as it can
  std::vector<int> reached_;
  bool copy_pending_ = false;                   // compute_ has not waited for copied_ yet
  std::vector<std::weak_ptr<Device>> readers_;  // devices that copy from here in this pass
};

// Sums over several GPUs by NCCL.
std::unique_ptr<Collective> make_nccl_collective(
    const std::vector<std::shared_ptr<Device>>& devices);

}  // namespace alx::cudnn
