// For systems without POSIX files: the C++ library's streams and rename. No sync to the disk is possible here.
#include <filesystem>
#include <fstream>
#include <random>
#include <system_error>

#include "core/error.h"
#include "weights/atomic_file.h"

namespace alx {
namespace fs = std::filesystem;

struct AtomicFile::Impl {
  std::string path;  // as the caller named it, for messages
  fs::path target, temporary;
  std::ofstream file;
  bool replaced = false;

  ~Impl() {
    file.close();
    std::error_code ignored;
    if (!replaced && !temporary.empty()) fs::remove(temporary, ignored);
  }
  [[noreturn]] void refuse(const std::string& reason) const {
    fail(Code::io, "cannot write ", path, ": ", reason, "; the file is as it was before");
  }
};

AtomicFile::AtomicFile(const std::string& path, uint64_t size) : impl_(std::make_unique<Impl>()) {
  check(!path.empty(), Code::invalid_argument, "cannot write: the file's name is empty");
  impl_->path = path;
  std::error_code error;
  impl_->target = fs::weakly_canonical(fs::path(std::u8string(path.begin(), path.end())), error);
  if (error) impl_->refuse(error.message());
  const auto status = fs::status(impl_->target, error);
  const bool exists = fs::exists(status);
  if (exists && !fs::is_regular_file(status)) impl_->refuse("it is not a regular file");
  if (exists && (status.permissions() & fs::perms::owner_write) == fs::perms::none) impl_->refuse("it is read-only");
  const fs::path folder = impl_->target.parent_path();
  const auto space = fs::space(folder, error);
  if (!error && space.available < size) impl_->refuse(cat(size, " bytes do not fit on the disk"));
  std::random_device device;
  impl_->temporary = folder / cat(".alexnet-", device(), "-", device(), ".tmp");
  impl_->file.open(impl_->temporary, std::ios::binary | std::ios::trunc);
  if (!impl_->file) impl_->refuse("no file can be made in its folder");
  if (exists) fs::permissions(impl_->temporary, status.permissions(), error);
}

AtomicFile::~AtomicFile() = default;

void AtomicFile::write(uint64_t offset, std::span<const std::byte> bytes) {
  impl_->file.seekp(static_cast<std::streamoff>(offset));
  impl_->file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!impl_->file) impl_->refuse("writing failed");
}

void AtomicFile::commit() {
  impl_->file.close();
  if (!impl_->file) impl_->refuse("writing failed");
  std::error_code error;
  fs::rename(impl_->temporary, impl_->target, error);
  if (error) impl_->refuse(error.message());
  impl_->replaced = true;
}

}  // namespace alx
