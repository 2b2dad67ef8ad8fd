// Labelled pictures: folder per class, CIFAR-10 binary, idx files, or a tar archive of class
// folders.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/limits.h"
#include "data/image.h"

namespace alx {

class Dataset {
 public:
  virtual ~Dataset() = default;
  // Recognises the kind of DIR: sub-folders (sorted by bytes, their order gives the labels;
  // data/set_tree.h has the rule), CIFAR-10 binary (data_batch_*.bin or test_batch.bin), or
  // MNIST-style idx(.gz) pairs; or a tar archive of class folders. `part` picks "train" or "test"
  // where DIR holds both, sub-folders of those names are parts too, and "val", "valid" and
  // "validation" stand for "test". The limits hold for each of its pictures. Throws not_found /
  // bad_file with what was looked for and what to do.
  static std::unique_ptr<Dataset> open(const std::string& dir, const std::string& part = "train",
                                       const Limits& limits = {});

  virtual int64_t size() const = 0;
  virtual int64_t label(int64_t i) const = 0;
  virtual std::string name(int64_t i) const = 0;  // path, or "data_batch_1.bin[17]"
  // Safe from several threads; throws as read_image does, and invalid_state where the set itself is
  // gone or cut off.
  virtual Image image(int64_t i, int64_t at_least = 0) const = 0;
  // By which a picture is known again wherever its set lies, and what the set holds of it: a file's
  // bytes, or pixels.
  virtual std::string key(int64_t i) const { return name(i); }
  virtual std::vector<std::byte> stored(int64_t i) const;
  // Throws as image() does where the picture is broken as far as that shows before any pixel is
  // decoded.
  virtual void inspect(int64_t i) const { (void)i; }
  const std::vector<std::string>& classes() const { return classes_; }

 protected:
  std::vector<std::string> classes_;
  Limits limits_;
};

}  // namespace alx
