// What POSIX says of files that cannot be read or written, and what becomes of permissions and
// links.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "weights_files.h"

namespace alx {
namespace {

std::vector<TensorToWrite> some_tensors() {
  std::vector<TensorToWrite> tensors;
  tensors.push_back(make_tensor("a", {1}, {1}));
  return tensors;
}

TEST(Saving, NamesWhyItCannotWrite) {
  const TempDir dir;
  const auto refused = [&](const std::string& path, const char* why) {
    expect_error(Code::io, {path.c_str(), why},
                 [&] { write_safetensors(path, some_tensors(), {}); });
  };
  std::filesystem::create_directory(dir.file("folder"));
  refused(dir.file("folder"), "folder");
  refused(dir.file("absent/a"), "No such file");
  save(dir.file("file"), "old");
  refused(dir.file("file/a"), "Not a directory");
  refused("/dev/full", "not a regular file");
  refused(dir.file(std::string(300, 'n')), "name too long");
  expect_error(Code::invalid_argument, {"empty"},
               [&] { write_safetensors("", some_tensors(), {}); });
  if (geteuid() != 0) {  // root may write everywhere
    std::filesystem::permissions(dir.file("folder"), std::filesystem::perms::owner_read |
                                                         std::filesystem::perms::owner_exec);
    refused(dir.file("folder/a"), "Permission denied");
    std::filesystem::permissions(dir.file("folder"), std::filesystem::perms::owner_all);
    chmod(dir.file("file").c_str(), 0400);
    refused(dir.file("file"), "Permission denied");
  }
  EXPECT_EQ(load(dir.file("file")), "old");
  EXPECT_EQ(dir.files(), 2u);
}

TEST(Saving, DiskFull) {
  const TempDir dir;
  const std::string path = dir.file("a");
  save(path, "old");
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit tiny = before;
  tiny.rlim_cur = 2048;
  const auto limit = [&](std::span<std::byte>) { setrlimit(RLIMIT_FSIZE, &tiny); };
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  // Once while writing, once before the first byte: then the signal would come with its default,
  // which kills.
  std::vector<TensorToWrite> tensors = {{"large", DataType::i8, {100000}, limit}};
  expect_error(Code::io, {path.c_str(), "File too large"},
               [&] { write_safetensors(path, tensors, {}); });
  std::signal(SIGXFSZ, SIG_DFL);
  expect_error(Code::io, {path.c_str(), "limit of 2048"},
               [&] { write_safetensors(path, tensors, {}); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(load(path), "old");
  EXPECT_EQ(dir.files(), 1u);
}

TEST(Saving, KeepsPermissionsAndFollowsLinks) {
  const TempDir dir;
  const auto mode = [&](const char* name) {
    struct stat status {};
    stat(dir.file(name).c_str(), &status);
    return status.st_mode & 0777;
  };
  save(dir.file("a"), "old");
  chmod(dir.file("a").c_str(), 0640);
  std::filesystem::create_symlink("a", dir.file("link"));
  write_safetensors(dir.file("link"), some_tensors(), {});
  EXPECT_TRUE(std::filesystem::is_symlink(dir.file("link")));
  EXPECT_EQ(values_of(WeightFile::open(dir.file("a")), "a"), std::vector<float>{1});
  EXPECT_EQ(mode("a"), 0640u);
  const mode_t mask = umask(027);
  write_safetensors(dir.file("new"), some_tensors(), {});
  umask(mask);
  EXPECT_EQ(mode("new"), 0640u);
}

TEST(Opening, NamesWhyItCannotRead) {
  const TempDir dir;
  expect_error(Code::not_found, {"absent", "No such file"},
               [&] { WeightFile::open(dir.file("absent")); });
  expect_error(Code::io, {"folder"}, [&] { WeightFile::open(dir.file("")); });
  ASSERT_EQ(mkfifo(dir.file("pipe").c_str(), 0600), 0);
  expect_error(Code::io, {"not a regular file"}, [&] { WeightFile::open(dir.file("pipe")); });
}

}  // namespace
}  // namespace alx
