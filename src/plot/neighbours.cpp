#include <algorithm>

#include "core/error.h"
#include "plot/canvas.h"
#include "plot/plot.h"

namespace alx {
namespace {

constexpr double kMargin = 36, kCell = 132, kGap = 12;
constexpr double kRule = 32;  // from the query to the others, with a line in the middle
constexpr double kHeading = 30, kCaption = 26, kRowGap = 28;
constexpr size_t kColumns = 10;

size_t columns_of(const std::vector<NeighbourRow>& rows) {
  size_t most = 1;
  for (const NeighbourRow& row : rows) most = std::max(most, row.nearest.size());
  return std::min(most, kColumns);
}

double lines_height(const NeighbourRow& row, size_t columns) {
  const auto lines =
      static_cast<double>(std::max<size_t>(1, (row.nearest.size() + columns - 1) / columns));
  return lines * (kCell + kCaption) + (lines - 1) * kGap;
}

double left_of(size_t column) {
  return kMargin + kCell + kRule + static_cast<double>(column) * (kCell + kGap);
}

void draw_cell(Canvas& canvas, const Captioned& shown, double x, double y, bool query) {
  canvas.framed(shown.image, x, y, kCell, kCell);
  canvas.text(x + kCell / 2, y + kCell + 18, shown.caption,
              {.size = 12, .bold = query, .align = Align::center, .max_width = kCell});
}

void draw_row(Canvas& canvas, const NeighbourRow& row, size_t columns, double y) {
  draw_cell(canvas, row.query, kMargin, y, true);
  const double rule = kMargin + kCell + kRule / 2;
  canvas.line(rule, y, rule, y + lines_height(row, columns) - kCaption, look::grid, 1.5);
  for (size_t i = 0; i < row.nearest.size(); ++i)
    draw_cell(canvas, row.nearest[i], left_of(i % columns),
              y + static_cast<double>(i / columns) * (kCell + kCaption + kGap), false);
}

}  // namespace

void plot_neighbours(const std::string& path, const std::vector<NeighbourRow>& rows) {
  check(!rows.empty(), Code::invalid_argument, "cannot draw '", path,
        "': there is no query to show");
  for (const NeighbourRow& row : rows) {
    check_picture(row.query.image);
    for (const Captioned& shown : row.nearest)
      if (!shown.image.pixels.empty()) check_picture(shown.image);
  }
  const size_t columns = columns_of(rows);
  double height = 2 * kMargin + kHeading - kRowGap;
  for (const NeighbourRow& row : rows) height += lines_height(row, columns) + kRowGap;
  Canvas canvas(path, left_of(columns) - kGap + kMargin, height);
  const TextStyle heading{.size = 12, .colour = look::muted};
  canvas.text(kMargin, kMargin + 10, "Query", heading);
  canvas.text(left_of(0), kMargin + 10, "Nearest, with their distances", heading);
  double y = kMargin + kHeading - 8;
  for (const NeighbourRow& row : rows) {
    draw_row(canvas, row, columns, y);
    y += lines_height(row, columns) + kRowGap;
  }
  canvas.save();
}

}  // namespace alx
