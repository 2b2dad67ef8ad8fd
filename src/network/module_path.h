// Where the code of this library was loaded from: the shared library, or the program it is linked into.
#pragma once
#include <string>

namespace alx {

std::string module_path();  // UTF-8; "" where the system does not say

}  // namespace alx
