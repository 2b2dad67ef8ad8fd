// Figures as PNG (or SVG by the file's ending), drawn with cairo and pango: one look for all of them.
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

// As the paper's Figure 4 (left): each picture with its top labels as horizontal bars under it. `titles` are set
// above the bars (a file name, or the true class). Pictures stand in rows of up to four.
struct Prediction {
  Image image;
  std::string title;
  std::vector<Bar> bars;
};
void plot_predictions(const std::string& path, const std::vector<Prediction>& predictions);

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
void plot_curves(const std::string& path, const std::string& title, const std::string& x_label, const std::vector<Panel>& panels);

}  // namespace alx
