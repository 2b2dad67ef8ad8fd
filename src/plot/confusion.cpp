#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.h"
#include "plot/canvas.h"
#include "plot/plot.h"

namespace alx {
namespace {

constexpr double kMargin = 36, kTitle = 44, kFoot = 44, kLargestCell = 46, kMatrix = 760;
constexpr size_t kMostNamed = 40;    // classes whose names can still be read
constexpr size_t kMostNumbers = 16;  // and whose cells can hold a number
const TextStyle kLabel{12, look::ink, false, Align::right, 160};

Colour blend(Colour from, Colour to, double part) {
  const auto mix = [part](double a, double b) { return a + (b - a) * part; };
  return {mix(from.red, to.red), mix(from.green, to.green), mix(from.blue, to.blue)};
}

// Right answers blue, wrong ones orange; the root makes rare confusions visible.
Colour shade(bool right, double fraction) {
  return blend(look::mat, right ? look::lines[0] : look::lines[1], std::sqrt(fraction));
}

double gap_of(double cell) { return cell > 6 ? 1 : 0; }

void draw_row(Canvas& canvas, const Confusion& confusion, size_t truth, double left, double y,
              double cell) {
  const size_t classes = confusion.labels.size();
  const int64_t* row = confusion.images.data() + truth * classes;
  const int64_t images = std::accumulate(row, row + classes, int64_t{0});
  const double gap = gap_of(cell);
  for (size_t answer = 0; answer < classes; ++answer) {
    const int64_t count = row[answer];
    const double fraction =
        images > 0 ? static_cast<double>(count) / static_cast<double>(images) : 0;
    const double x = left + static_cast<double>(answer) * cell;
    // as the ground is: hundreds of classes have few of a million cells filled
    if (count == 0 && gap == 0) continue;
    canvas.rectangle(x, y, cell - gap, cell - gap, shade(answer == truth, fraction));
    if (classes > kMostNumbers || count == 0) continue;
    const Colour colour = fraction > 0.35 ? look::paper : look::ink;
    canvas.text(x + (cell - gap) / 2, y + cell / 2 + 4, std::to_string(std::lround(100 * fraction)),
                {11.5, colour, answer == truth, Align::center});
  }
}

}  // namespace

void plot_confusion(const std::string& path, const std::string& title, const Confusion& confusion) {
  const size_t classes = confusion.labels.size();
  check(classes > 0 && confusion.images.size() == classes * classes, Code::invalid_argument,
        "cannot draw '", path, "': ", confusion.images.size(), " numbers are no matrix of ",
        classes, " classes");
  const double cell = std::min(kLargestCell, kMatrix / static_cast<double>(classes));
  const double side = cell * static_cast<double>(classes);
  const bool named = classes <= kMostNamed;
  Canvas measure(path, 1, 1);
  double names = 0;
  for (size_t i = 0; named && i < classes; ++i)
    names = std::max(names,
                     std::min(kLabel.max_width, measure.text_width(confusion.labels[i], kLabel)));
  const double left = kMargin + names + (named ? 12 : 0), top = kMargin + kTitle;

  Canvas canvas(path, std::max(left + side + kMargin, 420.0), top + side + kFoot + kMargin);
  canvas.text(kMargin, kMargin + 14, title, {16, look::ink, true});
  canvas.text(left + side / 2, top - 12, named ? "answer, in the order of the rows" : "answer",
              {12, look::muted, false, Align::center});
  if (gap_of(cell) == 0) canvas.rectangle(left, top, side, side, look::mat);
  for (size_t truth = 0; truth < classes; ++truth) {
    const double y = top + static_cast<double>(truth) * cell;
    draw_row(canvas, confusion, truth, left, y, cell);
    if (named) canvas.text(left - 10, y + cell / 2 + 4, confusion.labels[truth], kLabel);
  }
  canvas.text(left, top + side + 28, "rows: true class; shade and number: percent of its pictures",
              {12, look::muted});
  canvas.save();
}

}  // namespace alx
