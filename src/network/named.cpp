#include "network/named.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "core/error.h"
#include "core/file_reader.h"
#include "core/path.h"
#include "core/text.h"
#include "data/read_file.h"
#include "network/bundled.h"
#include "weights/format.h"
#include "weights/spec_json.h"
#include "weights/weights.h"

namespace alx {
namespace {

// Behind what an editor may have put in front: a byte order mark, empty lines.
bool begins_with_brace(std::string_view text) {
  constexpr std::string_view mark = "\xef\xbb\xbf";
  if (text.starts_with(mark)) text.remove_prefix(mark.size());
  const size_t start = text.find_first_not_of(" \t\r\n");
  return start != text.npos && text[start] == '{';
}

std::string without_what_may_differ(NetSpec spec) {
  spec.classes = 1;
  if (Node* head = head_of(spec)) *output_channels(head->op) = 1;
  return to_json(spec, SpecPart::without_input_and_labels);
}

// Nodes of the zoo may depend on the input's size.
bool is_ours(const NetSpec& spec) {
  try {
    const NetSpec ours = make_model(spec.id, {spec.classes, spec.input.height, spec.input.width});
    return without_what_may_differ(spec) == without_what_may_differ(ours);
  } catch (const Error& error) {
    if (error.code() != Code::invalid_argument) throw;
    return false;  // ours cannot work at this size
  }
}

// A name of the zoo on another network would let weights of one pass for those of the other.
void refuse_impostor(const NetSpec& spec, const std::string& where) {
  if (!in_zoo(spec.id)) return;
  check(is_ours(spec), Code::bad_file, where, ": its name is that of the library's ", spec.id,
        ", from which it differs in more than classes and input; give it a name of its own");
}

// Of a pipe nothing is taken, and whoever reads the file says why it cannot be read.
std::string start_of(const std::string& path) try {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(to_path(path), ignored)) return "";
  std::array<std::byte, 256> start{};
  const size_t count = FileReader(path).read(0, start);
  return {reinterpret_cast<const char*>(start.data()), count};
} catch (const Error&) {
  return "";
}

// Weights of safetensors may begin with a brace too: as the lowest byte of a length, whose highest
// is 0, and no text has one.
bool begins_as_spec(const std::string& start) {
  return begins_with_brace(start) && start.substr(0, 8).find('\0') == start.npos;
}

void refuse_what_is_no_spec(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(to_path(path), ignored)) return;
  const std::string start = start_of(path);
  check(!start.starts_with("\xff\xfe") && !start.starts_with("\xfe\xff"), Code::bad_file, path,
        " is UTF-16, as PowerShell's > writes it: save it as UTF-8");
  check(begins_as_spec(start), Code::bad_file, path,
        " is no network's spec, which begins with a brace; `alexnet info FILE --spec` prints that "
        "of a weight file");
}

std::string read_spec(const std::string& path, const Limits& limits) {
  std::error_code ignored;
  if (!std::filesystem::exists(to_path(path), ignored) && path.find_first_of("./\\") == path.npos)
    fail(Code::not_found, "no network is named \"", path,
         "\", and no file; there are: ", joined(model_names()));
  refuse_what_is_no_spec(path);
  Limits wanted = limits;
  wanted.bytes = std::min<int64_t>(limits.bytes, largest_spec);
  const std::vector<std::byte> bytes = read_file(path, wanted);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

NetSpec network_named(const std::string& given, const ModelOptions& options, const Limits& limits) {
  NetSpec made;
  if (is_zoo_name(given)) {
    made = make_model(given, options);
  } else {
    const bool text = begins_with_brace(given);
    const std::string where = text ? "the network's spec" : given;
    const NetSpec spec =
        spec_from_json(text ? given : read_spec(given, limits), where, SpecPart::whole, limits);
    refuse_impostor(spec, where);
    made = fitted(spec, options);
  }
  check_pixels(made.input, made.id, limits);
  return made;
}

NetSpec fitted(const NetSpec& spec, const ModelOptions& options) {
  if (!in_zoo(spec.id)) return adapted(spec, options);
  InputSpec input = spec.input;
  set_size(input, options.height, options.width);
  NetSpec ours = make_model(
      spec.id, {options.classes > 0 ? options.classes : spec.classes, input.height, input.width});
  ours.input = std::move(input);
  if (ours.classes == spec.classes) ours.labels = spec.labels;
  return ours;
}

bool names_network(const std::string& given) {
  return begins_with_brace(given) || is_zoo_name(given) || begins_as_spec(start_of(given));
}

NetSpec network_in_metadata(const std::string& json, const InputSpec& input,
                            const std::string& where, const Limits& limits) {
  NetSpec spec = spec_from_json(json, where, SpecPart::without_input_and_labels, limits);
  spec.input = input;
  check_spec(spec, where);
  refuse_impostor(spec, where);
  return fitted(spec, {});
}

}  // namespace alx
