// One function for each file of the zoo. They take any options; zoo.cpp checks what comes out.
#pragma once
#include "models/zoo.h"

namespace alx::models {

NetSpec alexnet_2012(const ModelOptions& options);
NetSpec alexnet_2012_6conv(const ModelOptions& options);
NetSpec alexnet_2012_original(const ModelOptions& options);
NetSpec alexnet_caffe(const ModelOptions& options);
NetSpec caffenet(const ModelOptions& options);
NetSpec alexnet_torchvision(const ModelOptions& options);
NetSpec alexnet_cifar10(const ModelOptions& options);
NetSpec fig1_relu(const ModelOptions& options);
NetSpec fig1_tanh(const ModelOptions& options);
NetSpec convnet_18pct(const ModelOptions& options);

}  // namespace alx::models
