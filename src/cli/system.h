// What the program asks of the operating system: one of system_posix.cpp and system_windows.cpp is
// built.
#pragma once
#include <cstdio>
#include <string>
#include <vector>

namespace alx {

// While it lives, the console takes UTF-8 and escape sequences, and standard input is not changed
// on its way.
class Console {
 public:
  Console();
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

 private:
  unsigned code_page_ = 0;  // of before; 0: there is none
};

// in UTF-8, without the program's name
std::vector<std::string> arguments_of(int argc, char** argv);
bool is_terminal(std::FILE* file);
int terminal_columns(std::FILE* file);        // 0 where it does not say
bool takes_utf8();                            // what is printed
std::string quoted(const std::string& text);  // for a shell
// Files and folders that a pattern with * and ? stands for, and [...] where shells have that,
// sorted by bytes.
std::vector<std::string> paths_like(const std::string& pattern);
double peak_rss_mb();  // the most memory the program has used

// Ctrl-C, SIGTERM and SIGHUP as a question that long work asks between its steps. From the call on
// the first signal only sets a flag; a second one ends the program at once. A signal that the
// parent process has told us to ignore stays ignored.
void catch_stop_signals();
bool stop_requested();

}  // namespace alx
