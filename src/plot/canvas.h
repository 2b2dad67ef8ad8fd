// A sheet to draw on, and the look that all figures share. Units are those of a screen at normal
// density, y downwards; a PNG has two pixels per unit.
#pragma once
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/image.h"
#include "plot/cairo.h"

namespace alx {

struct Colour {
  double red = 0, green = 0, blue = 0;
};

namespace look {

constexpr Colour rgb(unsigned hex) {
  return {(hex >> 16) / 255.0, ((hex >> 8) & 255) / 255.0, (hex & 255) / 255.0};
}

inline constexpr Colour paper = rgb(0xffffff), ink = rgb(0x1b2430), muted = rgb(0x667080),
                        grid = rgb(0xe6e9ee), axis = rgb(0x9aa3af), mat = rgb(0xf3f5f8),
                        bar = rgb(0xbcd4f2), bar_right = rgb(0xf6b8a4);
// Told apart by colour-blind readers and in grey.
inline constexpr std::array lines{rgb(0x1f6fc4), rgb(0xdd5a1b), rgb(0x169873),
                                  rgb(0x8b4bb8), rgb(0xb8860b), rgb(0xc2317a)};

}  // namespace look

enum class Align { left, center, right };

struct TextStyle {
  double size = 13;
  Colour colour = look::ink;
  bool bold = false;
  Align align = Align::left;  // where x lies in the text
  double max_width = 0;       // longer text ends in an ellipsis; 0: no limit
};

struct CairoFree {
  void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
  void operator()(cairo_t* cairo) const { cairo_destroy(cairo); }
  void operator()(PangoLayout* layout) const { g_object_unref(layout); }
};
using Surface = std::unique_ptr<cairo_surface_t, CairoFree>;

// Throws invalid_argument unless the bytes match the sizes and cairo can hold them.
void check_picture(const Image& image);

// How much of a box `cell` x `cell` the picture fills.
std::pair<double, double> fitted(const Image& image, double cell);

class Canvas {
 public:
  // `path` must end in .png or .svg. Nothing is written before save().
  Canvas(const std::string& path, double width, double height);
  Canvas(const Canvas&) = delete;  // cairo holds a pointer to svg_bytes_
  Canvas& operator=(const Canvas&) = delete;

  // Any bytes may come in `text`: what is no UTF-8 is shown as the replacement character, line
  // breaks as a symbol.
  void text(double x, double baseline, const std::string& text, const TextStyle& style);
  double text_width(const std::string& text, const TextStyle& style);

  void rectangle(double x, double y, double width, double height, Colour colour, double radius = 0);
  void line(double x0, double y0, double x1, double y1, Colour colour, double width = 1);
  void polyline(const std::vector<std::pair<double, double>>& points, Colour colour, double width,
                bool dashed);
  void dot(double x, double y, double radius, Colour colour);

  // Scaled to the rectangle. Thumbnails, and others with `pixels`, are enlarged pixel by pixel, so
  // that one sees what the network sees.
  void picture(const Image& image, double x, double y, double width, double height,
               bool pixels = false);
  // In the middle of a mat of `cell` x `height`, as large as fits into `cell` x `cell`. Without
  // pixels: the mat alone.
  void framed(const Image& image, double x, double y, double cell, double height);

  // Whole or not at all: an earlier file of that name stays until the new one is complete.
  void save();

 private:
  void set_colour(Colour colour);
  PangoRectangle set_text(const std::string& text, const TextStyle& style);  // its extents
  void check_drawing(cairo_status_t status) const;

  std::string path_, svg_bytes_;
  bool svg_;
  Surface surface_;
  std::unique_ptr<cairo_t, CairoFree> cairo_;
  std::unique_ptr<PangoLayout, CairoFree> layout_;
};

}  // namespace alx
