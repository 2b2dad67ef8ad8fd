// Networks by what a person gives: a name of the zoo, a spec file, or its text.
#pragma once
#include <string>

#include "core/limits.h"
#include "models/zoo.h"

namespace alx {

// The network that is meant: a name of the zoo, always (`./name` is a file called so); where the
// text begins with a brace, a spec itself; else a spec file. Throws as make_model() and
// spec_from_json() do, and not_found where there is no such file. A spec that bears a name of the
// zoo must be that network, at any input size and for any classes.
NetSpec network_named(const std::string& name_file_or_text, const ModelOptions& options = {},
                      const Limits& limits = {});

// The same network for other classes and another input size.
NetSpec fitted(const NetSpec& spec, const ModelOptions& options);

// Whether a name or text stands for a network: of the zoo, a spec's text, or a file that begins as
// one.
bool names_network(const std::string& name_file_or_text);

// The spec that a weight file carries, with this input.
NetSpec network_in_metadata(const std::string& json, const InputSpec& input,
                            const std::string& where, const Limits& limits);

}  // namespace alx
