// Features of many pictures in a file, and the nearest of them.
#include <filesystem>

#include "core/log.h"
#include "core/path.h"
#include "handles.h"
#include "network/nearest.h"
#include "network/write_index.h"

using namespace alx;
using namespace alx::capi;

namespace {

alexnet_neighbours* neighbours_of(const alexnet_index* index, std::span<const float> features,
                                  int64_t most, const ParallelLoop& loop) {
  auto made = std::make_unique<alexnet_neighbours>();
  made->found = nearest(features, index->index->rows(), most, loop);
  for (const Neighbour& neighbour : made->found)
    made->paths.push_back(index->index->image(neighbour.index));
  return made.release();
}

void require_most(int64_t most) {
  check(most >= 1, Code::invalid_argument, "most must be at least 1, got ", most);
}

// Where the program reads it; empty: from memory.
std::string file_of(const Model& model) {
  const std::string path = model.file() ? model.file()->path() : "";
  std::error_code ignored;
  return std::filesystem::exists(to_path(path), ignored) ? path : "";
}

}  // namespace

alexnet_status alexnet_index_create(alexnet_session* session, const char* layer,
                                    const char* pictures, const char* path,
                                    alexnet_progress_callback progress, void* user_data,
                                    int64_t* written, int64_t* broken) {
  return guard([&] {
    require(layer, "layer");
    require(pictures, "pictures");
    require(path, "path");
    const Work work(session, "session");
    const Limits limits = session->settings->limits();
    Session& run = *session->session;
    FeatureSource source = source_of(run.model(), file_of(run.model()));
    source.layer = layer;
    source.precision = name_of(run.precision());
    const IndexedPictures all = pictures_to_index(pictures, limits);
    auto skipped = static_cast<int64_t>(all.skipped.size());
    for (const std::string& name : all.skipped)
      log_line(LogLevel::warning, name + " is skipped: its name is not UTF-8");
    bool stop = false;
    IndexWatch watch;
    watch.progress = progress_of(progress, user_data, stop);
    watch.cancelled = [&] { return stop; };
    watch.on_broken = [&](const std::string& why) {
      log_line(LogLevel::warning, "skipped: " + why);
      ++skipped;
    };
    source = write_index(path, run, std::move(source), all, watch, limits);
    give(written, static_cast<int64_t>(source.images.size()));
    give(broken, skipped);
  });
}

alexnet_status alexnet_index_open(alexnet_context* context, const char* path,
                                  alexnet_index** index) {
  return guard([&] {
    require(path, "path");
    require(index, "index");
    const auto settings = settings_of(context);
    auto made = std::make_unique<alexnet_index>();
    made->index = std::make_shared<FeatureIndex>(FeatureIndex::open(path, settings->limits()));
    made->settings = settings;
    *index = made.release();
  });
}

alexnet_status alexnet_index_size(const alexnet_index* index, int64_t* pictures, int64_t* numbers) {
  return guard([&] {
    require(index, "index");
    give(pictures, index->index->size());
    give(numbers, index->index->dimension());
  });
}

alexnet_status alexnet_index_layer(const alexnet_index* index, const char** layer) {
  return guard([&] {
    require(index, "index");
    require(layer, "layer");
    *layer = index->index->source().layer.c_str();
  });
}

alexnet_status alexnet_index_search(const alexnet_index* index, alexnet_session* session,
                                    const alexnet_image* image, int64_t most,
                                    alexnet_neighbours** neighbours) {
  return guard([&] {
    require(index, "index");
    require(image, "image");
    require(neighbours, "neighbours");
    require_most(most);
    check(image->image.width > 0, Code::invalid_argument, "image has no pixels; set them first");
    const Work work(session, "session");
    Session& run = *session->session;
    index->index->check_session(run);
    const std::vector<float> features = run.features({image->image}, index->index->source().layer);
    *neighbours = neighbours_of(index, features, most, *run.loop());
  });
}

alexnet_status alexnet_index_search_features(const alexnet_index* index, const float* features,
                                             int64_t numbers, int64_t most,
                                             alexnet_neighbours** neighbours) {
  return guard([&] {
    require(index, "index");
    require(features, "features");
    require(neighbours, "neighbours");
    require_most(most);
    check(numbers == index->index->dimension(), Code::invalid_argument, "numbers is ", numbers,
          ", but the index holds ", index->index->dimension(), " of each picture");
    const int32_t threads = index->settings->threads;
    const auto loop = loop_of(index->settings->host(threads), threads);
    *neighbours = neighbours_of(index, {features, static_cast<size_t>(numbers)}, most, *loop);
  });
}

void alexnet_index_free(alexnet_index* index) { delete index; }

alexnet_status alexnet_neighbours_count(const alexnet_neighbours* neighbours, int64_t* count) {
  return guard([&] {
    require(neighbours, "neighbours");
    require(count, "count");
    *count = static_cast<int64_t>(neighbours->found.size());
  });
}

alexnet_status alexnet_neighbours_get(const alexnet_neighbours* neighbours, int64_t rank,
                                      int64_t* picture, const char** path, double* distance) {
  return guard([&] {
    require(neighbours, "neighbours");
    require_index(rank, static_cast<int64_t>(neighbours->found.size()), "rank");
    const auto at = static_cast<size_t>(rank);
    give(picture, neighbours->found[at].index);
    give(path, neighbours->paths[at].c_str());
    give(distance, neighbours->found[at].distance);
  });
}

void alexnet_neighbours_free(alexnet_neighbours* neighbours) { delete neighbours; }
