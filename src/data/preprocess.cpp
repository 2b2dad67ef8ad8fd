#include "data/preprocess.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "core/error.h"
#include "data/resize.h"

namespace alx {
namespace {

// A prepared picture is cut to this many times its short side: a picture of 20000x3 would else grow
// to gigabytes.
constexpr int64_t longest_aspect = 32;

// The middle of a side of `whole`, at most `most` long. What is cut off is a multiple of four, so
// that a centre crop of the rest, whose offset is rounded half to even, falls on the same pixels as
// one of the whole.
Extent middle(int64_t whole, int64_t most) {
  if (whole <= most) return {whole, 0, whole};
  const int64_t cut = (whole - most + 3) / 4 * 4;
  return {whole, cut / 2, whole - cut};
}

// Black around a picture smaller than the crop, as torchvision's CenterCrop puts it there.
Image padded(Image image, int64_t width, int64_t height) {
  if (image.width >= width && image.height >= height) return image;
  Image out = black_image(std::max(image.width, width), std::max(image.height, height));
  const int64_t left = (out.width - image.width) / 2, top = (out.height - image.height) / 2;
  for (int64_t y = 0; y < image.height; ++y) {
    std::copy_n(image.pixels.data() + y * image.width * 3, image.width * 3,
                out.pixels.data() + ((top + y) * out.width + left) * 3);
  }
  return out;
}

void check_input(const InputSpec& input) {
  constexpr int64_t most = 1 << 15;
  check(input.height > 0 && input.width > 0 && input.height <= most && input.width <= most,
        Code::invalid_argument, "the network's input is ", input.width, "x", input.height,
        " pixels; 1 to ", most, " a side are possible");
  check(input.resize_size > 0 && input.resize_size <= most, Code::invalid_argument,
        "pictures are to be resized to ", input.resize_size, "; 1 to ", most, " is possible");
  check(input.channel_order == "RGB" || input.channel_order == "BGR", Code::invalid_argument,
        "channel_order is \"", input.channel_order, "\"; it must be \"RGB\" or \"BGR\"");
  check(input.mean.size() == 3 && input.std.size() == 3, Code::invalid_argument, "mean has ",
        input.mean.size(), " values and std ", input.std.size(), "; 3 are needed, one a channel");
  const auto finite = [](float v) { return std::isfinite(v); };
  const bool sound = std::isfinite(input.scale) &&
                     std::all_of(input.mean.begin(), input.mean.end(), finite) &&
                     std::all_of(input.std.begin(), input.std.end(),
                                 [](float v) { return std::isfinite(v) && v != 0; });
  check(sound, Code::invalid_argument,
        "scale, mean and std must be finite numbers, and std not zero");
}

void check_mean(const InputSpec& input, const MeanImage& mean) {
  check(input.mean_image.empty() == mean.values.empty(), Code::invalid_argument, "the input names ",
        input.mean_image.empty() ? "no mean image" : "the mean image \"" + input.mean_image + "\"",
        ", but ", mean.values.empty() ? "none was given" : "one was given");
  if (mean.values.empty()) return;
  check(mean.size >= std::max(input.width, input.height) && mean.size <= (1 << 15) &&
            mean.values.size() == static_cast<size_t>(3 * mean.size * mean.size),
        Code::invalid_argument, "the mean image \"", input.mean_image, "\" has side ", mean.size,
        " and ", mean.values.size(), " values; 3 x side x side and a side of at least ",
        std::max(input.width, input.height), " were expected");
}

}  // namespace

Preprocessor::Preprocessor(const InputSpec& input, MeanImage mean)
    : input_(input), mean_(std::move(mean)) {
  check_input(input_);
  check_mean(input_, mean_);
  const bool bgr = input_.channel_order == "BGR";
  for (size_t c = 0; c < 3; ++c) {
    source_channel_[c] = bgr ? 2 - c : c;
    for (size_t byte = 0; byte < 256; ++byte) {
      const float v = static_cast<float>(byte) * input_.scale / 255.0f;
      table_[c][byte] = mean_.values.empty() ? (v - input_.mean[c]) / input_.std[c] : v;
    }
  }
}

const InputSpec& Preprocessor::input() const { return input_; }

int64_t Preprocessor::longest_side() const {
  return longest_aspect * std::max({input_.resize_size, input_.width, input_.height});
}

Image Preprocessor::prepare(Image&& image) const {
  const auto [shorter, longer] = std::minmax(image.width, image.height);
  const bool resized = input_.resize == InputSpec::Resize::short_side &&
                       shorter == input_.resize_size && longer <= longest_side();
  return resized ? padded(std::move(image), input_.width, input_.height)
                 : prepare(std::as_const(image));
}

Image Preprocessor::prepare(const Image& image) const {
  const int64_t size = input_.resize_size;
  switch (input_.resize) {
    case InputSpec::Resize::short_side: {
      const int64_t longer = long_side(image, size);
      const Extent shorter{size, 0, size}, wanted = middle(longer, longest_side());
      const bool upright = image.width <= image.height;
      Image small = upright ? resize_part(image, shorter, wanted, input_.antialias)
                            : resize_part(image, wanted, shorter, input_.antialias);
      return padded(std::move(small), input_.width, input_.height);
    }
    case InputSpec::Resize::squash:
      return padded(resize(image, size, size, input_.antialias), input_.width, input_.height);
    case InputSpec::Resize::none: break;
  }
  check(image.width >= input_.width && image.height >= input_.height, Code::invalid_argument,
        "a picture of ", image.width, "x", image.height,
        " pixels is smaller than the network's input of ", input_.width, "x", input_.height,
        ", and this input does not resize; pass a larger picture");
  return image;
}

Crop Preprocessor::crop(const Image& prepared, int64_t x, int64_t y, bool mirror) const {
  check(prepared.pixels.size() == static_cast<size_t>(prepared.width * prepared.height * 3),
        Code::invalid_argument, "a picture of ", prepared.width, "x", prepared.height, " has ",
        prepared.pixels.size(), " bytes");
  Crop crop{.x = x, .y = y, .width = prepared.width, .height = prepared.height, .mirror = mirror};
  const int64_t left = std::clamp<int64_t>(-x, 0, input_.width),
                right = std::clamp<int64_t>(prepared.width - x, left, input_.width);
  const int64_t top = std::clamp<int64_t>(-y, 0, input_.height),
                bottom = std::clamp<int64_t>(prepared.height - y, top, input_.height);
  if (left == right || top == bottom) return crop;
  crop.left = left, crop.right = right, crop.top = top, crop.bottom = bottom;
  crop.stride = prepared.width * 3;
  crop.pixels = prepared.pixels.data() + (y + top) * crop.stride + (x + left) * 3;
  return crop;
}

void Preprocessor::fill(const Crop& crop, std::span<float> out) const {
  const int64_t width = input_.width, height = input_.height, plane = height * width;
  check(out.size() == static_cast<size_t>(3 * plane), Code::invalid_argument, "room for ",
        out.size(), " values where one input has ", 3 * plane);
  const int64_t count = crop.right - crop.left, rows = crop.bottom - crop.top;
  if (count < width || rows < height) std::fill(out.begin(), out.end(), 0.0f);
  const int64_t start = crop.mirror ? width - 1 - crop.left : crop.left,
                step = crop.mirror ? -1 : 1;
  const size_t first = source_channel_[0];
  for (int64_t row = 0; row < rows; ++row) {
    const uint8_t* in = crop.pixels + row * crop.stride;
    float* line = out.data() + (crop.top + row) * width + start;
    // The channels are written out: a loop over them takes longer.
    for (int64_t i = 0; i < count; ++i, in += 3, line += step) {
      line[0] = table_[0][in[first]];
      line[plane] = table_[1][in[1]];
      line[2 * plane] = table_[2][in[2 - first]];
    }
  }
  if (!mean_.values.empty()) subtract_mean(crop, out);
}

void Preprocessor::subtract_mean(const Crop& crop, std::span<float> out) const {
  // The mean lies over the middle of the picture; a window beyond its edge takes what is nearest.
  const auto offset = [&](int64_t at, int64_t side, int64_t window) {
    const int64_t start =
        side >= mean_.size ? half_to_even(side - mean_.size) : -half_to_even(mean_.size - side);
    return std::clamp<int64_t>(at - start, 0, mean_.size - window);
  };
  const int64_t mean_x = offset(crop.x, crop.width, input_.width),
                mean_y = offset(crop.y, crop.height, input_.height);
  for (int64_t c = 0; c < 3; ++c) {
    const float divisor = input_.std[static_cast<size_t>(c)];
    for (int64_t row = crop.top; row < crop.bottom; ++row) {
      const float* mean =
          mean_.values.data() + (c * mean_.size + mean_y + row) * mean_.size + mean_x;
      float* line = out.data() + (c * input_.height + row) * input_.width;
      for (int64_t column = crop.left; column < crop.right; ++column) {
        float& v = line[crop.mirror ? input_.width - 1 - column : column];
        v = (v - mean[column]) / divisor;
      }
    }
  }
}

void Preprocessor::add_colour(const std::array<float, 3>& rgb, std::span<float> out) const {
  const size_t plane = out.size() / 3;
  for (size_t c = 0; c < 3; ++c) {
    const float added = rgb[source_channel_[c]] * input_.scale / 255.0f / input_.std[c];
    for (float& v : out.subspan(c * plane, plane)) v += added;
  }
}

Crop Preprocessor::center(const Image& prepared) const {
  return crop(prepared, center_offset(prepared.width, input_.width),
              center_offset(prepared.height, input_.height), false);
}

Crop Preprocessor::one_of_ten(const Image& prepared, int64_t index) const {
  const bool whole = input_.resize == InputSpec::Resize::none;
  const auto square = [&](int64_t side, int64_t window) {
    return whole ? side : std::min(side, std::max(input_.resize_size, window));
  };
  const int64_t width = square(prepared.width, input_.width),
                height = square(prepared.height, input_.height);
  const int64_t left = center_offset(prepared.width, width),
                top = center_offset(prepared.height, height);
  const int64_t right = left + width - input_.width, bottom = top + height - input_.height;
  const std::array<std::pair<int64_t, int64_t>, 5> places{{
      {left, top},
      {right, top},
      {left, bottom},
      {right, bottom},
      {left + center_offset(width, input_.width), top + center_offset(height, input_.height)},
  }};
  const auto [x, y] = places[static_cast<size_t>(index % 5)];
  return crop(prepared, x, y, index >= 5);
}

}  // namespace alx
