#include <windows.h>

#include "core/process.h"

namespace alx {

int64_t process_id() { return GetCurrentProcessId(); }

bool is_forked() { return false; }

}  // namespace alx
