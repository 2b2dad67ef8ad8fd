// Makes an index of pictures' features, which feature_index.h reads.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "network/feature_index.h"
#include "network/session.h"

namespace alx {

// What the last fully connected layer reads, before any dropout: the paper's 4096 numbers. Throws
// invalid_argument where there is none.
std::string feature_layer(const NetSpec& spec);

// What an index is made of: a picture, or all below a folder.
struct IndexedPictures {
  std::string folder;                // empty: `names` are paths
  std::vector<std::string> names;    // from the folder on, sorted by bytes
  std::vector<std::string> skipped;  // whose names are no UTF-8, which the index's JSON needs

  std::string path(int64_t i) const;
};
// Throws not_found, and bad_file where no picture is left.
IndexedPictures pictures_to_index(const std::string& picture_or_folder, const Limits& limits = {});

struct IndexWatch {
  std::function<void(int64_t done, int64_t total)> progress;
  std::function<void(const std::string& why)> on_broken;  // of a folder; one picture must be whole
  std::function<bool()> cancelled;                        // asked between batches
};

// Writes the features of `source.layer`, which the session must give, whole or not at all; gives
// back `source` with shape, folder and the pictures that could be read. Throws bad_file where none
// can, cancelled.
FeatureSource write_index(const std::string& out, Session& session, FeatureSource source,
                          const IndexedPictures& pictures, const IndexWatch& watch,
                          const Limits& limits = {});

}  // namespace alx
