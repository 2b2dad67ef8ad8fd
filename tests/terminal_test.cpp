#include "cli/terminal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <sstream>

#include "cli/system.h"

namespace alx {
namespace {

using std::chrono::milliseconds;

constexpr Terminal kAscii{false, false, false, 80}, kUnicode{false, false, true, 80},
    kLive{true, false, false, 80};

TEST(Fitted, CutsWithAnEllipsis) {
  EXPECT_EQ(fitted("tabby cat", 9, true), "tabby cat");
  EXPECT_EQ(fitted("tabby cat", 8, true), "tabby c…");
  EXPECT_EQ(fitted("tabby cat", 8, false), "tabby...");
  EXPECT_EQ(fitted("tabby cat", 2, false), "");
  EXPECT_EQ(fitted("", 0, true), "");
  EXPECT_EQ(fitted("Löwe", 4, true), "Löwe");
  EXPECT_EQ(fitted("猫と犬", 6, true), "猫と犬");
  EXPECT_EQ(fitted("猫と犬", 5, true), "猫と…");
  EXPECT_EQ(fitted("猫と犬", 4, true), "猫…");  // the second would end in the ellipsis's column
}

TEST(Fitted, LetsNothingSteerTheTerminal) {
  EXPECT_EQ(fitted("a\x1b[2Jb\nc\rd\x7f", 80, true), "a?[2Jb?c?d?");
  EXPECT_EQ(fitted("\xc2\x9b"
                   "31m",
                   80, true),
            "?31m");                                           // CSI as one control character
  EXPECT_EQ(fitted("a\u202eb", 80, true), "a?b");              // right-to-left override
  EXPECT_EQ(fitted("\xff\xc3", 80, true), "??");               // no UTF-8, cut off
  EXPECT_EQ(fitted("\xc0\x80\xed\xa0\x80", 80, true), "???");  // overlong, surrogate
  EXPECT_EQ(fitted("Löwe 猫", 80, false), "L?we ?");
}

TEST(PrintBars, LabelPercentBar) {
  std::ostringstream out;
  print_bars(out, {{"cat", 0.5}, {"airplane", 0.0625}, {"dog", 0}}, kAscii);
  EXPECT_EQ(out.str(),
            "  cat        50.0%  ####################\n"
            "  airplane    6.2%  ###\n"
            "  dog         0.0%\n");
}

TEST(PrintBars, BlocksInEighths) {
  std::ostringstream out;
  print_bars(out, {{"猫", 0.0625}, {"dog", 0.01}}, kUnicode);
  EXPECT_EQ(out.str(),
            "  猫     6.2%  ██▌\n"
            "  dog    1.0%  ▍\n");
}

TEST(PrintBars, ColoursOnlyWhereAsked) {
  std::ostringstream plain, coloured;
  print_bars(plain, {{"cat", 0.5}, {"dog", 0.25}}, kLive);
  print_bars(coloured, {{"cat", 0.5}, {"dog", 0.25}}, {true, true, false, 80});
  EXPECT_EQ(plain.str().find('\x1b'), std::string::npos);
  EXPECT_EQ(coloured.str().find("  \x1b[1mcat   50.0%\x1b[0m  \x1b[34m####"), 0u) << coloured.str();
}

TEST(PrintBars, StaysWithinTheTerminal) {
  const std::vector<Bar> bars{{std::string(300, 'x'), 1},
                              {"", std::numeric_limits<double>::quiet_NaN()},
                              {"a", 7},
                              {"b", -1}};
  for (const int width : {40, 60, 80, 200}) {
    std::ostringstream out;
    print_bars(out, bars, {false, false, true, width});
    std::istringstream lines(out.str());
    for (std::string line; std::getline(lines, line);) EXPECT_LT(columns_of(line), width) << line;
  }
  for (const int width : {-5, 0, 1, 10}) {
    std::ostringstream out;
    print_bars(out, bars, {false, false, true, width});
    EXPECT_EQ(std::ranges::count(out.str(), '\n'), 4);
  }
}

TEST(Duration, Text) {
  EXPECT_EQ(duration_text(0), "0 s");
  EXPECT_EQ(duration_text(59.6), "1:00");
  EXPECT_EQ(duration_text(187), "3:07");
  EXPECT_EQ(duration_text(3729), "1:02:09");
  EXPECT_EQ(duration_text(86400 * 2 + 3 * 3600), "2 d 3 h");
  EXPECT_EQ(duration_text(-1), "long");
  EXPECT_EQ(duration_text(std::numeric_limits<double>::infinity()), "long");
}

class Progress : public testing::Test {
 protected:
  ProgressBar bar(const Terminal& terminal, uint64_t total) {
    return ProgressBar(out_, terminal, total, [this] { return now_; });
  }
  // What came since the last call.
  std::string taken() {
    std::string text = out_.str();
    out_.str("");
    return text;
  }

