// Networks by name: which weights a name means.
#pragma once
#include <string>
#include <vector>

namespace alx {

constexpr const char* bundled_network = "alexnet-cifar10";  // its weights come with the library

bool is_zoo_name(const std::string& name);  // a line of the log says where a file is called so too

// Where weights that come with the library are looked for: share/alexnet beside the bin or lib
// folder that this code or the program runs from, or those folders themselves; the prefix it was
// built for; share/alexnet in XDG_DATA_HOME (~/.local/share) and XDG_DATA_DIRS (/usr/local/share,
// /usr/share).
std::vector<std::string> bundled_places();

// "" where there are none of that name.
std::string bundled_weights(const std::string& name);

// The weight file that is meant: a zoo name means the library's own, always (`./name` is a file
// called so). Throws not_found where none comes with the library, with the places that were looked
// at.
std::string weights_named(const std::string& file_or_name);

}  // namespace alx
