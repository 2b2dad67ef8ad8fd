// How many threads a process takes by itself: what it may run on, quotas, OMP_NUM_THREADS.
#include "core/processors.h"

#include "golden_files.h"

#ifdef __linux__
#include <sched.h>

#include <thread>
#endif

namespace alx {
namespace {

// The environment has this OMP_NUM_THREADS, or none, while it lives.
class Wish {
 public:
  explicit Wish(const std::optional<std::string>& value) {
    if (const char* before = std::getenv(name)) before_ = before;
    set(value);
  }
  ~Wish() { set(before_); }
  Wish(const Wish&) = delete;
  Wish& operator=(const Wish&) = delete;

 private:
  static constexpr const char* name = "OMP_NUM_THREADS";
  static void set(const std::optional<std::string>& value) {
#ifdef _WIN32
    _putenv_s(name, value.value_or("").c_str());
#else
    value ? setenv(name, value->c_str(), 1) : unsetenv(name);
#endif
  }
  std::optional<std::string> before_;
};

TEST(Processors, AtLeastOneAndNoMoreThanAllowed) {
  const Wish none(std::nullopt);
  const ThreadCount usable = usable_threads(), allowed = allowed_processors();
  EXPECT_GE(usable.count, 1);
  EXPECT_LE(usable.count, allowed.count);
  EXPECT_FALSE(usable.reason.empty());
  EXPECT_FALSE(allowed.reason.empty());
}

TEST(Processors, AWishReplacesWhatIsThere) {
  for (const auto& [wish, count] : {std::pair("3", 3), {"4,2", 4}, {" 5 , 1", 5}, {"4096", 4096}}) {
    const Wish wished(wish);
    EXPECT_EQ(usable_threads().count, count) << wish;
    EXPECT_EQ(usable_threads().reason, "OMP_NUM_THREADS") << wish;
  }
}

TEST(Processors, WhatIsNoNumberOfThreadsIsNoWish) {
  for (const char* wish : {"", " ", ",", "0", "-1", "x", "2x", "1.5", "4097", "99999999999999"}) {
    const Wish wished(wish);
    EXPECT_NE(usable_threads().reason, "OMP_NUM_THREADS") << wish;
  }
}

TEST(Processors, QuotasLowerAndRoundUp) {
  const ThreadCount all{16, "all processors"};
  const ThreadCount two = within_quota(all, {1.5, "cgroup v2"});
  EXPECT_EQ(two.count, 2);
  EXPECT_EQ(two.reason, "a CPU quota of 1.5 (cgroup v2) rounded up");
  EXPECT_EQ(within_quota(all, {3, "cgroup v1"}).reason, "a CPU quota of 3 (cgroup v1)");
  EXPECT_EQ(within_quota(all, {0.01, "cgroup v1"}).count, 1);
  EXPECT_EQ(within_quota(all, {16, "cgroup v1"}).reason, "all processors");
  EXPECT_EQ(within_quota(all, {1e15, "cgroup v1"}).count, 16);
}

#ifdef __linux__
using Files = std::vector<std::pair<std::string, std::string>>;

// "1.5 (cgroup v2)" of a system with these files, "" without a quota.
std::string quota_of(const Files& files) {
  const TemporaryFolder root;
  for (const auto& [name, bytes] : files) root.write(name, bytes);
  const std::optional<CpuQuota> quota = cpu_quota(root.path());
  return quota ? cat(quota->processors, " (", quota->kind, ")") : "";
}

const std::string group = "proc/self/cgroup", mounts = "proc/self/mountinfo";
const std::string v2 = "sys/fs/cgroup", v1 = "sys/fs/cgroup/cpu";
const std::string other_mounts =
    "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
    "27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw,discard\n";

std::string mount_v2(const std::string& top, const std::string& folder) {
  return cat("41 31 0:38 ", top, " ", folder, " rw shared:9 - cgroup2 cgroup2 rw,nsdelegate\n");
}

std::string mount_v1(const std::string& top, const std::string& folder,
                     const std::string& controllers) {
  return cat("32 31 0:29 ", top, " ", folder, " rw - cgroup cgroup rw,", controllers, "\n");
}

Files files_v1(const std::string& folder, const std::string& quota, const std::string& period) {
  return {{folder + "/cpu.cfs_quota_us", quota}, {folder + "/cpu.cfs_period_us", period}};
}

Files operator+(Files a, const Files& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST(CpuQuota, CountsInTheThreads) {
  const Wish none(std::nullopt);
  const TemporaryFolder root;
  root.write(group, "0::/\n");
  root.write(v2 + "/cpu.max", "50000 100000\n");
  EXPECT_EQ(usable_threads(root.path()).count, 1);
  if (allowed_processors().count > 1) {
    EXPECT_EQ(usable_threads(root.path()).reason, "a CPU quota of 0.5 (cgroup v2) rounded up");
  }
  const Wish more("3");
  EXPECT_EQ(usable_threads(root.path()).count, 3);
}

TEST(CpuQuota, V2OfTheOwnGroup) {
  const Files own{{group, "0::/a.slice/b\n"}};
  EXPECT_EQ(quota_of(own + Files{{v2 + "/a.slice/b/cpu.max", "150000 100000\n"}}),
            "1.5 (cgroup v2)");
  EXPECT_EQ(quota_of(own + Files{{v2 + "/a.slice/b/cpu.max", "max 100000\n"}}), "");
  EXPECT_EQ(quota_of(own + Files{{v2 + "/a.slice/b/c/cpu.max", "150000 100000\n"}}), "");
  EXPECT_EQ(quota_of(own + Files{{v2 + "/a.slice/cpu.max", "150000 100000\n"},
                                 {v2 + "/a.slice/b/cgroup.procs", ""}}),
            "1.5 (cgroup v2)");
}

TEST(CpuQuota, TheTightestOfAllAbove) {
  const auto quota = [](const char* top, const char* parent, const char* own) {
    return quota_of({{group, "0::/a/b:c\n"},
                     {mounts, other_mounts + mount_v2("/", "/sys/fs/cgroup")},
                     {v2 + "/cpu.max", top},
                     {v2 + "/a/cpu.max", parent},
                     {v2 + "/a/b:c/cpu.max", own}});
  };
  EXPECT_EQ(quota("max 100000\n", "200000 100000\n", "300000 100000\n"), "2 (cgroup v2)");
  EXPECT_EQ(quota("max 100000\n", "300000 100000\n", "20000 10000\n"), "2 (cgroup v2)");
  EXPECT_EQ(quota("100000 100000\n", "300000 100000\n", "200000 100000\n"), "1 (cgroup v2)");
  EXPECT_EQ(quota("max 100000\n", "max 100000\n", "max 100000\n"), "");
}

TEST(CpuQuota, OfAContainerThatDoesNotSeeItsPath) {
  const Files files{{v2 + "/cpu.max", "150000 100000\n"},
                    {v2 + "/docker/cpu.max", "1000 100000\n"},
                    {"sys/fs/4711/cpu.max", "1000 100000\n"}};
  for (const char* path : {"/docker/4711", "/../4711", "/"})
    EXPECT_EQ(quota_of(files + Files{{group, cat("0::", path, "\n")}}), "1.5 (cgroup v2)") << path;
}

TEST(CpuQuota, OfAMountThatShowsAPartOfTheTree) {
  const Files files{{group, "0::/pods/one/main\n"},
                    {v2 + "/cpu.max", "300000 100000\n"},
                    {v2 + "/main/cpu.max", "200000 100000\n"},
                    {v2 + "/pods/one/main/cpu.max", "100000 100000\n"},
                    {v2 + "e/main/cpu.max", "1000 100000\n"}};
  const auto quota = [&](const char* top) {
    return quota_of(files + Files{{mounts, other_mounts + mount_v2(top, "/sys/fs/cgroup")}});
  };
  EXPECT_EQ(quota("/"), "1 (cgroup v2)");
  EXPECT_EQ(quota("/pods/one"), "2 (cgroup v2)");
  EXPECT_EQ(quota("/pods/one/main"), "3 (cgroup v2)");
  EXPECT_EQ(quota("/pods/on"), "3 (cgroup v2)");
  EXPECT_EQ(quota("/.."), "3 (cgroup v2)");
}

TEST(CpuQuota, OfAGroupAboveTheNamespace) {
  const auto quota = [](const char* top) {
    return quota_of({{group, "0::/../other\n"},
                     {mounts, mount_v2(top, "/sys/fs/cgroup")},
                     {v2 + "/cpu.max", "300000 100000\n"},
                     {v2 + "/other/cpu.max", "200000 100000\n"},
                     {"sys/fs/other/cpu.max", "1000 100000\n"}});
  };
  EXPECT_EQ(quota("/.."), "2 (cgroup v2)");
  EXPECT_EQ(quota("/"), "3 (cgroup v2)");
}

TEST(CpuQuota, OfTheMountThatShowsTheGroup) {
  EXPECT_EQ(quota_of({{group, "0::/a\n"},
                      {mounts, mount_v2("/b", "/elsewhere") + mount_v2("/", "/my\\040c\\134d")},
                      {"elsewhere/cpu.max", "100000 100000\n"},
                      {"my c\\d/a/cpu.max", "250000 100000\n"}}),
            "2.5 (cgroup v2)");
}

TEST(CpuQuota, V1) {
  const Files own{{group, "9:name=systemd:/x\n4:cpuset:/y\n2:cpu,cpuacct:/a/b\n"}};
  for (const char* name : {"cpu", "cpu,cpuacct"}) {
    const std::string folder = cat("sys/fs/cgroup/", name);
    EXPECT_EQ(quota_of(own + files_v1(folder + "/a/b", "150000\n", "100000\n")), "1.5 (cgroup v1)");
    EXPECT_EQ(quota_of(own + files_v1(folder + "/a/b", "-1\n", "100000\n")), "");
    EXPECT_EQ(quota_of(own + files_v1(folder + "/a", "50000\n", "50000\n") +
                       files_v1(folder + "/a/b", "150000\n", "50000\n")),
              "1 (cgroup v1)");
    EXPECT_EQ(quota_of(own + files_v1(folder, "25000\n", "50000\n")), "0.5 (cgroup v1)");
  }
}

TEST(CpuQuota, V1WhereItIsMounted) {
  const std::string wrong = mount_v1("/", "/wrong", "cpuset") + mount_v1("/", "/wrong", "cpuacct");
  EXPECT_EQ(quota_of(Files{{group, "3:cpuacct:/w\n2:cpu:/docker/1\n"},
                           {mounts, wrong + mount_v1("/docker/1", "/c/cpu", "cpuacct,cpu")}} +
                     files_v1("c/cpu", "400000", "100000") + files_v1("wrong", "100", "100")),
            "4 (cgroup v1)");
}

TEST(CpuQuota, OfBothVersionsAtOnce) {
  const auto quota = [](const char* quota_v1, const char* max_v2) {
    return quota_of(Files{{group, "2:cpu,cpuacct:/a\n1:name=systemd:/b\n0::/b\n"},
                          {mounts, mount_v1("/", "/sys/fs/cgroup/cpu", "cpu,cpuacct") +
                                       mount_v2("/", "/sys/fs/cgroup/unified")},
                          {v2 + "/unified/b/cpu.max", max_v2}} +
                    files_v1(v1 + "/a", quota_v1, "100000\n"));
  };
  EXPECT_EQ(quota("200000\n", ""), "2 (cgroup v1)");
  EXPECT_EQ(quota("200000\n", "100000 100000"), "1 (cgroup v2)");
  EXPECT_EQ(quota("-1\n", "max 100000"), "");
}

TEST(CpuQuota, WhatIsNoQuotaLimitsNothing) {
  EXPECT_EQ(quota_of({}), "");
  EXPECT_EQ(quota_of({{group + "/folder", ""}, {mounts + "/folder", ""}}), "");
  for (const std::string text : {"", "\n", "150000", "x y", "1e3 1000", "0 100000", "-5 100000",
                                 "5 0", "1 2 3", "99999999999999999999 1", "\xff\xfe"})
    EXPECT_EQ(quota_of({{group, "0::/\n"}, {v2 + "/cpu.max", text}}), "") << text;
  const Files files{{v2 + "/cpu.max", "150000 100000\n"}, {v2 + "e/main/cpu.max", "1000 100000\n"}};
  for (const std::string text : {"", "0", "0:", "::", "0::", "\n\n", "0:cpuset:/"})
    EXPECT_EQ(quota_of(files + Files{{group, text}}), "") << text;
  for (const std::string text : {"e/main", "/a//", "//", ":"})
    EXPECT_EQ(quota_of(files + Files{{group, "0::" + text}}), "1.5 (cgroup v2)") << text;
  for (const std::string text : {"", "-", "1 2 3 4 5 6", "1 2 3 4 5 6 -", "a b c d e f - cgroup2 ",
                                 "1 2 3 \\04 \\ 6 - cgroup x rw"})
    EXPECT_EQ(quota_of(files + Files{{group, "0::/\n"}, {mounts, text}}), "1.5 (cgroup v2)");
}

TEST(Affinity, LowersTheCount) {
  const Wish none(std::nullopt);
  const TemporaryFolder without_quotas;
  ThreadCount seen{};
  std::thread([&] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    seen = usable_threads(without_quotas.path());
  }).join();
  EXPECT_EQ(seen.count, 1);
  if (allowed_processors().count > 1) {
    EXPECT_TRUE(seen.reason.starts_with("1 of ")) << seen.reason;
  }
}
#endif

}  // namespace
}  // namespace alx
