#include "data/pack.h"

#include <algorithm>

#include "core/error.h"
#include "core/parallel.h"
#include "core/text.h"
#include "data/decode.h"
#include "data/preprocess.h"
#include "data/resize.h"
#include "data/tar.h"

namespace alx {
namespace {

// A picture as it is stored, or why there is none.
struct Made {
  std::vector<std::byte> bytes;
  std::string fault;
};

Made make(const Dataset& data, int64_t i, const Preprocessor& preprocess,
          const PackOptions& options) {
  try {
    const Image whole = preprocess.prepare(data.image(i, preprocess.least_side()));
    const Image square =
        crop(whole, center_offset(whole.width, options.size),
             center_offset(whole.height, options.size), options.size, options.size);
    return {encode_pixels(square, options.raw ? ImageKind::bmp : ImageKind::jpeg, options.quality),
            {}};
  } catch (const Error& error) {
    if (!is_broken(error.code())) throw;
    return {{}, error.what()};
  }
}

std::string member_name(const Dataset& data, int64_t i, bool raw) {
  return cat(data.classes()[static_cast<size_t>(data.label(i))], "/",
             zero_padded(std::to_string(i), 8), raw ? ".bmp" : ".jpg");
}

}  // namespace

Packed pack_dataset(const Dataset& data, const std::string& path, const PackOptions& options) {
  for (const std::string& name : data.classes())
    check(!name.empty() && name.front() != '.' && name.find('/') == name.npos,
          Code::invalid_argument, "the class '", name,
          "' cannot be the name of a folder in an archive");
  InputSpec input;
  input.width = input.height = input.resize_size = options.size;
  const Preprocessor preprocess(input);
  TarWriter archive(path);
  Packed packed;
  constexpr int64_t at_once = 256;
  std::vector<Made> made;
  for (int64_t first = 0; first < data.size(); first += at_once) {
    const int64_t count = std::min(at_once, data.size() - first);
    made.assign(static_cast<size_t>(count), {});
    in_parts(made.size(), options.threads, [&](size_t from, size_t to) {
      for (size_t i = from; i < to; ++i)
        made[i] = make(data, first + static_cast<int64_t>(i), preprocess, options);
    });
    for (int64_t i = first; i < first + count; ++i) {
      const Made& picture = made[static_cast<size_t>(i - first)];
      if (picture.fault.empty()) {
        archive.add(member_name(data, i, options.raw), picture.bytes);
        ++packed.pictures;
      } else {
        ++packed.broken;
        if (options.on_broken) options.on_broken(data.name(i), picture.fault);
      }
    }
    if (options.progress) options.progress(first + count, data.size());
  }
  if (packed.pictures == 0) fail_all_broken(data);
  archive.finish();
  return packed;
}

}  // namespace alx
