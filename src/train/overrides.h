// What a caller may say instead of a network's own recipe. Everything that starts a training fills
// one of these: the program from its options, the C ABI from its setters.
#pragma once
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "train/trainer.h"

namespace alx {

// This network's own recipe for so many pictures: batches of all of them where there are fewer, and
// with weights to start from the colours that those are used to.
Recipe usual_recipe(const NetSpec& spec, int64_t pictures, bool from_weights);
// "fixed", "color" or "image"; throws invalid_argument
Recipe::Mean mean_named(const std::string& name);
// What a name of these means; both throw invalid_argument.
inline constexpr std::array class_weight_words{"none", "balanced"};
bool balances(const std::string& class_weights);
inline constexpr std::array freeze_words{"none", "all-but-last"};
bool freezes(const std::string& layers);

// How this network's training pictures are varied where nobody says otherwise: random crop and
// flip, shared by so many pictures as the recipe says; a border first for inputs up to 64 pixels.
Augment usual_augment(const NetSpec& spec);

struct Overrides {
  // Empty: the network's.
  std::optional<int64_t> epochs, batch;
  std::optional<float> rate, momentum, decay;
  std::optional<std::string> schedule;
  std::optional<Recipe::Mean> mean;
  // how pictures are varied, each part by itself
  std::optional<bool> random_crop, flip;
  std::optional<int64_t> pad;
  std::optional<float> colour_noise;
  int64_t side = 0;    // of the square input; 0: the network's
  TrainOptions plain;  // what no recipe has: all but `recipe` and `augment`
};

// Sets all parts of the augmentation: what is named here is wanted, what is not is off, for a list
// says it all. `names`: of crop, flip and color, or none. Colour noise is the network's own, or
// else the paper's; a border belongs to the random crop, and one that was asked for stays.
void name_augmentation(Overrides& overrides, const std::vector<std::string>& names,
                       const NetSpec& spec);

// The network's recipe for so many pictures that are learned from, with what `overrides` say
// instead; or for those of a set, less what is split off.
TrainOptions options_for(const NetSpec& spec, int64_t pictures, const Overrides& overrides);
TrainOptions options_for(const NetSpec& spec, const Dataset& data, const Overrides& overrides);
// For Trainer::resume(): the recipe is the checkpoint's, and the epochs too where none are given.
TrainOptions options_to_resume(const Overrides& overrides);

}  // namespace alx
