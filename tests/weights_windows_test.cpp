// What Windows says of files that cannot be read or written.
#include <windows.h>

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
  std::filesystem::create_directory(to_path(dir.file("folder")));
  refused(dir.file("folder"), "it is a folder");
  refused(dir.file("absent/a"), "its folder cannot be found");
  refused("NUL", "NUL");
  save(dir.file("file"), "old");
  SetFileAttributesW(to_path(dir.file("file")).c_str(), FILE_ATTRIBUTE_READONLY);
  refused(dir.file("file"), "read-only");
  SetFileAttributesW(to_path(dir.file("file")).c_str(), FILE_ATTRIBUTE_NORMAL);
  expect_error(Code::io, {"do not fit on the disk"}, [&] {
    write_safetensors(dir.file("file"), {{"a", DataType::i8, {int64_t{1} << 60}, [](auto) {}}}, {});
  });
  expect_error(Code::invalid_argument, {"empty"},
               [&] { write_safetensors("", some_tensors(), {}); });
  expect_error(Code::invalid_argument, {"not UTF-8"},
               [&] { write_safetensors("\xff", some_tensors(), {}); });
  EXPECT_EQ(load(dir.file("file")), "old");
  EXPECT_EQ(dir.files(), 2u);
}

// A program that reads the file without letting others delete it.
TEST(Saving, AFileInUseStaysAsItWas) {
  const TempDir dir;
  const std::string path = dir.file("a");
  save(path, "old");
  HANDLE other = CreateFileW(to_path(path).c_str(), GENERIC_READ, FILE_SHARE_READ, nullptr,
                             OPEN_EXISTING, 0, nullptr);
  ASSERT_NE(other, INVALID_HANDLE_VALUE);
  expect_error(Code::io, {path.c_str(), "is it open in a program"},
               [&] { write_safetensors(path, some_tensors(), {}); });
  CloseHandle(other);
  EXPECT_EQ(load(path), "old");
  EXPECT_EQ(dir.files(), 1u);
  write_safetensors(path, some_tensors(), {});
  EXPECT_EQ(values_of(WeightFile::open(path), "a"), std::vector<float>{1});
}

TEST(Saving, AMappedFileIsReplaced) {
  const TempDir dir;
  write_safetensors(dir.file("a"), some_tensors(), {});
  {
    const WeightFile before = WeightFile::open(dir.file("a"));
    write_safetensors(dir.file("a"), {}, {});
    EXPECT_EQ(values_of(before, "a"), std::vector<float>{1});
    EXPECT_EQ(WeightFile::open(dir.file("a")).tensors().size(), 0u);
  }
  EXPECT_EQ(dir.files(), 1u);  // what it held before is gone with its reader
}

TEST(Opening, NamesWhyItCannotRead) {
  const TempDir dir;
  expect_error(Code::not_found, {"absent", "not found"},
               [&] { WeightFile::open(dir.file("absent")); });
  expect_error(Code::not_found, {"absent"}, [&] { WeightFile::open(dir.file("absent/a")); });
  expect_error(Code::io, {"it is a folder"}, [&] { WeightFile::open(dir.file("")); });
  expect_error(Code::io, {"not a regular file"}, [&] { WeightFile::open("NUL"); });
}

}  // namespace
}  // namespace alx
