// What the program shows a person: bars, and how far long work has come.
#pragma once
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "plot/plot.h"

namespace alx {

struct Terminal {
  bool live = false;     // a terminal whose last line may be redrawn
  bool colour = false;   // a terminal, and NO_COLOR is not set
  bool unicode = false;  // the locale's characters are UTF-8
  int width = 80;        // columns
};
Terminal terminal_of(std::FILE* file);

// The text in at most `columns` columns of a terminal (CJK takes two), an ellipsis where it was
// cut. Control characters, which could steer the terminal, and what the locale cannot show become
// '?'.
std::string fitted(std::string_view text, int columns, bool unicode);
int columns_of(std::string_view text);

// One line for each: label, percentage, bar.
void print_bars(std::ostream& out, const std::vector<Bar>& bars, const Terminal& terminal);

// "42 s", "3:07", "1:02:09", "2 d 3 h"
std::string duration_text(double seconds);

// One line that is redrawn at most ten times a second; where the output is no live terminal, a
// plain line every ten seconds or ten percent. For one thread.
class ProgressBar {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  ProgressBar(std::ostream& out, const Terminal& terminal, uint64_t total,
              Clock clock = std::chrono::steady_clock::now);
  ~ProgressBar();  // finishes
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // `text` says what is being done ("epoch 3, loss 1.21"). The first call's `done` is where this
  // run began (resumed work): the time left is estimated from what came after it.
  void set(uint64_t done, std::string_view text = {});

  // Takes the line away, so that something else can be printed; the next set() draws it again.
  void clear();

  // Shows the last state and ends the line; without a set() nothing is shown.
  void finish();

 private:
  bool due(std::chrono::steady_clock::time_point now) const;
  void draw(std::chrono::steady_clock::time_point now, bool last);
  std::string line(const std::string& time) const;
  std::string time_text(std::chrono::steady_clock::time_point now, bool last) const;

  std::ostream& out_;
  Terminal terminal_;
  uint64_t total_, done_ = 0, first_ = 0, drawn_ = 0;
  Clock clock_;
  std::chrono::steady_clock::time_point start_, drawn_at_;
  std::string text_;
  bool started_ = false, finished_ = false, visible_ = false;
};

}  // namespace alx
