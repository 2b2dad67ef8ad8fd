#include "network/module_path.h"

namespace alx {

std::string module_path() { return ""; }

}  // namespace alx
