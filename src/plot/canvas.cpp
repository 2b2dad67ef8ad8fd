#include "plot/canvas.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <span>

#include "core/atomic_file.h"
#include "core/error.h"
#include "core/text.h"

namespace alx {
namespace {

constexpr double kScale = 2;  // PNG pixels per unit
constexpr const char* kFont = "sans-serif";
constexpr int kMaxPixels = 32767;       // cairo's limit for a side
constexpr size_t kMaxTextBytes = 1000;  // more than any line shows; keeps hostile labels cheap
constexpr int64_t kThumbnail = 64;      // pictures up to this side are enlarged pixel by pixel

std::string ending(const std::string& path) {
  const size_t dot = path.find_last_of("./\\");
  return dot == std::string::npos || path[dot] != '.' ? "" : lower_case(path.substr(dot + 1));
}

// For cairo's writers; no exception may pass through C.
cairo_status_t append(void* closure, const unsigned char* data, unsigned length) noexcept {
  try {
    static_cast<std::string*>(closure)->append(reinterpret_cast<const char*>(data), length);
    return CAIRO_STATUS_SUCCESS;
  } catch (const std::exception&) {
    return CAIRO_STATUS_NO_MEMORY;
  }
}

// Without a font pango would draw boxes for letters and say nothing.
void check_fonts(PangoLayout* layout) {
  PangoContext* context = pango_layout_get_context(layout);
  const std::unique_ptr<PangoFontDescription, decltype(pango_font_description_free)> font(
      pango_font_description_from_string(kFont), pango_font_description_free);
  PangoFont* loaded =
      pango_font_map_load_font(pango_context_get_font_map(context), context, font.get());
  check(loaded != nullptr, Code::unsupported,
        "cannot draw a figure: fontconfig finds no font on this machine; install one (Debian: "
        "fonts-dejavu-core)");
  g_object_unref(loaded);
}

std::unique_ptr<PangoLayout, CairoFree> make_layout(cairo_t* cairo) {
  std::unique_ptr<PangoLayout, CairoFree> layout(pango_cairo_create_layout(cairo));
  // Metrics without hinting: text is laid out alike in PNG and SVG.
  cairo_font_options_t* options = cairo_font_options_create();
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
  cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
  pango_cairo_context_set_font_options(pango_layout_get_context(layout.get()), options);
  cairo_font_options_destroy(options);
  pango_layout_set_single_paragraph_mode(layout.get(), TRUE);
  pango_layout_set_ellipsize(layout.get(), PANGO_ELLIPSIZE_END);
  return layout;
}

Surface to_surface(const Image& image) {
  Surface surface(cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(image.width),
                                             static_cast<int>(image.height)));
  check(cairo_surface_status(surface.get()) == CAIRO_STATUS_SUCCESS, Code::out_of_memory,
        "no memory for a picture of ", image.width, " x ", image.height);
  const auto width = static_cast<size_t>(image.width);
  unsigned char* rows = cairo_image_surface_get_data(surface.get());
  const int stride = cairo_image_surface_get_stride(surface.get());
  for (size_t y = 0; y < static_cast<size_t>(image.height); ++y) {
    const uint8_t* from = image.pixels.data() + y * width * 3;
    unsigned char* to = rows + y * static_cast<size_t>(stride);
    for (size_t x = 0; x < width; ++x) {
      const uint32_t pixel =
          uint32_t{from[3 * x]} << 16 | uint32_t{from[3 * x + 1]} << 8 | from[3 * x + 2];
      std::memcpy(to + 4 * x, &pixel, sizeof pixel);
    }
  }
  cairo_surface_mark_dirty(surface.get());
  return surface;
}

void paint_scaled(cairo_t* cairo, cairo_surface_t* picture, double width, double height,
                  cairo_filter_t filter) {
  cairo_scale(cairo, width / cairo_image_surface_get_width(picture),
              height / cairo_image_surface_get_height(picture));
  cairo_set_source_surface(cairo, picture, 0, 0);
  cairo_pattern_set_filter(cairo_get_source(cairo), filter);
  cairo_pattern_set_extend(cairo_get_source(cairo), CAIRO_EXTEND_PAD);
  cairo_paint(cairo);
}

}  // namespace

