// Figures as PNG (or SVG by the file's ending), drawn with cairo and pango: one look for all of
// them.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "data/image.h"

namespace alx {

struct Bar {
  std::string label;
  double fraction = 0;  // 0..1
};

// As the paper's Figure 4 (left): each picture with its top labels as horizontal bars under it.
// `titles` are set above the bars (a file name, or the true class). Pictures stand in rows of up to
// four.
struct Prediction {
  Image image;
  std::string title;
  std::vector<Bar> bars;
};
void plot_predictions(const std::string& path, const std::vector<Prediction>& predictions);

// As the paper's Figure 4 (right): a row for each query. It stands left with its caption, what is
// nearest to it follows with captions of its own (distances), in lines of up to ten. An image
// without pixels leaves its place empty.
struct Captioned {
  Image image;
  std::string caption;
};
struct NeighbourRow {
  Captioned query;
  std::vector<Captioned> nearest;
};
void plot_neighbours(const std::string& path, const std::vector<NeighbourRow>& rows);

// As the paper's Figure 3: filters in colour (3 channels: red, green, blue), or a layer's answers
// in grey (1), as tiles. Blocks (towers) stand one above the other under their titles. Zero is mid
// grey where any value is negative, else black.
struct Tiles {
  std::string title, note;
  int64_t channels = 1, height = 0, width = 0;
  std::vector<float> values;  // (tiles, channels, height, width)
};
// What becomes the brightest: in each tile its own largest magnitude, so that weak ones show their
// form; or in all tiles the same, so that they can be compared: what one in 200 magnitudes exceeds,
// so that no outlier darkens the rest.
enum class Contrast { each, common };
void plot_tiles(const std::string& path, const std::vector<Tiles>& blocks,
                Contrast contrast = Contrast::each);

// Images by true class (rows) and by answer, (labels, labels).
struct Confusion {
  std::vector<std::string> labels;
  std::vector<int64_t> images;
};
void plot_confusion(const std::string& path, const std::string& title, const Confusion& confusion);

struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;
};
// Lines over a common x axis; one panel for each group, one above the other (loss; error).
struct Panel {
  std::string y_label;
  std::vector<Series> series;
  bool percent = false;  // y runs 0..1 and is written in percent
};
void plot_curves(const std::string& path, const std::string& title, const std::string& x_label,
                 const std::vector<Panel>& panels);

}  // namespace alx
