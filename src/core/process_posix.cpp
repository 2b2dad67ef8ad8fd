#include "core/process.h"

#include <unistd.h>

namespace alx {
namespace {
const int64_t loaded_in = process_id();
}

int64_t process_id() { return getpid(); }

bool is_forked() { return process_id() != loaded_in; }

}  // namespace alx
