// Names of ImageNet's 1000 classes.
#pragma once
#include <string>
#include <vector>

namespace alx {

struct ImagenetClass {
  std::string synset, label;  // "n02123045", "tabby"
};
const std::vector<ImagenetClass>& imagenet_classes();  // 1000

}  // namespace alx
