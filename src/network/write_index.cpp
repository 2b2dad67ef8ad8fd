#include "network/write_index.h"

#include <algorithm>
#include <filesystem>

#include "core/error.h"
#include "core/finite.h"
#include "core/path.h"
#include "core/text.h"
#include "data/walk.h"
#include "network/answer_pictures.h"

namespace alx {

std::string feature_layer(const NetSpec& spec) {
  const auto last = std::find_if(spec.nodes.rbegin(), spec.nodes.rend(),
                                 [](const Node& node) { return facts_of(node.op).dense; });
  check(last != spec.nodes.rend(), Code::invalid_argument, spec.id,
        " has no fully connected layer; name one");
  std::string name = last->inputs.front();
  for (const Node* node = spec.node(name); node && facts_of(node->op).random;
       node = spec.node(name))
    name = node->inputs.front();
  return name;
}

std::string IndexedPictures::path(int64_t i) const {
  const std::string& name = names[static_cast<size_t>(i)];
  return folder.empty() ? name : to_utf8(to_path(folder) / to_path(name));
}

IndexedPictures pictures_to_index(const std::string& picture_or_folder, const Limits& limits) {
  IndexedPictures pictures;
  std::error_code ignored;
  if (!std::filesystem::is_directory(to_path(picture_or_folder), ignored)) {
    pictures.names = {picture_or_folder};
    return pictures;
  }
  pictures.folder = picture_or_folder;
  for (std::string& name : pictures_below(picture_or_folder, limits))
    (is_utf8(name) ? pictures.names : pictures.skipped).push_back(std::move(name));
  check(!pictures.names.empty(), Code::bad_file, picture_or_folder,
        ": no picture has a name in UTF-8");
  return pictures;
}

FeatureSource write_index(const std::string& out, Session& session, FeatureSource source,
                          const IndexedPictures& pictures, const IndexWatch& watch,
                          const Limits& limits) {
  const Shape shape = session.network().shape(source.layer);
  source.shape = {shape.begin() + 1, shape.end()};
  source.folder = pictures.folder;
  source.images = pictures.names;
  const auto total = static_cast<int64_t>(pictures.names.size());
  RowWriter writer(out, features_tensor, source.shape, total, to_metadata(source));
  source.images.clear();
  AnswerWatch each;
  each.on_answer = [&](int64_t i, const Answer& answer) {
    const std::span<const float> row = answer.layers.front();
    const size_t wrong = first_not_finite(row.data(), row.size());
    if (wrong < row.size())
      fail(Code::bad_file, "the layer ", source.layer, " of ", source.model, " gives ", row[wrong],
           " for ", pictures.path(i), ": the weights overflow in this precision");
    writer.add(row);
    source.images.push_back(pictures.names[static_cast<size_t>(i)]);
  };
  each.on_broken = [&](int64_t, const Error& error) {
    if (pictures.folder.empty()) throw error;
    if (watch.on_broken) watch.on_broken(error.what());
  };
  each.after_batch = [&](int64_t done) {
    if (watch.progress) watch.progress(done, total);
    check(done == total || !watch.cancelled || !watch.cancelled(), Code::cancelled,
          "stopped after ", done, " of ", total, " pictures; ", out, " is not written");
  };
  const auto read = [&](int64_t i, Image& scratch) -> const Image& {
    return scratch = read_image(pictures.path(i), 0, limits);
  };
  answer_pictures({&session}, {total, read}, {.layers = {source.layer}, .probabilities = false},
                  each);
  check(!source.images.empty(), Code::bad_file, pictures.folder, ": none of its ", total,
        " pictures could be read");
  writer.finish(to_metadata(source));
  return source;
}

}  // namespace alx
