#include "cli/terminal.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "cli/system.h"
#include "core/error.h"
#include "core/number.h"

namespace alx {
namespace {

using std::chrono::duration;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kBarColumns = 40, kProgressColumns = 24;
constexpr const char *kBlue = "\x1b[34m", *kBold = "\x1b[1m", *kPlain = "\x1b[0m";

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

int width_of(std::FILE* file) {
  if (const int columns = terminal_columns(file); columns > 0) return columns;
  const int columns = parse_number<int>(environment("COLUMNS")).value_or(0);
  return columns > 0 && columns < 10000 ? columns : 80;
}

struct Character {
  uint32_t code = 0;  // 0: these bytes are no character that may be printed
  size_t bytes = 1;
};

Character next_character(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return {first < 0x20 || first == 0x7f ? 0u : first, 1};
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return {};
  uint32_t code = first & (0x7fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3fu);
  }
  constexpr std::array<uint32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  const bool control =
      code < 0xa0 || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
  const bool valid = code >= least[length] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  return {valid && !control ? code : 0, length};
}

bool within(uint32_t code, std::initializer_list<std::pair<uint32_t, uint32_t>> ranges) {
  return std::any_of(ranges.begin(), ranges.end(), [code](const auto& range) {
    return code >= range.first && code <= range.second;
  });
}

// The usual ranges; wcwidth() would need the process's locale to be set.
int code_columns(uint32_t code) {
  if (within(code, {{0x300, 0x36f}, {0x200b, 0x200f}, {0xfe00, 0xfe0f}})) return 0;
  return within(code, {{0x1100, 0x115f},
                       {0x2e80, 0xa4cf},
                       {0xac00, 0xd7a3},
                       {0xf900, 0xfaff},
                       {0xfe30, 0xfe6f},
                       {0xff00, 0xff60},
                       {0xffe0, 0xffe6},
                       {0x1f300, 0x1faff},
                       {0x20000, 0x3fffd}})
             ? 2
             : 1;
}

std::string repeated(std::string_view text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

std::string bar(double fraction, int columns, bool unicode) {
  constexpr std::array<std::string_view, 8> eighths{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const double share = std::isfinite(fraction) ? std::clamp(fraction, 0.0, 1.0) : 0;
  if (!unicode) return repeated("#", static_cast<int>(std::lround(share * columns)));
  const auto parts = static_cast<size_t>(std::lround(share * columns * 8));
  return repeated("█", static_cast<int>(parts / 8)).append(eighths[parts % 8]);
}

std::string padded(std::string text, int columns, bool left = false) {
  const std::string space = repeated(" ", columns - columns_of(text));
  return left ? space + text : text + space;
}

}  // namespace

Terminal terminal_of(std::FILE* file) {
  const bool live = is_terminal(file) && environment("TERM") != "dumb";
  return {live, live && environment("NO_COLOR").empty(), takes_utf8(), width_of(file)};
}

int columns_of(std::string_view text) {
  int columns = 0;
  while (!text.empty()) {
    const Character character = next_character(text);
    columns += character.code == 0 ? 1 : code_columns(character.code);
    text.remove_prefix(character.bytes);
  }
  return columns;
}

std::string fitted(std::string_view text, int columns, bool unicode) {
  const std::string_view dots = unicode ? "…" : "...";
  const int room = columns - columns_of(dots);
  std::string result;
  size_t cut = 0;  // where the ellipsis goes if it is needed
  int used = 0;
  while (!text.empty()) {
    const Character character = next_character(text);
    const bool shown = character.code != 0 && (unicode || character.code < 0x80);
    const int width = shown ? code_columns(character.code) : 1;
    if (used + width > columns)
      return room < 0 ? std::string() : result.substr(0, cut).append(dots);
    result += shown ? text.substr(0, character.bytes) : "?";
    used += width;
    if (used <= room) cut = result.size();
    text.remove_prefix(character.bytes);
  }
  return result;
}

void print_bars(std::ostream& out, const std::vector<Bar>& bars, const Terminal& terminal) {
  constexpr int kPercent = 6, kGaps = 6;  // ">99.9%"; two columns before, between and between
  const int width = std::max(terminal.width - 1, 20);
  int labels = 0;
  for (const Bar& each : bars)
    labels = std::max(labels, columns_of(fitted(each.label, width, terminal.unicode)));
  labels = std::min(labels, std::max(8, width - kPercent - kGaps - kBarColumns / 2));
  const int columns = std::clamp(width - labels - kPercent - kGaps, 0, kBarColumns);
  for (size_t i = 0; i < bars.size(); ++i) {
    const bool bold = terminal.colour && i == 0;
    const std::string drawn = bar(bars[i].fraction, columns, terminal.unicode);
    out << "  " << (bold ? kBold : "")
        << padded(fitted(bars[i].label, labels, terminal.unicode), labels) << "  "
        << padded(percent_text(bars[i].fraction), kPercent, true) << (bold ? kPlain : "");
    if (!drawn.empty())
      out << "  " << (terminal.colour ? kBlue : "") << drawn << (terminal.colour ? kPlain : "");
    out << '\n';
  }
}

std::string duration_text(double length) {
  if (!(length >= 0 && length < 1e9)) return "long";
  const auto whole = static_cast<int64_t>(std::lround(length));
  const auto two = [](int64_t value) { return cat(value < 10 ? "0" : "", value); };
  if (whole < 60) return cat(whole, " s");
  if (whole < 3600) return cat(whole / 60, ":", two(whole % 60));
  if (whole < 86400) return cat(whole / 3600, ":", two(whole / 60 % 60), ":", two(whole % 60));
  return cat(whole / 86400, " d ", whole / 3600 % 24, " h");
}

ProgressBar::ProgressBar(std::ostream& out, const Terminal& terminal, uint64_t total, Clock clock)
    : out_(out), terminal_(terminal), total_(total), clock_(std::move(clock)) {}

ProgressBar::~ProgressBar() {
  try {
    finish();
  } catch (const std::exception&) {
    // The work has failed or is done; that it cannot be shown is no reason to end the program.
  }
}

void ProgressBar::set(uint64_t done, std::string_view text) {
  const auto now = clock_();
  done_ = total_ > 0 ? std::min(done, total_) : done;
  text_ = text;
  if (!started_) {
    started_ = true;
    first_ = drawn_ = done_;
    start_ = drawn_at_ = now;
    if (terminal_.live) draw(now, false);
  } else if (due(now)) {
    draw(now, false);
  }
}

bool ProgressBar::due(std::chrono::steady_clock::time_point now) const {
  const auto passed = now - drawn_at_;
  if (terminal_.live) return !visible_ || passed >= milliseconds(100);
  const bool far = total_ > 0 && done_ > drawn_ &&
                   static_cast<double>(done_ - drawn_) >= 0.1 * static_cast<double>(total_);
  return passed >= seconds(10) || (far && passed >= seconds(1));
}

std::string ProgressBar::time_text(std::chrono::steady_clock::time_point now, bool last) const {
  const double elapsed = duration<double>(now - start_).count();
  if (last) return "in " + duration_text(elapsed);
  if (total_ == 0 || done_ <= first_ || elapsed < 1) return "";
  return duration_text(elapsed / static_cast<double>(done_ - first_) *
                       static_cast<double>(total_ - done_)) +
         " left";
}

std::string ProgressBar::line(const std::string& time) const {
  std::string line;
  const double fraction = total_ > 0 ? static_cast<double>(done_) / static_cast<double>(total_) : 0;
  if (total_ > 0) line += padded(cat(std::floor(fraction * 100), "%"), 4, true);
  if (total_ > 0 && terminal_.live && terminal_.width >= 60) {
    const std::string filled =
        padded(bar(fraction, kProgressColumns, terminal_.unicode), kProgressColumns);
    line += terminal_.unicode ? " ▕" + filled + "▏" : " [" + filled + "]";
  }
  line += total_ > 0 ? cat("  ", done_, "/", total_) : cat(done_);
  if (!time.empty()) line += "  " + time;
  if (!text_.empty()) line += "  " + text_;
  return line;
}

void ProgressBar::draw(std::chrono::steady_clock::time_point now, bool last) {
  const std::string text = line(time_text(now, last));
  if (terminal_.live) {
    out_ << '\r' << fitted(text, terminal_.width - 1, terminal_.unicode) << "\x1b[K";
  } else {
    out_ << fitted(text, 1000, terminal_.unicode) << '\n';
  }
  out_.flush();
  visible_ = terminal_.live;
  drawn_ = done_;
  drawn_at_ = now;
}

void ProgressBar::clear() {
  if (visible_) out_ << "\r\x1b[K" << std::flush;
  visible_ = false;
}

void ProgressBar::finish() {
  if (finished_ || !started_) return;
  finished_ = true;
  draw(clock_(), true);
  if (visible_) out_ << '\n' << std::flush;
  visible_ = false;
}

}  // namespace alx
