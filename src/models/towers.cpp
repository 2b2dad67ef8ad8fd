#include "models/towers.h"

namespace alx::models {
namespace {

Linear fc(int64_t out, float bias_start) {
  return {.out = out, .weight = gaussian(0.01f), .bias = bias(bias_start)};
}

}  // namespace

NetSpec finish_dense_towers(NetBuilder& net, const std::string& features) {
  // section 4.2: outputs are halved at test time
  const Dropout dropout{.drop = 0.5f, .inverted = false};
  for (const std::string t : {"a", "b"}) {
    enter_tower(net, t);
    join(net, "fc6" + t + "_in", features);
    net.layer("fc6" + t, fc(2048, 1), "relu6" + t).add("drop6" + t, dropout);
  }
  net.slot(0);
  join(net, "fc6", "relu6");  // for feature extraction: nothing reads it
  for (const std::string t : {"a", "b"}) {
    enter_tower(net, t);
    join(net, "fc7" + t + "_in", "drop6");
    net.layer("fc7" + t, fc(2048, 1), "relu7" + t);
  }
  net.slot(0);
  join(net, "fc7", "relu7");
  net.add("drop7", dropout).add("fc8", fc(net.classes(), 0));
  return net.finish();
}

InputSpec paper_input(int64_t side) {
  InputSpec input;
  input.height = input.width = side;
  input.scale = 255;
  input.mean = {123, 117, 104};  // ImageNet's; training subtracts that of its own pictures
  return input;
}

Recipe paper_recipe() {
  // batch 128, rate 0.01, momentum 0.9, decay 0.0005 with the rate inside the velocity
  Recipe recipe;
  recipe.epochs = 90;
  // the paper: divided by 10 three times, when validation stopped improving
  recipe.schedule = "steps:25,51,79:0.1";
  recipe.mean = Recipe::Mean::image;
  recipe.colour_noise = 0.1f;
  return recipe;
}

}  // namespace alx::models
