#include "core/processors.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <limits>
#include <system_error>
#include <vector>

#include "core/text.h"

namespace alx {
namespace {

constexpr double unlimited = std::numeric_limits<double>::infinity();

// 0 where the system does not say.
int affine_processors() {
  constexpr size_t most = 1024;  // sets, of 1024 processors each
  for (size_t sets = 1; sets <= most; sets *= 2) {
    std::vector<cpu_set_t> allowed(sets);
    const size_t bytes = sets * sizeof(cpu_set_t);
    if (sched_getaffinity(0, bytes, allowed.data()) == 0) return CPU_COUNT_S(bytes, allowed.data());
    if (errno != EINVAL) break;  // which says that the kernel's set is larger
  }
  return 0;
}

// Of a file that tells no size, as the kernel's are; empty where it cannot be read. No stream: the
// host program's locale might translate what it reads.
std::string content(const std::string& path) {
  struct Open {
    int file;
    ~Open() { close(file); }
  } const opened{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  std::string text;
  char part[4096];
  ssize_t got = 0;
  while ((got = read(opened.file, part, sizeof part)) > 0 || (got < 0 && errno == EINTR))
    text.append(part, static_cast<size_t>(std::max<ssize_t>(got, 0)));
  return text;
}

std::string first_line(const std::string& path) { return split(content(path), '\n').front(); }

// "max" and -1, which mean no quota, are no positive numbers either.
double ratio(std::string_view quota, std::string_view period) {
  const auto time = parse_number<int64_t>(quota), of = parse_number<int64_t>(period);
  if (!time || !of || *time <= 0 || *of <= 0) return unlimited;
  return static_cast<double>(*time) / static_cast<double>(*of);
}

double quota_v2(const std::string& folder) {
  const std::vector<std::string> words = split(first_line(folder + "/cpu.max"), ' ');
  return words.size() == 2 ? ratio(words[0], words[1]) : unlimited;
}

double quota_v1(const std::string& folder) {
  return ratio(first_line(folder + "/cpu.cfs_quota_us"), first_line(folder + "/cpu.cfs_period_us"));
}

struct Version {
  const char* name;
  std::string_view controller;  // v2 has one tree for all, whose line names none
  std::string_view mount_type;
  const char* usual_places[2];
  double (*quota)(const std::string& folder);  // of one group, without those above it
};

constexpr Version versions[] = {
    {"cgroup v2", "", "cgroup2", {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}, quota_v2},
    {"cgroup v1", "cpu", "cgroup", {"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"}, quota_v1}};

bool has(std::string_view list, char separator, std::string_view item) {
  return std::ranges::count(split(list, separator), item) > 0;
}

// The process's group, as a path from the top of the tree; empty where it has none. A line is
// NUMBER:CONTROLLERS:PATH, and the path may have colons.
std::string group_of(const Version& version, const std::string& root) {
  for (const std::string& line : split(content(root + "/proc/self/cgroup"), '\n')) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string_view controllers(line.data() + first + 1, second - first - 1);
    if (has(controllers, ',', version.controller)) return line.substr(second + 1);
  }
  return {};
}

struct Mount {
  std::string group;   // that it shows, with those below
  std::string folder;  // where
};

// mountinfo writes blanks and backslashes as three octal digits.
std::string unescaped(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string_view digits = text.substr(i + 1, 3);
    unsigned code = 0;
    const char* end = digits.data() + digits.size();
    if (text[i] == '\\' && digits.size() == 3 &&
        std::from_chars(digits.data(), end, code, 8).ptr == end) {
      result += static_cast<char>(code);
      i += digits.size();
    } else {
      result += text[i];
    }
  }
  return result;
}

// ID PARENT DEVICE GROUP FOLDER OPTIONS [FIELDS...] - TYPE SOURCE OPTIONS
std::vector<Mount> mounts_of(const Version& version, const std::string& root) {
  constexpr size_t fixed_fields = 6;
  std::vector<Mount> mounts;
  for (const std::string& line : split(content(root + "/proc/self/mountinfo"), '\n')) {
    const std::vector<std::string> fields = split(line, ' ');
    if (fields.size() < fixed_fields) continue;
    const auto dash = std::find(fields.begin() + fixed_fields, fields.end(), "-");
    if (fields.end() - dash < 4 || dash[1] != version.mount_type) continue;
    if (!version.controller.empty() && !has(dash[3], ',', version.controller)) continue;
    mounts.push_back({unescaped(fields[3]), unescaped(fields[4])});
  }
  if (mounts.empty())
    for (const char* place : version.usual_places) mounts.push_back({"/", place});
  return mounts;
}

// What leads from the mount's group to the other, "" or "/NAME..."; none where that is not below
// it. Namespaces call what is above them "/..", and so may be either.
std::optional<std::string> way(const Mount& mount, const std::string& group) {
  const std::string top = mount.group == "/" ? "" : mount.group;
  if (!group.starts_with(top)) return std::nullopt;
  const std::string rest = group.substr(top.size());
  if (has(rest, '/', "..") || (!rest.empty() && rest.front() != '/')) return std::nullopt;
  return rest;
}

bool is_folder(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

// Of the group at the end and of all above it, up to the mount's.
double tightest(const Version& version, const std::string& folder, std::string rest) {
  double least = version.quota(folder);
  for (; !rest.empty(); rest.resize(rest.rfind('/')))
    least = std::min(least, version.quota(folder + rest));
  return least;
}

// A container may not see its own group by the name that it is told. What it sees on top is its
// group then, or one above.
double quota_by(const Version& version, const std::string& root) {
  const std::string group = group_of(version, root);
  if (group.empty()) return unlimited;
  const std::vector<Mount> mounts = mounts_of(version, root);
  for (const Mount& mount : mounts) {
    const std::optional<std::string> rest = way(mount, group);
    if (rest && is_folder(root + mount.folder + *rest))
      return tightest(version, root + mount.folder, *rest);
  }
  for (const Mount& mount : mounts)
    if (is_folder(root + mount.folder)) return version.quota(root + mount.folder);
  return unlimited;
}

}  // namespace

ThreadCount allowed_processors() {
  const int all = static_cast<int>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
  const int allowed = affine_processors();
  if (allowed < 1 || allowed >= all) return {std::max(allowed, all), "all processors"};
  return {allowed, cat(allowed, " of ", all, " processors by this process's affinity")};
}

std::optional<CpuQuota> cpu_quota(const std::string& root) {
  std::optional<CpuQuota> least;
  for (const Version& version : versions) {
    const double quota = quota_by(version, root);
    if (quota < (least ? least->processors : unlimited)) least = CpuQuota{quota, version.name};
  }
  return least;
}

}  // namespace alx