void check_picture(const Image& image) {
  const bool sizes = image.width > 0 && image.height > 0 && image.width <= kMaxPixels &&
                     image.height <= kMaxPixels;
  check(sizes && image.pixels.size() ==
                     static_cast<uint64_t>(image.width) * static_cast<uint64_t>(image.height) * 3,
        Code::invalid_argument, "cannot draw a picture of ", image.width, " x ", image.height,
        " with ", image.pixels.size(), " bytes: expected sides from 1 to ", kMaxPixels,
        " and 3 bytes a pixel");
}

std::pair<double, double> fitted(const Image& image, double cell) {
  const auto width = static_cast<double>(image.width), height = static_cast<double>(image.height);
  const double scale = cell / std::max(width, height);
  return {std::max(1.0, width * scale), std::max(1.0, height * scale)};
}

Canvas::Canvas(const std::string& path, double width, double height) : path_(path) {
  const std::string end = ending(path);
  check(end == "png" || end == "svg", Code::invalid_argument, "cannot write the figure '", path,
        "': its name must end in .png or .svg");
  svg_ = end == "svg";
  check(width * kScale <= kMaxPixels && height * kScale <= kMaxPixels, Code::invalid_argument,
        "the figure '", path, "' would be ", width * kScale, " x ", height * kScale,
        " pixels, more than ", kMaxPixels, " a side; draw less at once");
  load_cairo();
  if (svg_) {
    surface_.reset(cairo_svg_surface_create_for_stream(append, &svg_bytes_, width, height));
    cairo_svg_surface_set_document_unit(surface_.get(), CAIRO_SVG_UNIT_PX);
  } else {
    surface_.reset(cairo_image_surface_create(CAIRO_FORMAT_RGB24,
                                              static_cast<int>(std::ceil(width * kScale)),
                                              static_cast<int>(std::ceil(height * kScale))));
  }
  check_drawing(cairo_surface_status(surface_.get()));
  cairo_.reset(cairo_create(surface_.get()));
  check_drawing(cairo_status(cairo_.get()));
  if (!svg_) cairo_scale(cairo_.get(), kScale, kScale);
  set_colour(look::paper);
  cairo_paint(cairo_.get());
  layout_ = make_layout(cairo_.get());
  check_fonts(layout_.get());
}

void Canvas::check_drawing(cairo_status_t status) const {
  if (status == CAIRO_STATUS_SUCCESS) return;
  fail(status == CAIRO_STATUS_NO_MEMORY ? Code::out_of_memory : Code::internal,
       "drawing the figure '", path_, "' failed: ", cairo_status_to_string(status));
}

void Canvas::set_colour(Colour colour) {
  cairo_set_source_rgb(cairo_.get(), colour.red, colour.green, colour.blue);
}

