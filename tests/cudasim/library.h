// What the stand-ins for cuDNN, cuBLAS and NCCL share: objects behind opaque handles, calls that
// end at their first violation, and elements of any floating type.
#pragma once
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/number.h"
#include "cudasim/machine.h"

namespace alx::cudasim {

// ---- calls -------------------------------------------------------------------------------------

// Ends a call of a stand-in. No text: the machine has recorded the violation already.
struct Refusal {
  std::string text;
};

inline std::string address(const void* pointer) {
  return "0x" + hex(reinterpret_cast<uintptr_t>(pointer));
}

template <class... Text>
void expect(bool ok, const Text&... text) {
  if (!ok) throw Refusal{cat(text...)};
}

inline void expect_run(bool ran) {
  if (!ran) throw Refusal{};
}

template <class Status>
struct Statuses {
  Status success, failed, refused;
};

// What cudnnGetLastErrorString tells of this thread's last failure.
inline std::string& last_cudnn_error() {
  thread_local std::string text;
  return text;
}
template <class Status>
void note_error(const std::string& text) {
  if constexpr (std::is_same_v<Status, cudnnStatus_t>) last_cudnn_error() = text;
}

// One call of a library's function; `body` throws Refusal where the caller broke a rule.
template <class Status, class Body>
Status perform(const char* call, const Statuses<Status>& status, const Body& body) {
  switch (enter(call)) {
    case Fate::fail:
      note_error<Status>(cat("a test wanted\n", call, " to fail\n"));
      return failure(status.failed);
    case Fate::drop: return status.success;
    case Fate::normal: break;
  }
  try {
    body();
    return status.success;
  } catch (const Refusal& refusal) {
    note_error<Status>(refusal.text);
    if (refusal.text.empty()) return status.failed;
    violate(cat(call, ": ", refusal.text));
  } catch (const std::exception& error) {
    violate(cat(call, ": ", error.what()));
  }
  return status.refused;
}

// ---- objects -----------------------------------------------------------------------------------

// Every object of one type that was ever made: an address is looked up, never followed, and the
// destroyed keep theirs, so that a wrong, null or destroyed handle is recognised whatever it points
// to. T::type is what C calls the handle.
template <class T>
class Objects {
 public:
  static Objects& all() {
    static Objects& objects = *new Objects;  // never destroyed: backends may outlive other statics
    return objects;
  }

  template <class Opaque>
  void create(Opaque* handle) {
    expect(handle, "the place for the new ", T::type, " is null");
    auto entry = std::make_unique<Entry>();
    *handle = reinterpret_cast<Opaque>(entry.get());
    const std::lock_guard lock(mutex_);
    entries_.emplace(entry.get(), std::move(entry));
    count_object(1);
  }

  T& get(const void* handle, const char* name) { return find(handle, name).value; }

  void destroy(const void* handle, const char* name) {
    find(handle, name).alive = false;
    count_object(-1);
  }

 private:
  struct Entry {
    T value;
    bool alive = true;
  };

  Entry& find(const void* handle, const char* name) {
    expect(handle, name, " is null, expected a ", T::type);
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(handle);
    expect(found != entries_.end(), name, " is ", address(handle), ", which never was a ", T::type);
    expect(found->second->alive, name, " is a ", T::type, " that was destroyed");
    return *found->second;
  }

  std::mutex mutex_;
  std::map<const void*, std::unique_ptr<Entry>> entries_;
};

// As get(), of an object whose parameters were set.
template <class T>
T& get_set(const void* handle, const char* name) {
  T& object = Objects<T>::all().get(handle, name);
  expect(object.set, name, " is a ", T::type, " that was created but never set");
  return object;
}

// A library's handle: it belongs to the device that was current when it was made.
struct OnDevice {
  int device = current_device();
  cudaStream_t stream = nullptr;

  void check_device() const {
    const int current = current_device();
    expect(current == device, "the handle was created for device ", device, ", but device ",
           current, " is current");
  }

  void check_stream(cudaStream_t of_call) const {
    const int where = device_of(of_call);
    expect_run(where >= 0);
    expect(where == device, "the handle is of device ", device, ", its stream of device ", where);
  }

  void set_stream(cudaStream_t to) {
    check_device();
    expect(to, "the stream is null: the legacy default stream is not simulated");
    check_stream(to);
    stream = to;
  }

  void check_ready() const {
    check_device();
    expect(stream, "no stream was set: the legacy default stream is not simulated");
    check_stream(stream);
  }
};

// ---- memory ------------------------------------------------------------------------------------

inline void check_aligned(const void* pointer, size_t alignment, const char* name) {
  expect(pointer, name, " is null");
  expect(reinterpret_cast<uintptr_t>(pointer) % alignment == 0, name, " is ", address(pointer),
         ", which is not aligned to ", alignment, " bytes");
}

inline bool overlap(const Range& a, const Range& b) {
  const auto first = reinterpret_cast<uintptr_t>(a.pointer),
             second = reinterpret_cast<uintptr_t>(b.pointer);
  return first < second + b.bytes && second < first + a.bytes;
}

// As many elements as `to` has.
inline void unpack(const void* from, DataType type, std::vector<float>& to) {
  for (size_t i = 0; i < to.size(); ++i) to[i] = cudnn::load(from, type, i);
}

inline void pack(const std::vector<float>& from, void* to, DataType type) {
  for (size_t i = 0; i < from.size(); ++i) cudnn::store(to, type, i, from[i]);
}

}  // namespace alx::cudasim
