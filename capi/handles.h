// What stands behind the opaque types. A handle holds what it was made from, so handles may be freed in any order.
#pragma once
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "alexnet/alexnet.h"
#include "network/session.h"

struct alexnet_context {
  std::atomic<int32_t> threads{0};
};

struct alexnet_model {
  std::shared_ptr<const alx::Model> model;
  std::vector<alx::LayerInfo> layers;
  int32_t threads = 0;  // the context's when the model was opened
};

struct alexnet_session_options {
  alx::SessionOptions options;
};

struct alexnet_session {
  std::unique_ptr<alx::Session> session;
  std::shared_ptr<const alx::Model> model;
  std::atomic<bool> at_work{false};
};

struct alexnet_image {
  alx::Image image;
};

struct alexnet_result {
  std::shared_ptr<const alx::Model> model;  // owner of the labels
  std::vector<float> probabilities;
  std::vector<std::vector<alx::Ranked>> ranked;  // of each image, all classes
};
