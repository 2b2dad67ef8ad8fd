// A network as a JSON document: docs/networks.md explains it to people.
#pragma once
#include <string>

#include "core/limits.h"
#include "graph/spec.h"

namespace alx {

constexpr int64_t spec_format = 1;        // what we write, and the newest that we read
constexpr size_t largest_spec = 2 << 20;  // bytes
constexpr size_t most_nodes = 4096;
constexpr size_t most_inputs = most_nodes;  // of one node
constexpr size_t most_slots = 1024;
constexpr size_t longest_network_name = 128;  // bytes

// What stands in a file of its own, or beside the input and the labels that a weight file has as
// metadata of their own.
enum class SpecPart { whole, without_input_and_labels };

// A line for each node. Ends with a line break where it is whole.
std::string to_json(const NetSpec& spec, SpecPart part);

// `where` begins every message. Throws bad_file with the node and what was expected, and with the
// limit where the text, its nodes or their sizes are too many; the whole graph is checked, at the
// spec's own input size where it has one.
NetSpec spec_from_json(const std::string& text, const std::string& where, SpecPart part,
                       const Limits& limits = {});

// Checks a spec whose input has been set since.
void check_spec(const NetSpec& spec, const std::string& where);

// "he", "torch", "normal:0.01", "uniform:0.05"; constants are numbers.
std::string start_text(const Init& init);

}  // namespace alx
