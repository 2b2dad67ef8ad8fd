// What every weight file of a model carries, whoever writes it.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "network/model.h"

namespace alx {

// Model, input and labels; and the network itself where it is not of the zoo.
std::map<std::string, std::string> metadata_of(const NetSpec& spec,
                                               const std::vector<std::string>& labels);

// The mean image, where the preprocessor has one.
void add_mean_image(const Preprocessor& preprocessor, std::vector<TensorToWrite>& tensors);

// As a file of this type holds them.
std::vector<float> rounded(std::vector<float> values, DataType stored);

}  // namespace alx
