#include <windows.h>

#include "core/process.h"

namespace alx {

int64_t process_id() { return GetCurrentProcessId(); }

}  // namespace alx
