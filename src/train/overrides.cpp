#include "train/overrides.h"

#include <algorithm>

namespace alx {

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

TrainOptions options_to_resume(const Overrides& overrides) {
  TrainOptions options = overrides.plain;
  options.recipe.epochs = overrides.epochs.value_or(0);
  return options;
}

}  // namespace alx
