// Sets in archives: what other programs pack, what `alexnet pack` writes, and what is damaged.
#include "data/pack.h"

#include <gtest/gtest.h>
#ifndef _WIN32
#include <sys/resource.h>
#endif

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>

#include "core/random.h"
#include "data/decode.h"
#include "data/pipeline.h"
#include "data/preprocess.h"
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
            (x * 2 + y * 3) / 2 +
            static_cast<int64_t>(40 * random.uniform(static_cast<uint64_t>(c))));
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
  const std::map<std::string, std::string> files{
      {"a/1", ""},
      {"a/2", std::string(512, 'x')},
      {"\xC3\xA9/3", "short"},
      {std::string(99, 'd') + "/" + std::string(150, 'n'), "long"}};
  TarWriter writer(path);
  for (const auto& [name, text] : files) writer.add(name, to_bytes(text));
  EXPECT_FALSE(fs::exists(to_path(path)));
  writer.finish();
  const FileReader archive(path);
  std::map<std::string, std::string> found;
  for (const TreeEntry& member : tar_members(archive)) {
    std::vector<std::byte> bytes(static_cast<size_t>(member.size));
    EXPECT_EQ(archive.read(member.offset, bytes), bytes.size());
    found[member.path] = text_of(bytes);
  }
  EXPECT_EQ(found, files);
}

#ifndef _WIN32
TEST(Tar, OfTheSystemIsReadInEveryForm) {
  const TemporaryFolder folder;
  make_set(folder);
  const std::string long_class(90, 'z');
  folder.write("set/" + long_class + "/" + std::string(90, 'y') + ".bmp",
               bytes_of(folder.path() + "/set/cat/1.bmp"));
  const auto plain = Dataset::open(folder.path() + "/set");
  for (const char* form : {"ustar", "gnu", "pax"})
    for (const char* what : {"set", "-C set ."}) {
      SCOPED_TRACE(std::string(form) + " " + what);
      const std::string archive = folder.path() + "/x.tar";
      ASSERT_EQ(
          std::system(("cd '" + folder.path() + "' && tar --format=" + form + " -cf x.tar " + what)
                          .c_str()),
          0);
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
  ASSERT_EQ(std::system(("cd '" + folder.path() +
                         "' && tar -cf x.tar whole && tar -cf train.tar whole/train")
                            .c_str()),
            0);
  EXPECT_EQ(Dataset::open(folder.path() + "/x.tar")->size(), 4);
  EXPECT_EQ(Dataset::open(folder.path() + "/x.tar", "test")->size(), 1);
  EXPECT_TRUE(
      has(error_of([&] { Dataset::open(folder.path() + "/train.tar", "test"); }, Code::not_found),
          "has no part \"test\", only train"));
}
#endif

TEST(Tar, CutOffOrDamagedIsRefused) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/a.tar";
  TarWriter writer(path);
  writer.add("cat/1.bmp", to_bytes(std::string(700, 'x')));
  writer.add(std::string(130, 'n') + "/2.bmp", to_bytes("y"));
  writer.finish();
  const std::string whole = bytes_of(path);
  const FileReader damaged(path);
  std::fstream file(to_path(path), std::ios::binary | std::ios::in | std::ios::out);
  // no byte can make it read outside; the sanitizers watch
  for (size_t at = 0; at < whole.size(); ++at) {
    const auto put = [&](char byte) {
      file.seekp(static_cast<std::streamoff>(at)).put(byte).flush();
    };
    put(static_cast<char>(whole[at] ^ 0x80));
    try {
      tar_members(damaged);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::bad_file);
    }
    put(whole[at]);
  }
  for (size_t size = whole.size() - 1024; size-- > 7; size -= 7) {
    fs::resize_file(to_path(path), size);
    EXPECT_TRUE(has(error_of([&] { tar_members(damaged); }, Code::bad_file),
                    size < 512 ? "neither" : "shorter"));
    EXPECT_THROW(tar_members(FileReader(path)), Error) << size;
  }
}

// Headers of links and records that say more than a file has.
TEST(Tar, NamesOfManyBytesAreRefused) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/a.tar";
  for (const size_t length : {size_t{1} << 19, size_t{1} << 20}) {
    TarWriter writer(path);
    writer.add("cat/" + std::string(length, 'n') + ".jpg", to_bytes("x"));
    writer.finish();
    const FileReader archive(path);
    if (length < size_t{1} << 20) {
      EXPECT_EQ(tar_members(archive).at(0).path.size(), length + 8);
    } else {
      EXPECT_TRUE(has(error_of([&] { tar_members(archive); }, Code::bad_file),
                      "bytes of names and the like"));
    }
  }
}

// A run must end, not skip picture after picture, and must not end by a signal.
TEST(Tar, CutShortWhileItIsReadIsNoSetOfBrokenPictures) {
  const TemporaryFolder folder;
  make_set(folder);
  PackOptions options = quiet_options();
  options.raw = true;
  const std::string path = folder.path() + "/packed.tar";
  pack_dataset(*Dataset::open(folder.path() + "/set"), path, options);
  const std::shared_ptr<const Dataset> set = Dataset::open(path);
  EXPECT_EQ(set->image(2).width, 32);
  fs::resize_file(to_path(path), 5000);
  EXPECT_EQ(set->image(0).width, 32);
  for (const int64_t i : {1, 2})
    EXPECT_TRUE(has(error_of([&] { set->image(i); }, Code::invalid_state),
                    path + ": has become shorter while it was"));
  InputSpec input;
  input.width = input.height = input.resize_size = 32;
  PipelineOptions reading;
  reading.batch = 3;
  DataPipeline pipeline(set, std::make_shared<Preprocessor>(input), reading);
  Batch batch;
  EXPECT_TRUE(
      has(error_of([&] { pipeline.next(batch); }, Code::invalid_state), "bring the archive back"));
}

TEST(Tar, AMemberOverTheLimitIsABrokenPicture) {
  const TemporaryFolder folder;
  make_set(folder);
  ASSERT_EQ(std::system(("cd '" + folder.path() + "' && tar -cf x.tar set").c_str()), 0);
  Limits limits;
  limits.bytes = 4000;
  const auto set = Dataset::open(folder.path() + "/x.tar", "train", limits);
  EXPECT_EQ(set->image(2).width, 32);  // 3126 bytes
  EXPECT_TRUE(has(error_of([&] { set->image(0); }, Code::bad_file),
                  "cat/1.bmp: has 7254 bytes; at most 4000"));
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
    EXPECT_EQ(got.pixels,
              crop(small, (small.width - 32) / 2, (small.height - 32) / 2, 32, 32).pixels)
        << i;
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
  for (size_t i = 0; i < original.pixels.size(); ++i)
    sum += std::abs(stored.pixels[i] - original.pixels[i]);
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
  const std::string text =
      error_of([&] { pack_dataset(*set, folder.path() + "/packed.tar", options); }, Code::io);
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
      has(error_of([&] { pack_dataset(*Dataset::open(folder.path() + "/bad"), path, options); },
                   Code::bad_file),
          "none of the set's"));
  EXPECT_FALSE(fs::exists(to_path(path)));
  folder.write("dots/.hidden/1.jpg", "x");
  EXPECT_TRUE(has(error_of(
                      [&] {
                        pack_dataset(*Dataset::open(folder.path() + "/set"),
                                     folder.path() + "/none/x.tar", options);
                      },
                      Code::io),
                  "none/x.tar"));
}

}  // namespace
}  // namespace alx
