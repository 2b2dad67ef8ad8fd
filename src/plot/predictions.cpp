#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/number.h"
#include "plot/canvas.h"
#include "plot/plot.h"

namespace alx {
namespace {

constexpr double kMargin = 36, kColumnGap = 32, kRowGap = 36;
constexpr double kTitle = 34;  // from a picture's foot to the first bar
// a bar, the way to the next, its text's distance from the edge
constexpr double kBar = 24, kBarStep = 28, kInset = 8;
constexpr size_t kColumns = 4;

struct Row {
  size_t first = 0, count = 0;
  double picture = 0, height = 0;  // the height of its picture box, and of all
};

struct Layout {
  size_t columns = 0;
  double cell = 0, width = 0, height = 0;
  std::vector<Row> rows;
};

// Fewest rows of up to four, filled evenly: five pictures stand as three and two.
size_t columns_for(size_t count) {
  const size_t rows = (count + kColumns - 1) / kColumns;
  return (count + rows - 1) / rows;
}

Layout lay_out(const std::vector<Prediction>& predictions) {
  Layout layout;
  layout.columns = columns_for(predictions.size());
  layout.cell = layout.columns == 1 ? 360 : layout.columns == 2 ? 300 : 248;
  const auto columns = static_cast<double>(layout.columns);
  layout.width = 2 * kMargin + columns * layout.cell + (columns - 1) * kColumnGap;
  layout.height = 2 * kMargin - kRowGap;
  for (size_t first = 0; first < predictions.size(); first += layout.columns) {
    Row row{first, std::min(layout.columns, predictions.size() - first), layout.cell / 2, 0};
    size_t bars = 0;
    for (size_t i = first; i < first + row.count; ++i) {
      row.picture = std::max(row.picture, fitted(predictions[i].image, layout.cell).second);
      bars = std::max(bars, predictions[i].bars.size());
    }
    row.height =
        row.picture + kTitle + (bars > 0 ? static_cast<double>(bars - 1) * kBarStep + kBar : -8);
    layout.height += row.height + kRowGap;
    layout.rows.push_back(row);
  }
  return layout;
}

// As in the paper's figure, the bar of the right class has a colour of its own: where the title is
// that class.
void draw_bar(Canvas& canvas, const Bar& bar, bool right, bool top, double x, double y,
              double cell) {
  const double fraction = std::isfinite(bar.fraction) ? std::clamp(bar.fraction, 0.0, 1.0) : 0;
  canvas.rectangle(x, y, cell, kBar, look::mat, 3);
  if (fraction > 0) {
    canvas.rectangle(x, y, std::max(2.0, cell * fraction), kBar,
                     right ? look::bar_right : look::bar, 3);
  }
  const std::string percent = percent_text(bar.fraction);
  TextStyle style{.size = 12, .bold = top, .align = Align::right};
  const double baseline = y + kBar / 2 + 4.3;
  canvas.text(x + cell - kInset, baseline, percent, style);
  style.max_width = cell - 3 * kInset - canvas.text_width(percent, style);
  style.align = Align::left;
  canvas.text(x + kInset, baseline, bar.label, style);
}

void draw_cell(Canvas& canvas, const Prediction& prediction, double x, double y, double cell,
               double box) {
  canvas.framed(prediction.image, x, y, cell, box);
  y += box;
  canvas.text(x + cell / 2, y + 22, prediction.title,
              {.bold = true, .align = Align::center, .max_width = cell});
  y += kTitle;
  for (size_t i = 0; i < prediction.bars.size(); ++i, y += kBarStep) {
    const Bar& bar = prediction.bars[i];
    draw_bar(canvas, bar, bar.label == prediction.title, i == 0, x, y, cell);
  }
}

}  // namespace

void plot_predictions(const std::string& path, const std::vector<Prediction>& predictions) {
  check(!predictions.empty(), Code::invalid_argument, "cannot draw '", path,
        "': there is no prediction to show");
  for (const Prediction& prediction : predictions) check_picture(prediction.image);
  const Layout layout = lay_out(predictions);
  Canvas canvas(path, layout.width, layout.height);
  double y = kMargin;
  for (const Row& row : layout.rows) {
    for (size_t i = 0; i < row.count; ++i) {
      const double x = kMargin + static_cast<double>(i) * (layout.cell + kColumnGap);
      draw_cell(canvas, predictions[row.first + i], x, y, layout.cell, row.picture);
    }
    y += row.height + kRowGap;
  }
  canvas.save();
}

}  // namespace alx
