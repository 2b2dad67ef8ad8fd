// A network of two towers in the shape of the paper's figure 2, small enough to train a hundred
// times in a test.
#pragma once
#include "models/builder.h"
#include "models/towers.h"

namespace alx::test {

inline Conv conv3x3(int64_t out, Pad pad = Pad::all(1)) {
  return {out, 3, 1, pad, 1, Activation::none, models::he, models::bias(0)};
}

inline NetSpec tiny_towers() {
  using namespace models;
  NetBuilder net("tiny-towers", "a test");
  InputSpec input;
  input.height = input.width = 13;
  net.input(input, {}).classes(5, {});
  for (const std::string tower : {"a", "b"}) {
    enter_tower(net, tower);
    net.after("data").layer("conv1" + tower, conv3x3(4, {0, 0, 1, 1}), "relu1" + tower);
    net.add("norm1" + tower, Lrn{5, 2, 1, 0.75f})
        .add("pool1" + tower, MaxPool{3, 2, {}, Round::ceil});
  }
  for (const std::string tower : {"a", "b"}) {
    enter_tower(net, tower);
    join(net, "joined1" + tower, "pool1");
    net.layer("conv2" + tower, conv3x3(6), "relu2" + tower);
    net.add("norm2" + tower, spatial_norm(3, 0.1f))
        .add("pool2" + tower, AvgPool{.kernel = 2, .stride = 2, .pad = {}});
  }
  for (const std::string tower : {"a", "b"}) {
    enter_tower(net, tower);
    join(net, "joined2" + tower, "pool2");
    net.layer("fc3" + tower, Linear{8, Activation::none, he, bias(0.1f)}, "relu3" + tower);
    net.add("drop3" + tower, Dropout{});
  }
  enter_tower(net, "a");
  join(net, "fc3", "drop3");
  net.add("fc4", Linear{5, Activation::none, gaussian(0.3f), bias(0)});
  return net.finish();
}

}  // namespace alx::test
