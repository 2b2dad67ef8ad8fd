// What every function of the C ABI does: check arguments, and turn exceptions into a status and
// this thread's text.
#pragma once
#include <filesystem>
#include <new>
#include <span>
#include <stdexcept>
#include <string>

#include "alexnet/alexnet.h"
#include "core/error.h"
#include "core/float_mode.h"
#include "graph/tensor.h"

namespace alx::capi {

void set_last_error(const char* text) noexcept;
bool inside_callback() noexcept;

// Marks this thread as inside a callback for its life.
class CallbackScope {
 public:
  CallbackScope();
  ~CallbackScope();
  CallbackScope(const CallbackScope&) = delete;
  CallbackScope& operator=(const CallbackScope&) = delete;
};

// The project's only catch-all: nothing may leave the library.
template <class Body>
alexnet_status catch_all(Body&& body) noexcept {
  try {
    body();
    return ALEXNET_OK;
  } catch (const Error& error) {
    set_last_error(error.what());
    return static_cast<alexnet_status>(error.code());
  } catch (const std::bad_alloc&) {
    set_last_error("out of memory");
    return ALEXNET_ERROR_OUT_OF_MEMORY;
  } catch (const std::length_error&) {  // a vector or string larger than memory can be
    set_last_error("out of memory: a size is beyond what this machine can address");
    return ALEXNET_ERROR_OUT_OF_MEMORY;
  } catch (const std::filesystem::filesystem_error& error) {
    set_last_error(error.what());
    return ALEXNET_ERROR_IO;
  } catch (const std::exception& error) {
    set_last_error(error.what());
    return ALEXNET_ERROR_INTERNAL;
  } catch (...) {
    set_last_error("an unknown error");
    return ALEXNET_ERROR_INTERNAL;
  }
}

template <class Body>
alexnet_status guard(Body&& body) noexcept {
  return catch_all([&] {
    const FloatMode mode;
    check(!inside_callback(), Code::invalid_state,
          "this function may not be called inside a callback of the library");
    body();
  });
}

template <class Pointer>
void require(Pointer pointer, const char* argument) {
  check(pointer != nullptr, Code::invalid_argument, argument, " must not be NULL");
}

// `size` bytes of the caller's; none may come without an address.
inline std::span<const std::byte> require_bytes(const void* bytes, size_t size) {
  if (size > 0) require(bytes, "bytes");
  return {static_cast<const std::byte*>(bytes), size};
}

inline void require_index(int64_t index, int64_t count, const char* argument) {
  check(index >= 0 && index < count, Code::invalid_argument, argument, " must lie in 0..",
        count - 1, ", got ", index);
}

template <class T>
void give(T* out, T value) {
  if (out) *out = value;
}

// (N, C) or (N, C, H, W) as the ABI gives it.
inline void give_shape(const Shape& shape, int64_t* channels, int64_t* height, int64_t* width) {
  give(channels, shape[1]);
  give(height, shape.size() == 4 ? shape[2] : int64_t{1});
  give(width, shape.size() == 4 ? shape[3] : int64_t{1});
}

}  // namespace alx::capi
