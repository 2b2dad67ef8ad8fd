// From a decoded picture to the floats a network reads, exactly as its InputSpec says.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "data/image.h"
#include "graph/spec.h"

namespace alx {

// Values of a mean image (3, size, size) in the channel order and scale of the InputSpec; empty
// where there is none.
struct MeanImage {
  int64_t size = 0;
  std::vector<float> values;
};

// A window of a prepared picture: its bytes, and all else that its floats depend on. As it is made:
// a window that lies outside the picture.
struct Crop {
  const uint8_t* pixels = nullptr;                   // the first that lies inside
  int64_t stride = 0;                                // bytes from row to row
  int64_t left = 0, right = 0, top = 0, bottom = 0;  // the window's columns and rows inside
  int64_t x = 0, y = 0;                              // of the window on the picture
  int64_t width = 0, height = 0;                     // of the picture
  bool mirror = false;
};

class Preprocessor {
 public:
  Preprocessor(const InputSpec& input, MeanImage mean = {});
  const InputSpec& input() const;
  const MeanImage& mean_image() const { return mean_; }

  // The side that prepare() needs of a picture: a larger one may be decoded at a fraction of its
  // size. 0: all of it.
  int64_t least_side() const {
    return input_.resize == InputSpec::Resize::none ? 0 : input_.resize_size;
  }

  // The picture resized as the spec says: what crops are taken from. Short side, squash, or
  // untouched. At least as large as the crop: black is put around a smaller one, as torchvision's
  // CenterCrop does; `none` refuses it. Of a picture more than 32 times as long as it is wide only
  // the middle is kept.
  Image prepare(const Image& image) const;
  Image prepare(Image&& image) const;  // gives back one that has the size already

  // The window at (x, y) of a prepared image, whose bytes it shows, mirrored where asked.
  Crop crop(const Image& prepared, int64_t x, int64_t y, bool mirror) const;

  // (3, height, width) floats of a crop into `out`. What lies outside the image is zero: the mean.
  void fill(const Crop& crop, std::span<float> out) const;

  void window(const Image& prepared, int64_t x, int64_t y, bool mirror,
              std::span<float> out) const {
    fill(crop(prepared, x, y, mirror), out);
  }

  // Adds a colour, in RGB bytes, to every value of an input that fill() made.
  void add_colour(const std::array<float, 3>& rgb, std::span<float> out) const;

  // Centre crop; offsets rounded as torchvision's CenterCrop does.
  Crop center(const Image& prepared) const;
  void center(const Image& prepared, std::span<float> out) const { fill(center(prepared), out); }

  // One of the paper's ten (section 4.1): four corners and centre of the centre square, then their
  // mirror images, in that order.
  Crop one_of_ten(const Image& prepared, int64_t index) const;

 private:
  int64_t longest_side() const;  // of a prepared picture; more is cut off
  void subtract_mean(const Crop& crop, std::span<float> out) const;

  InputSpec input_;
  MeanImage mean_;
  std::array<size_t, 3> source_channel_;  // of each channel in channel_order
  // a byte's value in each; where a mean image follows, before it
  std::array<std::array<float, 256>, 3> table_;
};

}  // namespace alx
