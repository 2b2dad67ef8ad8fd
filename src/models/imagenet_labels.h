// Names of ImageNet's 1000 classes.
#pragma once
#include <array>

namespace alx {

struct ImagenetClass {
  const char *synset, *label;  // "n02123045", "tabby"
};
const std::array<ImagenetClass, 1000>& imagenet_classes();

}  // namespace alx
