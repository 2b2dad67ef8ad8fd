// Sets of pictures: what is found, in which order, and what is refused.
#include "data/dataset.h"

#include <gtest/gtest.h>
#ifdef ALEXNET_ZLIB
#include <zlib.h>
#endif

#include "golden_files.h"
#include "refusal.h"

namespace alx {
namespace {

namespace fs = std::filesystem;

std::string refused(const std::string& dir, Code code, const std::string& part = "train") {
  return error_of([&] { Dataset::open(dir, part); }, code);
}

TEST(FolderDataset, ClassesAndFilesAreSortedByBytes) {
  const TemporaryFolder folder;
  for (const char* name :
       {"b/2.jpg", "b/10.JPEG", "a/x.png", "Z/y.webp", "\xC3\xA9/z.bmp", "a/notes.txt", "a/._x.png",
        "a/deeper/q.png", ".git/x.png", "readme.md"}) {
    folder.write(name, "x");
  }
  const auto set = Dataset::open(folder.path());
  EXPECT_EQ(set->classes(), (std::vector<std::string>{"Z", "a", "b", "\xC3\xA9"}));
  ASSERT_EQ(set->size(), 6);
  const std::vector<std::string> names{"Z/y.webp",  "a/deeper/q.png", "a/x.png",
                                       "b/10.JPEG", "b/2.jpg",        "\xC3\xA9/z.bmp"};
  const std::vector<int64_t> labels{0, 1, 1, 2, 2, 3};
  for (int64_t i = 0; i < 6; ++i) {
    EXPECT_EQ(
        set->name(i),
        to_utf8(
            (to_path(folder.path()) / to_path(names[static_cast<size_t>(i)])).make_preferred()));
    EXPECT_EQ(set->label(i), labels[static_cast<size_t>(i)]);
  }
  EXPECT_TRUE(has(error_of([&] { set->label(6); }), "picture 6 of 6"));
  EXPECT_TRUE(has(error_of([&] { set->name(-1); }), "picture -1 of 6"));
}

TEST(FolderDataset, WhatIsNoSetIsRefused) {
  const TemporaryFolder folder;
  EXPECT_TRUE(has(refused(folder.path() + "/none", Code::not_found), "no such folder"));
  EXPECT_TRUE(has(refused(folder.write("file", "x"), Code::bad_file), "nor a tar archive"));
  EXPECT_TRUE(has(refused(folder.path(), Code::bad_file), "neither a sub-folder per class"));
  folder.write("cats/1.jpg", "x");
  folder.write("dogs/1.avi", "x");
  EXPECT_TRUE(has(refused(folder.path(), Code::bad_file), "dogs: a class without pictures"));
  EXPECT_TRUE(has(refused(folder.path(), Code::invalid_argument, "validation"), "\"validation\""));
}

TEST(FolderDataset, ThatVanishesIsNoSetOfBrokenPictures) {
  const TemporaryFolder folder;
  const std::string set = folder.path() + "/set";
  const std::string picture = folder.write("set/cats/1.jpg", "x");
  const auto data = Dataset::open(set);
  EXPECT_TRUE(has(error_of([&] { data->image(0); }, Code::bad_file), "1.jpg: not a picture"));
  fs::remove(to_path(picture));
  EXPECT_TRUE(has(error_of([&] { data->image(0); }, Code::not_found), "1.jpg: no such file"));
  fs::remove_all(to_path(set));
  EXPECT_TRUE(has(error_of([&] { data->image(0); }, Code::invalid_state),
                  set + ": the set's folder is gone"));
}

TEST(FolderDataset, PartsAreNoClasses) {
  const TemporaryFolder folder;
  folder.write("train/cats/1.jpg", "x");
  EXPECT_TRUE(
      has(refused(folder.path(), Code::not_found, "test"), "has no part \"test\", only train"));
  folder.write("val/cats/1.jpg", "x");
  folder.write("val/cats/2.jpg", "x");
  EXPECT_EQ(Dataset::open(folder.path())->size(), 1);
  EXPECT_EQ(Dataset::open(folder.path())->classes(), std::vector<std::string>{"cats"});
  EXPECT_EQ(Dataset::open(folder.path(), "test")->size(), 2);
  EXPECT_EQ(Dataset::open(folder.path() + "/train", "test")->size(), 1);
  // now they are classes
  for (const char* name : {"train/1.jpg", "val/1.jpg", "dogs/1.jpg"}) folder.write(name, "x");
  EXPECT_EQ(Dataset::open(folder.path())->classes(),
            (std::vector<std::string>{"dogs", "train", "val"}));
}

// `count` records: labels 0, 1, ..., pixels that start with the label in each plane.
std::string cifar_records(int count, int first_label = 0) {
  std::string bytes;
  for (int i = 0; i < count; ++i) {
    std::string record(3073, '\0');
    record[0] = static_cast<char>(first_label + i);
    for (size_t c = 0; c < 3; ++c)
      record[1 + c * 1024] = static_cast<char>(10 * (i + 1) + static_cast<int>(c));
    record[1 + 33] = 77;  // red of pixel (1, 1)
    bytes += record;
  }
  return bytes;
}

TEST(CifarDataset, BatchesFollowEachOther) {
  const TemporaryFolder folder;
  folder.write("data_batch_1.bin", cifar_records(2));
  folder.write("data_batch_2.bin", cifar_records(3, 5));
  folder.write("test_batch.bin", cifar_records(1, 9));
  const auto train = Dataset::open(folder.path());
  ASSERT_EQ(train->size(), 5);
  EXPECT_EQ(train->name(1), "data_batch_1.bin[1]");
  EXPECT_EQ(train->name(4), "data_batch_2.bin[2]");
  EXPECT_EQ(train->label(4), 7);
  EXPECT_EQ(train->classes()[7], "horse");
  const Image image = train->image(4);
  EXPECT_EQ(image.width, 32);
  EXPECT_EQ(image.height, 32);
  EXPECT_EQ(image.pixels[0], 30);
  EXPECT_EQ(image.pixels[1], 31);
  EXPECT_EQ(image.pixels[2], 32);
  EXPECT_EQ(image.pixels[33 * 3], 77);
  EXPECT_EQ(Dataset::open(folder.path(), "test")->label(0), 9);
  folder.write("batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n");
  EXPECT_EQ(Dataset::open(folder.path())->classes()[9], "j");
  EXPECT_TRUE(has(error_of([&] { train->image(5); }), "picture 5 of 5"));
}

TEST(CifarDataset, DamageIsRefused) {
  const TemporaryFolder folder;
  folder.write("data_batch_1.bin", cifar_records(2) + "x");
  EXPECT_TRUE(has(refused(folder.path(), Code::bad_file), "6147 bytes are no whole number"));
  EXPECT_TRUE(
      has(refused(folder.path(), Code::not_found, "test"), "test_batch.bin was looked for"));
  folder.write("data_batch_1.bin", cifar_records(2, 9));
  EXPECT_TRUE(has(refused(folder.path(), Code::bad_file), "record 1 has label 10"));
  folder.write("data_batch_1.bin", "");
  EXPECT_TRUE(has(refused(folder.path(), Code::bad_file), "0 bytes"));
}

std::string be32(uint32_t v) {
  return {static_cast<char>(v >> 24), static_cast<char>(v >> 16), static_cast<char>(v >> 8),
          static_cast<char>(v)};
}
std::string idx_images(uint32_t count, uint32_t rows, uint32_t columns, const std::string& pixels) {
  return be32(0x803) + be32(count) + be32(rows) + be32(columns) + pixels;
}
std::string idx_labels(const std::string& labels) {
  return be32(0x801) + be32(static_cast<uint32_t>(labels.size())) + labels;
}

TEST(IdxDataset, GreyBecomesRgb) {
  const TemporaryFolder folder;
  folder.write("train-images-idx3-ubyte", idx_images(2, 2, 3, "abcdefghijkl"));
  folder.write("train-labels.idx1-ubyte", idx_labels(std::string("\3\0", 2)));
  const auto set = Dataset::open(folder.path());
  ASSERT_EQ(set->size(), 2);
  EXPECT_EQ(set->classes(), (std::vector<std::string>{"0", "1", "2", "3"}));
  EXPECT_EQ(set->label(0), 3);
  EXPECT_EQ(set->name(1), "train-images-idx3-ubyte[1]");
  const Image image = set->image(1);
  EXPECT_EQ(image.width, 3);
  EXPECT_EQ(image.height, 2);
  EXPECT_EQ(std::string(image.pixels.begin(), image.pixels.end()), "ggghhhiiijjjkkklll");
}

TEST(IdxDataset, DamageIsRefused) {
  const TemporaryFolder folder;
  const auto images = [&](const std::string& bytes) {
    folder.write("train-images-idx3-ubyte", bytes);
  };
  images(idx_images(2, 2, 3, "abcdefghijkl"));
  EXPECT_TRUE(has(refused(folder.path(), Code::not_found), "train-labels-idx1-ubyte"));
  EXPECT_TRUE(has(refused(folder.path(), Code::not_found, "test"), "t10k-images"));
  folder.write("train-labels-idx1-ubyte", idx_labels("\1\2\3"));
  EXPECT_TRUE(has(refused(folder.path(), Code::bad_file), "has 2 pictures"));
  folder.write("train-labels-idx1-ubyte", idx_labels("\1\2"));
  images(idx_images(2, 2, 3, "abc"));
  EXPECT_TRUE(has(refused(folder.path(), Code::bad_file),
                  "has 3 bytes behind its header, which announces 12"));
  images(idx_images(0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, "abc"));
  EXPECT_TRUE(
      has(refused(folder.path(), Code::bad_file), "pictures of 4294967295x4294967295 pixels"));
  images(idx_images(2, 0, 3, ""));
  EXPECT_TRUE(has(refused(folder.path(), Code::bad_file), "pictures of 3x0 pixels"));
  images("some text");
  EXPECT_TRUE(has(refused(folder.path(), Code::bad_file), "is no idx file"));
  images("");
  EXPECT_TRUE(has(refused(folder.path(), Code::bad_file), "is no idx file"));
  images(idx_images(0, 2, 3, ""));
  folder.write("train-labels-idx1-ubyte", idx_labels(""));
  EXPECT_TRUE(has(refused(folder.path(), Code::bad_file), "without pictures"));
}

// gzip -9n of idx_images(1, 2, 2, "abcd") and of idx_labels("\7").
const std::string packed_images(
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x63\x60\xe0\x60\x66\x60\x60\x60\x04\x62\x26\x10\x4e"
    "\x4c\x4a\x4e\x01\x00"
    "\x6b\xde\x78\x0e\x14\x00\x00\x00",
    36);
const std::string packed_labels(
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x63\x60\xe0\x60\x64\x60\x60\x60\x64\x07\x00\x8e\x2d"
    "\xc5\x99\x09\x00\x00"
    "\x00",
    29);

TEST(IdxDataset, MayBePackedWithGzip) {
  const TemporaryFolder folder;
  folder.write("t10k-images-idx3-ubyte.gz", packed_images);
  folder.write("t10k-labels-idx1-ubyte.gz", packed_labels);
  std::unique_ptr<Dataset> set;
  try {
    set = Dataset::open(folder.path(), "test");
  } catch (const Error& e) {
    if (e.code() == Code::unsupported) GTEST_SKIP() << e.what();
    throw;
  }
  ASSERT_EQ(set->size(), 1);
  EXPECT_EQ(set->label(0), 7);
  EXPECT_EQ(set->image(0).pixels[11], 'd');
  for (size_t length : {3u, 20u, 35u}) {
    folder.write("t10k-images-idx3-ubyte.gz", packed_images.substr(0, length));
    EXPECT_TRUE(has(refused(folder.path(), Code::bad_file, "test"), "damaged or cut off gzip"));
  }
  std::string damaged = packed_images;
  damaged[14] = '\x7f';
  folder.write("t10k-images-idx3-ubyte.gz", damaged);
  EXPECT_TRUE(has(refused(folder.path(), Code::bad_file, "test"), "gzip"));
}

#ifdef ALEXNET_ZLIB
// gzip of `bytes`, by stored or run-length blocks as zlib makes them.
std::string gzipped(const std::string& bytes) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

TEST(IdxDataset, WhatAPackedHeaderAnnouncesIsCheckedBeforeItIsUnpacked) {
  const TemporaryFolder folder;
  const auto refuses = [&](const std::string& images, const std::string& labels,
                           const Limits& limits = {}) {
    folder.write("train-images-idx3-ubyte.gz", images);
    folder.write("train-labels-idx1-ubyte.gz", labels);
    return error_of([&] { Dataset::open(folder.path(), "train", limits); }, Code::bad_file);
  };
  const std::string good = gzipped(idx_images(2, 100, 100, std::string(20000, 'x'))),
                    label = gzipped(idx_labels("\1\2"));
  EXPECT_TRUE(has(refuses(gzipped(idx_images(1, 32250, 32250, "")), label),
                  "pictures of 32250x32250 pixels; at most"));
  EXPECT_TRUE(
      has(refuses(gzipped(idx_images(0xFFFFFFFF, 1000, 1000, "")), label), "1073741824 are read"));
  EXPECT_TRUE(has(refuses(gzipped(idx_images(1000, 1000, 1000, "")), label), "more than its"));
  EXPECT_TRUE(has(refuses(gzipped(idx_images(2, 100, 100, std::string(20001, 'x'))), label),
                  "has more bytes than"));
  EXPECT_TRUE(has(refuses(gzipped(idx_images(2, 100, 100, std::string(19999, 'x'))), label),
                  "has 19999 bytes behind"));
  EXPECT_TRUE(has(refuses(good, gzipped(be32(0x801) + be32(1 << 29))), "536870912 labels"));
  EXPECT_TRUE(has(refuses(good, label.substr(0, label.size() - 4)), "cut off gzip"));
  Limits limits;
  limits.pixels = 9999;
  EXPECT_TRUE(has(refuses(good, label, limits), "at most 9999 pixels"));
  limits = {};
  limits.bytes = 20015;
  EXPECT_TRUE(has(refuses(good, label, limits), "at most 20015 are read"));
  limits.bytes = 20016;
  EXPECT_EQ(Dataset::open(folder.path(), "train", limits)->size(), 2);
}
#endif

TEST(CifarDataset, NamesOfClassesAreNoLargeFile) {
  const TemporaryFolder folder;
  folder.write("data_batch_1.bin", cifar_records(2));
  folder.write("batches.meta.txt", std::string(1 << 17, 'a'));
  EXPECT_TRUE(
      has(refused(folder.path(), Code::bad_file), "batches.meta.txt: is larger than 65536 bytes"));
  Limits limits;
  limits.bytes = 6000;
  EXPECT_TRUE(has(error_of([&] { Dataset::open(folder.path(), "train", limits); }, Code::bad_file),
                  "than 6000 bytes"));
}

}  // namespace
}  // namespace alx
