#include "data/left_out.h"

#include <algorithm>

#include "core/error.h"
#include "core/log.h"

namespace alx {
namespace {

constexpr size_t named = 3;

struct Words {
  const char *one, *many;
};
constexpr std::array<Words, LeftOut::kinds> words{{
    {"picture beside the class folders", "pictures beside the class folders"},
    {"hidden picture", "hidden pictures"},
    {"link that leads nowhere or in a circle", "links that lead nowhere or in a circle"},
    {"member that a later one of its name replaces", "members that later ones of their names replace"},
    {"file that is no picture of a known kind", "files that are no pictures of a known kind"},
    {"other file", "other files"},
}};

}  // namespace

void LeftOut::add(Kind kind, const std::string& name) {
  Some& some = all_[kind];
  ++some.count;
  if (some.first.size() == named && name >= some.first.back()) return;
  some.first.insert(std::upper_bound(some.first.begin(), some.first.end(), name), name);
  if (some.first.size() > named) some.first.pop_back();
}

bool LeftOut::empty() const {
  return std::all_of(all_.begin(), all_.end(), [](const Some& some) { return some.count == 0; });
}

std::string LeftOut::text() const {
  std::string text;
  for (size_t kind = 0; kind < kinds; ++kind) {
    const Some& some = all_[kind];
    if (some.count == 0) continue;
    text += cat(text.empty() ? "" : "; ", some.count, " ", some.count == 1 ? words[kind].one : words[kind].many, " (");
    for (size_t i = 0; i < some.first.size(); ++i) text += (i == 0 ? "" : ", ") + some.first[i];
    text += some.count > named ? ", ...)" : ")";
  }
  return text;
}

void LeftOut::log(const std::string& where) const {
  if (empty()) return;
  const bool missed = std::any_of(all_.begin(), all_.begin() + junk, [](const Some& some) { return some.count > 0; });
  log_line(missed ? LogLevel::warning : LogLevel::info, where + ": left out: " + text());
}

}  // namespace alx
