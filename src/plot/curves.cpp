#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "plot/axis.h"
#include "plot/canvas.h"
#include "plot/plot.h"

namespace alx {
namespace {

using Points = std::vector<std::pair<double, double>>;

constexpr double kWidth = 960, kMargin = 40, kLeft = 100, kRight = kWidth - kMargin;
constexpr double kTitle = 48, kHeader = 34, kPanelAlone = 440, kPanelStacked = 300, kPanelGap = 36,
                 kFoot = 52;
constexpr double kSwatch = 20, kSwatchGap = 7, kEntryGap = 22, kLegendRow = 20, kLegendText = 220;
constexpr int kLegendRows = 4;
constexpr size_t kSparse = 40;  // up to so many points, each is marked
// beyond it differences overflow; such points are left out as infinite ones are
constexpr double kLargest = 1e300;

Points drawable(const Points& points) {
  Points kept;
  std::copy_if(points.begin(), points.end(), std::back_inserter(kept), [](const auto& point) {
    // false for NaN too
    return std::abs(point.first) < kLargest && std::abs(point.second) < kLargest;
  });
  return kept;
}

// Points that fall into one column of pixels become its first, lowest, highest and last: the same
// picture, drawn quickly and small in an SVG however long the training was.
Points thinned(const Points& points) {
  Points kept;
  for (size_t i = 0; i < points.size();) {
    const double column = std::floor(points[i].first * 2);
    size_t end = i, low = i, high = i;
    for (; end < points.size() && std::floor(points[end].first * 2) == column; ++end) {
      if (points[end].second < points[low].second) low = end;
      if (points[end].second > points[high].second) high = end;
    }
    std::vector<size_t> chosen{i, low, high, end - 1};
    std::sort(chosen.begin(), chosen.end());
    chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
    for (const size_t at : chosen) kept.push_back(points[at]);
    i = end;
  }
  return kept;
}

struct Range {
  double low = 0, high = 0;
  bool empty = true, whole = true;  // whole: integers only

  void add(double value) {
    low = empty ? value : std::min(low, value);
    high = empty ? value : std::max(high, value);
    whole = whole && value == std::floor(value);
    empty = false;
  }
};

struct Pen {
  Colour colour;
  bool dashed;  // the palette's second round
};

struct Box {
  double left, top, right, bottom;
};

double figure_height(size_t panels, double panel_height) {
  const auto count = static_cast<double>(panels);
  return kMargin + kTitle + count * panel_height + (count - 1) * kPanelGap + kFoot + kMargin / 2;
}

class Figure {
 public:
  Figure(const std::string& path, const std::vector<Panel>& panels)
      : panels_(panels),
        panel_height_(panels.size() == 1 ? kPanelAlone : kPanelStacked),
        canvas_(path, kWidth, figure_height(panels.size(), panel_height_)) {
    for (Panel& panel : panels_) {
      for (Series& series : panel.series) {
        series.points = drawable(series.points);
        for (const auto& point : series.points) x_.add(point.first);
        if (std::find(names_.begin(), names_.end(), series.name) == names_.end())
          names_.push_back(series.name);
      }
    }
    if (x_.empty) x_ = {0, 1, false, true};
  }

  void draw(const std::string& title, const std::string& x_label) {
    canvas_.text(kMargin, kMargin + 16, title,
                 {.size = 20, .bold = true, .max_width = kWidth - 2 * kMargin});
    double top = kMargin + kTitle;
    for (size_t i = 0; i < panels_.size(); ++i, top += panel_height_ + kPanelGap) {
      panel(panels_[i], top, i + 1 == panels_.size());
    }
    canvas_.text((kLeft + kRight) / 2, top - kPanelGap + 44, x_label,
                 {.colour = look::muted, .align = Align::center, .max_width = kRight - kLeft});
    canvas_.save();
  }

 private:
  // A name has one colour in all panels.
  Pen pen(const std::string& name) const {
    const auto index =
        static_cast<size_t>(std::find(names_.begin(), names_.end(), name) - names_.begin());
    return {look::lines[index % look::lines.size()], (index / look::lines.size()) % 2 == 1};
  }