  std::chrono::steady_clock::time_point now_{};
  std::ostringstream out_;
};

TEST_F(Progress, RedrawsOneLineTenTimesASecond) {
  ProgressBar progress = bar(kLive, 100);
  progress.set(0, "epoch 1");
  EXPECT_EQ(taken(), "\r  0% [                        ]  0/100  epoch 1\x1b[K");
  now_ += milliseconds(99);
  progress.set(1);
  EXPECT_EQ(taken(), "");
  now_ += milliseconds(1);
  progress.set(25, "epoch 1");
  EXPECT_EQ(taken(), "\r 25% [######                  ]  25/100  epoch 1\x1b[K");
  now_ += milliseconds(2900);
  progress.set(50, "epoch 2");
  EXPECT_EQ(taken(), "\r 50% [############            ]  50/100  3 s left  epoch 2\x1b[K");
  now_ += milliseconds(20);
  progress.set(100, "epoch 2");
  EXPECT_EQ(taken(), "");
  progress.finish();
  EXPECT_EQ(taken(), "\r100% [########################]  100/100  in 3 s  epoch 2\x1b[K\n");
  progress.finish();
  EXPECT_EQ(taken(), "");
}

TEST_F(Progress, PlainLinesNowAndThen) {
  ProgressBar progress = bar(kAscii, 1000);
  progress.set(0);
  for (uint64_t i = 1; i <= 99; ++i) {
    now_ += milliseconds(50);
    progress.set(i, "loss 1.5");
  }
  EXPECT_EQ(taken(), "");
  now_ += milliseconds(50);
  progress.set(100, "loss 1.5");  // ten percent, after five seconds
  EXPECT_EQ(taken(), " 10%  100/1000  45 s left  loss 1.5\n");
  now_ += milliseconds(9999);
  progress.set(101);
  EXPECT_EQ(taken(), "");
  now_ += milliseconds(1);
  progress.set(101, "two\nlines");
  EXPECT_EQ(taken(), " 10%  101/1000  2:14 left  two?lines\n");
  now_ += milliseconds(500);
  progress.set(900);  // far, but the last line is not a second old
  EXPECT_EQ(taken(), "");
  progress.finish();
  EXPECT_EQ(taken(), " 90%  900/1000  in 16 s\n");
}

TEST_F(Progress, ResumedWorkIsNotCountedAsSpeed) {
  ProgressBar progress = bar(kLive, 1000);
  progress.set(900);
  taken();
  now_ += milliseconds(10000);
  progress.set(950);
  EXPECT_NE(taken().find("950/1000  10 s left"), std::string::npos);
}

TEST_F(Progress, UnknownTotalAndTooMuchDone) {
  ProgressBar unknown = bar(kLive, 0);
  unknown.set(7, "reading");
  EXPECT_EQ(taken(), "\r7  reading\x1b[K");
  unknown.finish();
  taken();
  ProgressBar over = bar(kLive, 10);
  over.set(25);
  EXPECT_NE(taken().find("100% [########################]  10/10"), std::string::npos);
}

TEST_F(Progress, NoLineIsWiderThanTheTerminal) {
  for (const int width : {1, 2, 20, 59, 60, 200}) {
    ProgressBar progress = bar({true, false, true, width}, 100);
    taken();  // the end of the one before
    progress.set(50, std::string(300, 'x'));
    const std::string text = taken();
    EXPECT_LT(columns_of(text.substr(1, text.size() - 4)), width) << width;
  }
}

TEST_F(Progress, ClearMakesRoomAndTheDestructorEndsTheLine) {
  {
    ProgressBar progress = bar(kLive, 10);
    progress.set(1);
    taken();
    progress.clear();
    EXPECT_EQ(taken(), "\r\x1b[K");
    progress.set(2);
    EXPECT_NE(taken(), "");  // at once
  }
  EXPECT_EQ(taken().back(), '\n');
  { ProgressBar progress = bar(kLive, 10); }
  EXPECT_EQ(taken(), "");  // never began
}

#ifndef _WIN32  // which asks the console and not the locale
TEST(TerminalOf, AFileIsNoTerminal) {
  std::FILE* file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  setenv("LC_ALL", "de_DE.UTF-8", 1);
  setenv("COLUMNS", "132", 1);
  EXPECT_FALSE(is_terminal(file));
  const Terminal utf8 = terminal_of(file);
  EXPECT_FALSE(utf8.live);
  EXPECT_FALSE(utf8.colour);
  EXPECT_TRUE(utf8.unicode);
  EXPECT_EQ(utf8.width, 132);
  setenv("LC_ALL", "C", 1);
  setenv("COLUMNS", "many", 1);
  EXPECT_FALSE(terminal_of(file).unicode);
  EXPECT_EQ(terminal_of(file).width, 80);
  std::fclose(file);
}
#endif

}  // namespace
}  // namespace alx
