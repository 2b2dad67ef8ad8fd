// Versions, errors, contexts and the log.
#include <map>
#include <shared_mutex>

#include "core/host_loop.h"
#include "core/log.h"
#include "handles.h"

namespace alx::capi {
namespace {

thread_local std::string last_error;
thread_local const char* last_error_text = "";
thread_local int callback_depth = 0;

struct LogCallback {
  alexnet_log_callback call;
  void* user_data;
};
// held shared while a callback runs, so that removing one waits for it
std::shared_mutex log_mutex;
std::map<const alexnet_context*, LogCallback> log_callbacks;

void dispatch(LogLevel level, const std::string& line) {
  std::shared_lock lock(log_mutex);
  const CallbackScope scope;
  for (const auto& [context, callback] : log_callbacks)
    callback.call(callback.user_data, static_cast<alexnet_log_level>(level), line.c_str());
}

void set_log(const alexnet_context* context, alexnet_log_callback call, void* user_data) {
  // Before the lock: dispatch() is called under the core's own.
  static const bool connected = (set_log_sink(dispatch), true);
  (void)connected;
  std::unique_lock lock(log_mutex);
  if (call)
    log_callbacks[context] = {call, user_data};
  else
    log_callbacks.erase(context);
}

alexnet_context& context_or_default(alexnet_context* context) {
  static alexnet_context shared;
  return context ? *context : shared;
}

}  // namespace

void set_last_error(const char* text) noexcept {
  try {
    last_error = text;
    last_error_text = last_error.c_str();
  } catch (const std::bad_alloc&) {
    last_error_text = "out of memory";
  }
}

bool inside_callback() noexcept { return callback_depth > 0; }
CallbackScope::CallbackScope() { ++callback_depth; }
CallbackScope::~CallbackScope() { --callback_depth; }

HostServices Settings::host(int32_t wanted_threads) const {
  HostServices services{memory.allocator(), nullptr};
  const std::lock_guard lock(mutex_);
  if (!pool_.call) return services;
  const auto ask = [pool = pool_](int64_t parts, Loop loop) {
    const CallbackScope scope;
    pool.call(pool.user_data, parts, loop.run, loop.task);
  };
  const int32_t most = pool_.most_at_once;
  services.loop = make_host_loop(ask, wanted_threads > 0 ? std::min(wanted_threads, most) : most);
  return services;
}

std::shared_ptr<Settings> settings_of(alexnet_context* context) {
  return context_or_default(context).settings;
}

}  // namespace alx::capi

using namespace alx;
using namespace alx::capi;

const char* alexnet_version(void) { return ALEXNET_VERSION; }
int32_t alexnet_abi_version(void) { return ALEXNET_ABI_VERSION; }

const char* alexnet_build_info(void) {
  return "libalexnet " ALEXNET_VERSION ", compiled by " ALEXNET_COMPILER ", with " ALEXNET_PARTS;
}

const char* alexnet_status_name(alexnet_status status) {
  switch (status) {
    case ALEXNET_OK: return "ALEXNET_OK";
    case ALEXNET_ERROR_INVALID_ARGUMENT: return "ALEXNET_ERROR_INVALID_ARGUMENT";
    case ALEXNET_ERROR_NOT_FOUND: return "ALEXNET_ERROR_NOT_FOUND";
    case ALEXNET_ERROR_IO: return "ALEXNET_ERROR_IO";
    case ALEXNET_ERROR_BAD_FILE: return "ALEXNET_ERROR_BAD_FILE";
    case ALEXNET_ERROR_UNSUPPORTED: return "ALEXNET_ERROR_UNSUPPORTED";
    case ALEXNET_ERROR_INVALID_STATE: return "ALEXNET_ERROR_INVALID_STATE";
    case ALEXNET_ERROR_OUT_OF_MEMORY: return "ALEXNET_ERROR_OUT_OF_MEMORY";
    case ALEXNET_ERROR_DEVICE: return "ALEXNET_ERROR_DEVICE";
    case ALEXNET_ERROR_CANCELLED: return "ALEXNET_ERROR_CANCELLED";
    case ALEXNET_ERROR_INTERNAL: return "ALEXNET_ERROR_INTERNAL";
    default: return "unknown status";
  }
}

const char* alexnet_last_error(void) { return last_error_text; }

alexnet_status alexnet_context_create(alexnet_context** context) {
  return guard([&] {
    require(context, "context");
    *context = new alexnet_context;
  });
}

alexnet_status alexnet_context_set_threads(alexnet_context* context, int32_t threads) {
  return guard([&] {
    require_threads(threads);
    context_or_default(context).settings->threads = threads;
  });
}

alexnet_status alexnet_context_set_parallel_for(alexnet_context* context,
                                                alexnet_parallel_for_callback parallel_for,
                                                void* user_data, int32_t most_at_once) {
  return guard([&] {
    check(!parallel_for || (most_at_once >= 1 && most_at_once <= max_threads),
          Code::invalid_argument, "most_at_once must lie in 1..", max_threads, ", got ",
          most_at_once);
    settings_of(context)->set_pool({parallel_for, user_data, most_at_once});
  });
}

alexnet_status alexnet_context_set_log_callback(alexnet_context* context,
                                                alexnet_log_callback callback, void* user_data) {
  return guard([&] { set_log(&context_or_default(context), callback, user_data); });
}

alexnet_status alexnet_context_free(alexnet_context* context) {
  return guard([&] {
    if (!context) return;
    set_log(context, nullptr, nullptr);
    delete context;
  });
}
