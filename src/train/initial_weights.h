// What fine-tuning takes from the weights it starts with.
#pragma once
#include "data/dataset.h"
#include "train/trainer.h"

namespace alx {

// The file's weights for a network of the data's classes, which must outlive the source. The last
// layer's rows go by the names of classes: those that stay are kept, in the data's order, the
// others are drawn. A file without names of its own gives its last layer where the count fits. A
// line of the log says which.
WeightSource weights_to_start_from(const WeightFile& file, const NetSpec& spec, const Dataset& data,
                                   const TrainOptions& options);

// Its channel order, scale, mean and std, which the weights are used to, into `input`. Returns its
// mean image.
MeanImage take_input_of(const WeightFile& file, InputSpec& input);

}  // namespace alx
