#include "train/overrides.h"

#include <algorithm>

#include "core/error.h"
#include "data/split.h"

namespace alx {
namespace {

// Whether it is the second of two words.
bool is_second(const std::array<const char*, 2>& words, const std::string& word, const char* what) {
  check(word == words[0] || word == words[1], Code::invalid_argument, what, " must be ", words[0],
        " or ", words[1], ", got '", word, "'");
  return word == words[1];
}

}  // namespace

Recipe usual_recipe(const NetSpec& spec, int64_t pictures, bool from_weights) {
  Recipe recipe = spec.recipe;
  recipe.batch = std::clamp<int64_t>(pictures, 1, recipe.batch);
  if (from_weights) recipe.mean = Recipe::Mean::fixed;
  return recipe;
}

Recipe::Mean mean_named(const std::string& name) {
  const auto found = std::ranges::find(mean_words, name);
  check(found != mean_words.end(), Code::invalid_argument,
        "mean must be fixed, color or image, got '", name, "'");
  return static_cast<Recipe::Mean>(found - mean_words.begin());
}

bool balances(const std::string& class_weights) {
  return is_second(class_weight_words, class_weights, "class weights");
}
bool freezes(const std::string& layers) {
  return is_second(freeze_words, layers, "what is frozen");
}

Augment usual_augment(const NetSpec& spec) {
  constexpr int64_t small_input = 64;
  Augment augment;
  augment.pad = std::max(spec.input.height, spec.input.width) <= small_input ? 4 : 0;
  augment.colour_noise = spec.recipe.colour_noise;
  augment.shared = spec.recipe.shared_crops;
  augment.colour_divides = spec.recipe.colour_divides;
  return augment;
}

void name_augmentation(Overrides& overrides, const std::vector<std::string>& names,
                       const NetSpec& spec) {
  constexpr float paper_noise = 0.1f;
  const auto named = [&](const char* what) {
    return std::find(names.begin(), names.end(), what) != names.end();
  };
  const float own = usual_augment(spec).colour_noise;
  overrides.random_crop = named("crop");
  overrides.flip = named("flip");
  overrides.colour_noise = !named("color") ? 0 : own > 0 ? own : paper_noise;
  if (!named("crop") && !overrides.pad) overrides.pad = 0;
}

TrainOptions options_for(const NetSpec& spec, int64_t pictures, const Overrides& overrides) {
  TrainOptions options = overrides.plain;
  Recipe& recipe = options.recipe = usual_recipe(spec, pictures, !options.init.empty());
  recipe.epochs = overrides.epochs.value_or(recipe.epochs);
  recipe.batch = overrides.batch.value_or(recipe.batch);
  recipe.rate = overrides.rate.value_or(recipe.rate);
  recipe.momentum = overrides.momentum.value_or(recipe.momentum);
  recipe.decay = overrides.decay.value_or(recipe.decay);
  recipe.schedule = overrides.schedule.value_or(recipe.schedule);
  recipe.mean = overrides.mean.value_or(recipe.mean);
  Augment& augment = options.augment = usual_augment(spec);
  augment.random_crop = overrides.random_crop.value_or(augment.random_crop);
  augment.flip = overrides.flip.value_or(augment.flip);
  augment.pad = overrides.pad.value_or(augment.pad);
  augment.colour_noise = overrides.colour_noise.value_or(augment.colour_noise);
  return options;
}

TrainOptions options_for(const NetSpec& spec, const Dataset& data, const Overrides& overrides) {
  return options_for(spec, training_pictures(data, overrides.plain.validation_share), overrides);
}

TrainOptions options_to_resume(const Overrides& overrides) {
  TrainOptions options = overrides.plain;
  options.recipe.epochs = overrides.epochs.value_or(0);
  return options;
}

}  // namespace alx
