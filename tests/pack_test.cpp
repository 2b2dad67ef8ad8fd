// Sets in archives: what other programs pack, what `alexnet pack` writes, and what is damaged.
#include "data/pack.h"

#include <gtest/gtest.h>
#ifndef _WIN32
#include <sys/resource.h>
#endif

#include <cmath>
#include <cstdlib>
#include <map>

#include "core/random.h"
#include "data/decode.h"
#include "data/tar.h"
#include "golden_files.h"
#include "refusal.h"

namespace alx {
namespace {

namespace fs = std::filesystem;

std::vector<std::byte> to_bytes(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Image soft_picture(int64_t width, int64_t height, uint64_t seed) {
  const Random random(seed, hash_name("picture"), 0);
  Image image{width, height, std::vector<uint8_t>(static_cast<size_t>(width * height * 3))};
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (int64_t c = 0; c < 3; ++c)
        image.pixels[static_cast<size_t>((y * width + x) * 3 + c)] = static_cast<uint8_t>(
            (x * 2 + y * 3) / 2 + static_cast<int64_t>(40 * random.uniform(static_cast<uint64_t>(c))));
  return image;
}

// cat/: a wide and a high picture; dog/: a square one and one that is broken.
void make_set(const TemporaryFolder& folder, ImageKind kind = ImageKind::bmp) {
  const auto write = [&](const std::string& name, const Image& image) {
    folder.write("set/" + name, text_of(encode_pixels(image, kind, 95)));
  };
  write("cat/1.bmp", soft_picture(60, 40, 1));
  write("cat/2.bmp", soft_picture(33, 50, 2));
  write("dog/1.bmp", soft_picture(32, 32, 3));
  folder.write("set/dog/2.bmp", "no picture");
}

PackOptions quiet_options() {
  PackOptions options;
  options.size = 32;
  options.on_broken = [](const std::string&, const std::string&) {};
  return options;
}

TEST(Tar, HoldsWhatWasWritten) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/a.tar";
  const std::map<std::string, std::string> files{{"a/1", ""},
                                                 {"a/2", std::string(512, 'x')},
                                                 {"\xC3\xA9/3", "short"},
                                                 {std::string(99, 'd') + "/" + std::string(150, 'n'), "long"}};
  TarWriter writer(path);
  for (const auto& [name, text] : files) writer.add(name, to_bytes(text));
  EXPECT_FALSE(fs::exists(to_path(path)));
  writer.finish();
  const std::vector<std::byte> archive = to_bytes(bytes_of(path));
  std::map<std::string, std::string> found;
  for (const TarMember& member : tar_members(archive, "a.tar")) found[member.name] = text_of(member.bytes);
  EXPECT_EQ(found, files);
}

#ifndef _WIN32
TEST(Tar, OfTheSystemIsReadInEveryForm) {
  const TemporaryFolder folder;
  make_set(folder);
  const std::string long_class(90, 'z');
  folder.write("set/" + long_class + "/" + std::string(90, 'y') + ".bmp", bytes_of(folder.path() + "/set/cat/1.bmp"));
  const auto plain = Dataset::open(folder.path() + "/set");
  for (const char* form : {"ustar", "gnu", "pax"})
    for (const char* what : {"set", "-C set ."}) {
      SCOPED_TRACE(std::string(form) + " " + what);
      const std::string archive = folder.path() + "/x.tar";
      ASSERT_EQ(std::system(("cd '" + folder.path() + "' && tar --format=" + form + " -cf x.tar " + what).c_str()), 0);
      const auto packed = Dataset::open(archive);
      EXPECT_EQ(packed->classes(), plain->classes());
      ASSERT_EQ(packed->size(), plain->size());
      for (int64_t i = 0; i < plain->size(); ++i) {
        EXPECT_EQ(packed->label(i), plain->label(i));
        EXPECT_TRUE(packed->name(i).starts_with(archive + ":")) << packed->name(i);
      }
      EXPECT_EQ(packed->image(0).pixels, plain->image(0).pixels);
      EXPECT_TRUE(has(error_of([&] { packed->image(3); }, Code::bad_file), "dog/2.bmp"));
    }
}

TEST(Tar, OfTwoPartsGivesTheOneThatIsAskedFor) {
  const TemporaryFolder folder;
  make_set(folder);
  fs::create_directories(to_path(folder.path() + "/whole"));
  fs::rename(to_path(folder.path() + "/set"), to_path(folder.path() + "/whole/train"));
  folder.write("whole/val/cat/9.bmp", "x");
  ASSERT_EQ(std::system(("cd '" + folder.path() + "' && tar -cf x.tar whole && tar -cf train.tar whole/train").c_str()),
            0);
  EXPECT_EQ(Dataset::open(folder.path() + "/x.tar")->size(), 4);
  EXPECT_EQ(Dataset::open(folder.path() + "/x.tar", "test")->size(), 1);
  EXPECT_TRUE(has(error_of([&] { Dataset::open(folder.path() + "/train.tar", "test"); }, Code::not_found),
                  "no pictures of the part"));
}
#endif

TEST(Tar, CutOffOrDamagedIsRefused) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/a.tar";
  TarWriter writer(path);
  writer.add("cat/1.bmp", to_bytes(std::string(700, 'x')));
  writer.add(std::string(130, 'n') + "/2.bmp", to_bytes("y"));
  writer.finish();
  const std::vector<std::byte> whole = to_bytes(bytes_of(path));
  for (size_t size = 0; size + 1024 < whole.size(); size += 7) {
    const std::vector<std::byte> part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_THROW(tar_members(part, "part"), Error) << size;
  }
  for (size_t at = 0; at < whole.size(); ++at) {  // no byte can make it read outside; the sanitizers watch
    std::vector<std::byte> damaged = whole;
    damaged[at] ^= std::byte{0x80};
    try {
      tar_members(damaged, "damaged");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::bad_file);
    }
  }
}

