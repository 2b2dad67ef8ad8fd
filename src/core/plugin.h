// Parts of the library that draw in much and are seldom needed: each is a file of its own, loaded
// when it is first used.
#pragma once
#include <string>

namespace alx {

// The function `name` of our own plug-in `file`, which lies in the folder `alexnet` beside the
// library, or where it was installed. nullptr: `reasons` says where it was looked for and what was
// wrong. What is loaded stays.
void* plugin_function(const std::string& file, const char* name, std::string& reasons);

// A library of the system's. nullptr: `reason` says why not.
void* open_system_library(const char* file, std::string& reason);
void* function_of(void* library, const char* name);  // nullptr: it has none of that name

}  // namespace alx