  // Beside the panel's label where all fits there, else in rows of its own. Returns where the plot
  // may begin.
  double legend(const Panel& panel, double top) {
    const TextStyle style{.size = 12, .max_width = kLegendText};
    std::vector<double> widths;
    double total = -kEntryGap;
    for (const Series& series : panel.series) {
      widths.push_back(kSwatch + kSwatchGap + canvas_.text_width(series.name, style) + kEntryGap);
      total += widths.back();
    }
    const double label =
        canvas_.text_width(panel.y_label, {.bold = true, .max_width = kRight - kMargin});
    const bool beside = kMargin + label + 2 * kEntryGap + total <= kRight;
    double x = beside ? kRight - total : kMargin,
           baseline = top + (beside ? 12 : 12 + kLegendRow + 4);
    int rows = 1;
    for (size_t i = 0; i < widths.size(); ++i) {
      if (x + widths[i] - kEntryGap > kRight + 0.5) {
        if (rows++ == kLegendRows) {
          canvas_.text(kMargin, baseline + kLegendRow, cat("and ", widths.size() - i, " more"),
                       {.size = 12, .colour = look::muted});
          baseline += kLegendRow;
          break;
        }
        x = kMargin;
        baseline += kLegendRow;
      }
      legend_entry(panel.series[i], x, baseline);
      x += widths[i];
    }
    return baseline + kHeader - 12;
  }

  void legend_entry(const Series& series, double x, double baseline) {
    const Pen line = pen(series.name);
    canvas_.polyline({{x, baseline - 4.5}, {x + kSwatch, baseline - 4.5}}, line.colour, 3,
                     line.dashed);
    canvas_.text(x + kSwatch + kSwatchGap, baseline, series.name,
                 {.size = 12, .max_width = kLegendText});
  }

  void panel(const Panel& panel, double top, bool last) {
    canvas_.text(kMargin, top + 12, panel.y_label, {.bold = true, .max_width = kRight - kMargin});
    const Box box{kLeft, legend(panel, top), kRight, top + panel_height_};
    Range y;
    for (const Series& series : panel.series) {
      for (const auto& point : series.points) y.add(point.second);
    }
    if (y.empty) y = {0, 1, true, false};
    const Axis axis = round_axis(y.low, y.high, 5),
               x_axis_ = exact_axis(x_.low, x_.high, 10, x_.whole);
    y_axis(axis, box, panel.percent);
    x_axis(x_axis_, box, last);
    if (y.empty) {
      canvas_.text((box.left + box.right) / 2, (box.top + box.bottom) / 2, "no values yet",
                   {.colour = look::muted, .align = Align::center});
    }
    for (const Series& series : panel.series) {
      Points points = series.points;
      for (auto& [px, py] : points) {
        px = box.left + x_axis_.unit(px) * (box.right - box.left);
        py = box.bottom - axis.unit(py) * (box.bottom - box.top);
      }
      curve(points, pen(series.name));
    }
  }

  void y_axis(const Axis& axis, const Box& box, bool percent) {
    Axis shown = axis;
    if (percent) shown.step *= 100;
    for (const double tick : axis.ticks()) {
      const double y = box.bottom - axis.unit(tick) * (box.bottom - box.top);
      canvas_.line(box.left, y, box.right, y, look::grid);
      const std::string text = percent ? shown.text(tick * 100) + "%" : shown.text(tick);
      canvas_.text(
          box.left - 12, y + 4.3, text,
          {.size = 12, .colour = look::muted, .align = Align::right, .max_width = kLeft - 24});
    }
  }

  void x_axis(const Axis& axis, const Box& box, bool labelled) {
    canvas_.line(box.left, box.bottom, box.right, box.bottom, look::axis);
    for (const double tick : axis.ticks()) {
      const double x = box.left + axis.unit(tick) * (box.right - box.left);
      canvas_.line(x, box.bottom, x, box.bottom + 5, look::axis);
      if (labelled)
        canvas_.text(x, box.bottom + 20, axis.text(tick),
                     {.size = 12, .colour = look::muted, .align = Align::center});
    }
  }

  void curve(const Points& points, const Pen& pen) {
    const bool sparse = points.size() <= kSparse;
    if (points.size() > 1)
      canvas_.polyline(thinned(points), pen.colour, sparse ? 2.2 : 1.6, pen.dashed);
    if (!sparse) return;
    for (const auto& [x, y] : points) {
      canvas_.dot(x, y, 4.2, look::paper);
      canvas_.dot(x, y, 3.2, pen.colour);
    }
  }

  std::vector<Panel> panels_;  // drawable points only
  std::vector<std::string> names_;
  Range x_;
  double panel_height_;
  Canvas canvas_;
};

}  // namespace

void plot_curves(const std::string& path, const std::string& title, const std::string& x_label,
                 const std::vector<Panel>& panels) {
  check(!panels.empty(), Code::invalid_argument, "cannot draw '", path,
        "': there is no curve to show");
  Figure(path, panels).draw(title, x_label);
}

}  // namespace alx
