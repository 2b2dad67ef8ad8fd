#include "core/process.h"

#include <unistd.h>

namespace alx {

int64_t process_id() { return getpid(); }

}  // namespace alx
