// Finds pictures that show what another shows: search QUERY FOLDER [WEIGHTS] prints the six of the
// folder whose features lie nearest, by Euclidean distance (Krizhevsky, Sutskever and Hinton 2012,
// section 6.1 and Figure 4).
#include <alexnet/alexnet.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr size_t batch = 32;

// What the last fully connected layer reads: the 4096 numbers of fc7 in the 2012 network.
alexnet::Layer feature_layer(const alexnet::Model& model) {
  const std::vector<alexnet::Layer> layers = model.layers();
  const auto last = std::find_if(layers.rbegin(), layers.rend(),
                                 [](const auto& layer) { return layer.op == "linear"; });
  return last == layers.rend() || std::next(last) == layers.rend() ? layers.back()
                                                                   : *std::next(last);
}

// Pictures that can be read, and their features, one after the other.
struct Index {
  std::vector<std::string> paths;
  std::vector<float> features;
};

Index index_folder(alexnet::Session& session, const std::string& layer, const std::string& folder) {
  Index index;
  std::vector<alexnet::Image> images;
  const auto flush = [&] {
    const std::vector<float> features =
        images.empty() ? std::vector<float>() : session.features(images, layer);
    index.features.insert(index.features.end(), features.begin(), features.end());
    images.clear();
  };
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    try {
      images.push_back(alexnet::Image::from_file(entry.path()));
    } catch (const alexnet::Error& error) {
      std::fprintf(stderr, "skipped: %s\n", error.what());
      continue;
    }
    index.paths.push_back(entry.path().u8string());
    if (images.size() == batch) flush();
  }
  flush();
  return index;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 3 || argc > 4) {
    std::fprintf(stderr, "usage: search QUERY FOLDER [WEIGHTS]\n");
    return 2;
  }
  const alexnet::Model model(argc > 3 ? argv[3] : "");
  const alexnet::Layer layer = feature_layer(model);
  alexnet::SessionOptions options;
  options.batch = batch;
  options.outputs = {layer.name};
  alexnet::Session session(model, options);
  const std::vector<float> query = session.features(alexnet::Image::from_file(argv[1]), layer.name);
  const Index index = index_folder(session, layer.name, argv[2]);

  std::vector<std::pair<double, size_t>> distances;
  for (size_t i = 0; i < index.paths.size(); ++i) {
    double sum = 0;
    for (size_t j = 0; j < query.size(); ++j)
      sum += std::pow(query[j] - index.features[i * query.size() + j], 2);
    distances.emplace_back(std::sqrt(sum), i);
  }
  const size_t shown = std::min<size_t>(6, distances.size());
  std::partial_sort(distances.begin(), distances.begin() + static_cast<std::ptrdiff_t>(shown),
                    distances.end());
  for (size_t rank = 0; rank < shown; ++rank)
    std::printf("%9.3f  %s\n", distances[rank].first, index.paths[distances[rank].second].c_str());
} catch (const std::exception& error) {
  std::fprintf(stderr, "search: %s\n", error.what());
  return 1;
}
