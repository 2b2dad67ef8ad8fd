// Every network of the zoo, once: its name, the function that makes it, and whether it has the
// paper's printed formula of LRN. The functions take any options; zoo.cpp checks what comes out.
#pragma once
#include "models/zoo.h"

#define ALX_NETWORKS(NETWORK)                                    \
  NETWORK("alexnet", alexnet_torchvision, false)                 \
  NETWORK("alexnet-2012", alexnet_2012, true)                    \
  NETWORK("alexnet-2012-6conv", alexnet_2012_6conv, true)        \
  NETWORK("alexnet-2012-original", alexnet_2012_original, false) \
  NETWORK("alexnet-caffe", alexnet_caffe, false)                 \
  NETWORK("caffenet", caffenet, false)                           \
  NETWORK("alexnet-cifar10", alexnet_cifar10, false)             \
  NETWORK("fig1-relu", fig1_relu, false)                         \
  NETWORK("fig1-tanh", fig1_tanh, false)                         \
  NETWORK("convnet-18pct", convnet_18pct, false)

namespace alx::models {

#define ALX_DECLARE(name, make, printed) NetSpec make(const ModelOptions& options);
ALX_NETWORKS(ALX_DECLARE)
#undef ALX_DECLARE

}  // namespace alx::models