PangoRectangle Canvas::set_text(const std::string& text, const TextStyle& style) {
  const std::unique_ptr<char, decltype(g_free)> valid(
      g_utf8_make_valid(text.data(), static_cast<gssize>(std::min(text.size(), kMaxTextBytes))),
      g_free);
  PangoFontDescription* font = pango_font_description_from_string(kFont);
  pango_font_description_set_weight(font, style.bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
  pango_font_description_set_absolute_size(font, style.size * PANGO_SCALE);
  pango_layout_set_font_description(layout_.get(), font);
  pango_font_description_free(font);
  pango_layout_set_width(
      layout_.get(), style.max_width > 0 ? static_cast<int>(style.max_width * PANGO_SCALE) : -1);
  pango_layout_set_text(layout_.get(), valid.get(), -1);
  PangoRectangle extents;
  pango_layout_get_extents(layout_.get(), nullptr, &extents);
  return extents;
}

double Canvas::text_width(const std::string& text, const TextStyle& style) {
  return static_cast<double>(set_text(text, style).width) / PANGO_SCALE;
}

void Canvas::text(double x, double baseline, const std::string& text, const TextStyle& style) {
  const PangoRectangle extents = set_text(text, style);
  const double width = static_cast<double>(extents.width) / PANGO_SCALE;
  const double shift = style.align == Align::left     ? 0
                       : style.align == Align::center ? width / 2
                                                      : width;
  set_colour(style.colour);
  // Text that runs from right to left stands at the right end of its layout: extents.x takes that
  // back.
  cairo_move_to(
      cairo_.get(), x - shift - static_cast<double>(extents.x) / PANGO_SCALE,
      baseline - static_cast<double>(pango_layout_get_baseline(layout_.get())) / PANGO_SCALE);
  pango_cairo_show_layout(cairo_.get(), layout_.get());
  cairo_new_path(cairo_.get());  // no later line shall begin at the text
}

void Canvas::rectangle(double x, double y, double width, double height, Colour colour,
                       double radius) {
  const double r = std::min({radius, width / 2, height / 2});
  const double quarter = std::numbers::pi / 2;
  cairo_new_sub_path(cairo_.get());
  cairo_arc(cairo_.get(), x + width - r, y + r, r, -quarter, 0);
  cairo_arc(cairo_.get(), x + width - r, y + height - r, r, 0, quarter);
  cairo_arc(cairo_.get(), x + r, y + height - r, r, quarter, 2 * quarter);
  cairo_arc(cairo_.get(), x + r, y + r, r, 2 * quarter, 3 * quarter);
  cairo_close_path(cairo_.get());
  set_colour(colour);
  cairo_fill(cairo_.get());
}

void Canvas::line(double x0, double y0, double x1, double y1, Colour colour, double width) {
  cairo_move_to(cairo_.get(), x0, y0);
  cairo_line_to(cairo_.get(), x1, y1);
  set_colour(colour);
  cairo_set_line_width(cairo_.get(), width);
  cairo_stroke(cairo_.get());
}

void Canvas::polyline(const std::vector<std::pair<double, double>>& points, Colour colour,
                      double width, bool dashed) {
  constexpr double dashes[] = {6, 4};
  for (const auto& [x, y] : points) cairo_line_to(cairo_.get(), x, y);
  set_colour(colour);
  cairo_set_line_width(cairo_.get(), width);
  cairo_set_line_join(cairo_.get(), CAIRO_LINE_JOIN_ROUND);
  cairo_set_dash(cairo_.get(), dashes, dashed ? 2 : 0, 0);
  cairo_stroke(cairo_.get());
  cairo_set_dash(cairo_.get(), nullptr, 0, 0);
}

void Canvas::dot(double x, double y, double radius, Colour colour) {
  cairo_new_sub_path(cairo_.get());
  cairo_arc(cairo_.get(), x, y, radius, 0, 2 * std::numbers::pi);
  set_colour(colour);
  cairo_fill(cairo_.get());
}

void Canvas::picture(const Image& image, double x, double y, double width, double height,
                     bool pixels) {
  check_picture(image);
  const Surface original = to_surface(image);
  const bool thumbnail = pixels || (image.width <= kThumbnail && image.height <= kThumbnail);
  // At its final size first: an SVG then holds no more pixels than it shows.
  const Surface shown(cairo_image_surface_create(
      CAIRO_FORMAT_RGB24, std::max(1, static_cast<int>(std::lround(width * kScale))),
      std::max(1, static_cast<int>(std::lround(height * kScale)))));
  check_drawing(cairo_surface_status(shown.get()));
  const std::unique_ptr<cairo_t, CairoFree> scaled(cairo_create(shown.get()));
  paint_scaled(scaled.get(), original.get(), cairo_image_surface_get_width(shown.get()),
               cairo_image_surface_get_height(shown.get()),
               thumbnail ? CAIRO_FILTER_NEAREST : CAIRO_FILTER_BEST);
  check_drawing(cairo_status(scaled.get()));
  cairo_save(cairo_.get());
  cairo_rectangle(cairo_.get(), x, y, width, height);
  cairo_clip(cairo_.get());
  cairo_translate(cairo_.get(), x, y);
  paint_scaled(cairo_.get(), shown.get(), width, height, CAIRO_FILTER_GOOD);
  cairo_restore(cairo_.get());
}

void Canvas::framed(const Image& image, double x, double y, double cell, double height) {
  rectangle(x, y, cell, height, look::mat, 3);
  if (image.pixels.empty()) return;
  const auto [shown_width, shown_height] = fitted(image, cell);
  picture(image, x + (cell - shown_width) / 2, y + (height - shown_height) / 2, shown_width,
          shown_height);
}

void Canvas::save() {
  check_drawing(cairo_status(cairo_.get()));
  std::string bytes;
  if (svg_) {
    cairo_surface_finish(surface_.get());
    check_drawing(cairo_surface_status(surface_.get()));
    bytes.swap(svg_bytes_);
  } else {
    check_drawing(cairo_surface_write_to_png_stream(surface_.get(), append, &bytes));
  }
  AtomicFile file(path_, bytes.size());
  file.write(0, std::as_bytes(std::span(bytes)));
  file.commit();
}

}  // namespace alx