TEST(Pack, RawLosesNothing) {
  const TemporaryFolder folder;
  make_set(folder);
  const auto set = Dataset::open(folder.path() + "/set");
  PackOptions options = quiet_options();
  options.raw = true;
  std::vector<std::string> broken;
  int64_t told = 0;
  options.on_broken = [&](const std::string& name, const std::string&) { broken.push_back(name); };
  options.progress = [&](int64_t done, int64_t) { told = done; };
  const std::string path = folder.path() + "/packed.tar";
  const Packed packed = pack_dataset(*set, path, options);
  EXPECT_EQ(packed.pictures, 3);
  EXPECT_EQ(packed.broken, 1);
  ASSERT_EQ(broken.size(), 1u);
  EXPECT_EQ(broken[0], set->name(3));
  EXPECT_EQ(told, 4);
  const auto archive = Dataset::open(path);
  ASSERT_EQ(archive->size(), 3);
  EXPECT_EQ(archive->classes(), set->classes());
  for (int64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(archive->label(i), set->label(i));
    const Image small = resize_short_side(set->image(i), 32), got = archive->image(i);
    EXPECT_EQ(got.width, 32);
    EXPECT_EQ(got.height, 32);
    EXPECT_EQ(got.pixels, crop(small, (small.width - 32) / 2, (small.height - 32) / 2, 32, 32).pixels) << i;
  }
}

TEST(Pack, JpegStaysCloseAndIsSmaller) {
  const TemporaryFolder folder;
  make_set(folder);
  const auto set = Dataset::open(folder.path() + "/set");
  const std::string path = folder.path() + "/packed.tar";
  pack_dataset(*set, path, quiet_options());
  const Image stored = Dataset::open(path)->image(2), original = set->image(2);
  double sum = 0;
  for (size_t i = 0; i < original.pixels.size(); ++i) sum += std::abs(stored.pixels[i] - original.pixels[i]);
  EXPECT_LT(sum / static_cast<double>(original.pixels.size()), 3);
  EXPECT_NE(stored.pixels, original.pixels);
}

#ifndef _WIN32
TEST(Pack, OverTheLimitOfTheProcessIsAnErrorAndNoSignal) {
  const TemporaryFolder folder;
  make_set(folder);
  const auto set = Dataset::open(folder.path() + "/set");
  PackOptions options = quiet_options();
  options.raw = true;
  options.threads = 1;
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit tiny = before;
  tiny.rlim_cur = 2048;
  setrlimit(RLIMIT_FSIZE, &tiny);
  const std::string text = error_of([&] { pack_dataset(*set, folder.path() + "/packed.tar", options); }, Code::io);
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_TRUE(has(text, "limit of 2048"));
  EXPECT_FALSE(fs::exists(to_path(folder.path() + "/packed.tar")));
}
#endif

TEST(Pack, StoppedOrWithoutPicturesLeavesNothing) {
  const TemporaryFolder folder;
  make_set(folder);
  const std::string path = folder.path() + "/packed.tar";
  PackOptions options = quiet_options();
  options.progress = [](int64_t, int64_t) { fail(Code::cancelled, "stopped"); };
  EXPECT_THROW(pack_dataset(*Dataset::open(folder.path() + "/set"), path, options), Error);
  folder.write("bad/cat/1.jpg", "x");
  options.progress = nullptr;
  EXPECT_TRUE(
      has(error_of([&] { pack_dataset(*Dataset::open(folder.path() + "/bad"), path, options); }, Code::bad_file),
          "none of the set's"));
  EXPECT_FALSE(fs::exists(to_path(path)));
  folder.write("dots/.hidden/1.jpg", "x");
  EXPECT_TRUE(has(
      error_of([&] { pack_dataset(*Dataset::open(folder.path() + "/set"), folder.path() + "/none/x.tar", options); },
               Code::io),
      "none/x.tar"));
}

}  // namespace
}  // namespace alx
