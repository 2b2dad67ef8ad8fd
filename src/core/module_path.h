// Where this code runs from. UTF-8; "" where the system does not say.
#pragma once
#include <string>

namespace alx {

std::string module_path();   // of the shared library, or of the program that it is linked into
std::string program_path();  // of the program

}  // namespace alx
