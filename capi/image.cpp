// Pictures.
#include "guard.h"
#include "handles.h"

using namespace alx;
using namespace alx::capi;

namespace {

int64_t bytes_of_pixel(alexnet_pixel_format format) {
  switch (format) {
    case ALEXNET_PIXELS_RGB:
    case ALEXNET_PIXELS_BGR: return 3;
    case ALEXNET_PIXELS_GRAY: return 1;
    case ALEXNET_PIXELS_RGBA: return 4;
    default: fail(Code::invalid_argument, "format must be one of ALEXNET_PIXELS_*, got ", format);
  }
}

void convert_row(const uint8_t* from, int64_t width, alexnet_pixel_format format, uint8_t* to) {
  for (int64_t x = 0; x < width; ++x, to += 3) {
    if (format == ALEXNET_PIXELS_GRAY) {
      to[0] = to[1] = to[2] = from[x];
    } else if (format == ALEXNET_PIXELS_RGBA) {
      const uint8_t* pixel = from + x * 4;
      for (int c = 0; c < 3; ++c)
        to[c] = static_cast<uint8_t>((pixel[c] * pixel[3] + 255 * (255 - pixel[3]) + 127) / 255);
    } else {
      const uint8_t* pixel = from + x * 3;
      const bool rgb = format == ALEXNET_PIXELS_RGB;
      to[0] = pixel[rgb ? 0 : 2];
      to[1] = pixel[1];
      to[2] = pixel[rgb ? 2 : 0];
    }
  }
}

Image from_pixels(const uint8_t* pixels, int64_t width, int64_t height, int64_t stride,
                  alexnet_pixel_format format) {
  // as for pictures from files
  constexpr int64_t side = int64_t{1} << 20, count = int64_t{1} << 27;
  check(width >= 1 && height >= 1 && width <= side && height <= side && width * height <= count,
        Code::invalid_argument, "width and height must lie in 1..", side, " with at most ", count,
        " pixels, got ", width, " x ", height);
  const int64_t row = width * bytes_of_pixel(format);
  check(stride == 0 || stride >= row || stride <= -row, Code::invalid_argument,
        "stride must be 0 or at least ", row, " bytes for ", width, " pixels, got ", stride);
  if (stride == 0) stride = row;
  Image image{width, height, std::vector<uint8_t>(static_cast<size_t>(width * height * 3))};
  for (int64_t y = 0; y < height; ++y)
    convert_row(pixels + y * stride, width, format, image.pixels.data() + y * width * 3);
  return image;
}

template <class Read>
alexnet_status make_image(alexnet_image** image, const Read& read) {
  return guard([&] {
    require(image, "image");
    auto made = std::make_unique<alexnet_image>();
    made->image = read();
    *image = made.release();
  });
}

}  // namespace

alexnet_status alexnet_image_create(alexnet_image** image) {
  return make_image(image, [] { return Image{}; });
}

alexnet_status alexnet_image_set_pixels(alexnet_image* image, const uint8_t* pixels, int64_t width,
                                        int64_t height, int64_t stride,
                                        alexnet_pixel_format format) {
  return guard([&] {
    require(image, "image");
    require(pixels, "pixels");
    image->image = from_pixels(pixels, width, height, stride, format);
  });
}

alexnet_status alexnet_image_from_file(const char* path, alexnet_image** image) {
  return make_image(image, [&] {
    require(path, "path");
    return read_image(path, 0, usual_limits());
  });
}

alexnet_status alexnet_image_from_memory(const void* bytes, size_t size, alexnet_image** image) {
  return make_image(image, [&] {
    return decode_image(require_bytes(bytes, size), "the picture in memory", 0, usual_limits());
  });
}

alexnet_status alexnet_image_size(const alexnet_image* image, int64_t* width, int64_t* height) {
  return guard([&] {
    require(image, "image");
    give(width, image->image.width);
    give(height, image->image.height);
  });
}

alexnet_status alexnet_image_pixels(const alexnet_image* image, const uint8_t** pixels) {
  return guard([&] {
    require(image, "image");
    require(pixels, "pixels");
    *pixels = image->image.pixels.empty() ? nullptr : image->image.pixels.data();
  });
}

void alexnet_image_free(alexnet_image* image) { delete image; }
