// One rule for folders and archives: which pictures of a tree a set takes, in which order, and what
// it says of the rest.
#include "data/set_tree.h"

#include <gtest/gtest.h>

#include "core/log.h"
#include "data/dataset.h"
#include "data/tar.h"
#include "data/walk.h"
#include "golden_files.h"
#include "refusal.h"

namespace alx {
namespace {

namespace fs = std::filesystem;

using Tree = std::vector<std::string>;

// What a set holds, in its order, and what was said.
struct Seen {
  std::vector<std::string> classes, pictures;
  std::vector<int64_t> labels;
  std::string said;
  bool operator==(const Seen&) const = default;
};

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size())
    text.replace(at, from.size(), to);
}

// `root` is cut off the names, so that a folder and an archive can be compared.
Seen seen(const std::string& path, const std::string& root, const std::string& part = "train") {
  Seen found;
  set_log_sink([&](LogLevel level, const std::string& line) {
    found.said += (level == LogLevel::warning ? "warning: " : "info: ") + line + "\n";
  });
  try {
    const auto set = Dataset::open(path, part);
    found.classes = set->classes();
    for (int64_t i = 0; i < set->size(); ++i) {
      const std::u8string name = to_path(set->name(i).substr(root.size())).generic_u8string();
      found.pictures.emplace_back(name.begin(), name.end());
      found.labels.push_back(set->label(i));
    }
  } catch (const Error& error) {
    found.said += error.what();
  }
  set_log_sink({});
  replace_all(found.said, path, "SET");
  return found;
}

class OneRule : public testing::Test {
 protected:
  Seen in_folder(const Tree& tree, const std::string& part = "train") {
    fs::remove_all(to_path(root()));
    for (const std::string& name : tree) folder_.write("set/" + name, "x");
    return seen(root(), to_utf8((to_path(root()) / "").make_preferred()), part);
  }
  // Each name behind `front`, in another order.
  Seen in_archive(const Tree& tree, const std::string& front = "",
                  const std::string& part = "train") {
    const std::string path = folder_.path() + "/set.tar";
    TarWriter writer(path);
    const std::string text = "x";
    for (auto name = tree.rbegin(); name != tree.rend(); ++name)
      writer.add(front + *name, std::as_bytes(std::span(text)));
    writer.finish();
    return seen(path, path + ":", part);
  }
  std::string root() const { return folder_.path() + "/set"; }

  TemporaryFolder folder_;
};

const Tree plain{"cat/1.jpg", "cat/2.jpg", "dog/1.jpg"};
const Tree nested{"cat/1.jpg", "cat/inner/0.jpg", "cat/inner/deeper/5.PNG",
                  "cat/z.jpg", "dog/a/1.jpg",     "dog/b/1.jpg"};
// '/' lies between '-' and 'a' among bytes.
const Tree mixed_names{"a/1.jpg",   "a/b-2.jpg",       "a/b/1.jpg", "a b/1.jpg",
                       "a-b/1.jpg", "\xC3\xA9/1.webp", "Z/1.bmp"};
const Tree hidden{"cat/1.jpg",     "cat/._1.jpg", "cat/.ipynb_checkpoints/1.jpg",
                  "cat/.DS_Store", "dog/2.jpg",   ".trash/1.jpg",
                  ".DS_Store",     "README.txt",  "cat/Thumbs.db",
                  "dog/.x/y/2.jpg"};
const Tree beside{"1.jpg", "2.jpg", "cat/1.jpg", "dog/1.jpg", "dog/film.avi", "3.jpg", "4.jpg"};
const Tree parts{"train/cat/1.jpg", "train/cat/in/2.jpg", "val/cat/9.jpg", "train/dog/1.jpg",
                 "val/dog/8.jpg",   "stray.jpg",          "train/s.jpg",   "val/t.jpg"};
const Tree one_part{"train/cat/1.jpg", "train/dog/2.jpg", "stray.jpg"};
const Tree empty_class{"cat/1.jpg", "dog/1.avi"};
const Tree none{"1.jpg", "2.jpg"};

TEST_F(OneRule, IsTheSameAsFolderAndAsArchive) {
  for (const Tree& tree : {plain, nested, mixed_names, hidden, beside, parts, empty_class, none})
    for (const std::string part : {"train", "test"}) {
      const Seen folder = in_folder(tree, part), archive = in_archive(tree, "", part);
      SCOPED_TRACE(tree.front() + ", " + part);
      EXPECT_EQ(folder.classes, archive.classes);
      EXPECT_EQ(folder.pictures, archive.pictures);
      EXPECT_EQ(folder.labels, archive.labels);
      if (!folder.classes.empty()) {
        EXPECT_EQ(folder.said, archive.said);
      }
    }
}

TEST_F(OneRule, TakesPicturesAtAnyDepthInTheOrderOfBytes) {
  const Seen deep = in_folder(nested);
  EXPECT_EQ(deep.classes, (Tree{"cat", "dog"}));
  EXPECT_EQ(deep.pictures, (Tree{"cat/1.jpg", "cat/inner/0.jpg", "cat/inner/deeper/5.PNG",
                                 "cat/z.jpg", "dog/a/1.jpg", "dog/b/1.jpg"}));
  EXPECT_EQ(deep.labels, (std::vector<int64_t>{0, 0, 0, 0, 1, 1}));
  EXPECT_EQ(deep.said, "");
  EXPECT_EQ(in_folder(mixed_names).pictures, (Tree{"Z/1.bmp", "a/1.jpg", "a/b-2.jpg", "a/b/1.jpg",
                                                   "a b/1.jpg", "a-b/1.jpg", "\xC3\xA9/1.webp"}));
}

TEST_F(OneRule, SaysWhatIsLeftOut) {
  EXPECT_EQ(in_folder(hidden).pictures, (Tree{"cat/1.jpg", "dog/2.jpg"}));
  EXPECT_EQ(in_folder(hidden).said,
            "warning: SET: left out: 4 hidden pictures (.trash/1.jpg, cat/._1.jpg, "
            "cat/.ipynb_checkpoints/1.jpg, "
            "...); 4 other files (.DS_Store, README.txt, cat/.DS_Store, ...)\n");
  EXPECT_EQ(
      in_archive(beside).said,
      "warning: SET: left out: 4 pictures beside the class folders (1.jpg, 2.jpg, 3.jpg, ...); "
      "1 file that is no picture of a known kind (dog/film.avi)\n");
  EXPECT_EQ(in_folder({"cat/1.jpg", "dog/1.jpg", "LICENSE"}).said,
            "info: SET: left out: 1 other file (LICENSE)\n");
  EXPECT_TRUE(
      has(in_folder(none).said, "left out: 2 pictures beside the class folders (1.jpg, 2.jpg)"));
}

TEST_F(OneRule, APartIsTakenAndTheOtherIsNotMissed) {
  const Seen train = in_folder(parts);
  EXPECT_EQ(train.pictures, (Tree{"train/cat/1.jpg", "train/cat/in/2.jpg", "train/dog/1.jpg"}));
  EXPECT_EQ(
      train.said,
      "warning: SET: left out: 2 pictures beside the class folders (stray.jpg, train/s.jpg)\n");
  EXPECT_EQ(in_archive(parts, "", "test").pictures, (Tree{"val/cat/9.jpg", "val/dog/8.jpg"}));
  EXPECT_TRUE(
      has(in_archive({"train/cat/1.jpg"}, "", "test").said, "has no part \"test\", only train"));
}

TEST_F(OneRule, FoldersThatAnArchiveSharesDoNotCount) {
  for (const Tree& tree : {plain, nested, hidden, beside, parts, one_part}) {
    const Seen folder = in_folder(tree);
    for (const std::string front : {"./", "set/", "./a/b c/set/", "/home/me/set/"}) {
      SCOPED_TRACE(tree.front() + " behind " + front);
      const Seen archive = in_archive(tree, front);
      EXPECT_EQ(archive.classes, folder.classes);
      EXPECT_EQ(archive.labels, folder.labels);
    }
  }
  EXPECT_EQ(in_archive({"cat/1.jpg", "cat/2.jpg"}).classes, Tree{"cat"});
  EXPECT_EQ(in_archive({"cat/1.jpg", "cat/inner/2.jpg"}).classes, Tree{"cat"});
  EXPECT_EQ(in_archive({"set/cat/1.jpg", "set/cat/2.jpg"}).classes, Tree{"cat"});
  EXPECT_EQ(in_archive({"README.txt", "set/cat/1.jpg", "set/dog/2.jpg"}).classes,
            (Tree{"cat", "dog"}));
  EXPECT_EQ(in_archive({"a/test/set/cat/1.jpg", "a/test/set/dog/2.jpg"}).classes,
            (Tree{"cat", "dog"}));
}

TEST_F(OneRule, OfOneClassWithFoldersIsDoubted) {
  const Seen one = in_folder({"set/cat/1.jpg", "set/dog/1.jpg"});
  EXPECT_EQ(one.classes, Tree{"set"});
  EXPECT_TRUE(has(one.said, "is taken as the only class, with the pictures of its 2 folders"));
  EXPECT_EQ(in_folder({"cat/1.jpg", "cat/a/1.jpg", "cat/b/1.jpg"}).said, "");
}

TEST_F(OneRule, AClassWithoutPicturesIsNamed) {
  EXPECT_TRUE(has(in_folder(empty_class).said, "dog: a class without pictures"));
  EXPECT_TRUE(has(in_archive(empty_class).said, "dog: a class without pictures"));
  fs::create_directories(to_path(root()) / ".cache");
  fs::remove_all(to_path(root()) / "dog");
  EXPECT_EQ(seen(root(), root()).classes, Tree{"cat"});
}

TEST_F(OneRule, OfAnArchiveHasTheLastOfEachName) {
  const Seen set = in_archive({"cat/1.jpg", "dog/1.jpg", "cat/1.jpg"});
  EXPECT_EQ(set.pictures, (Tree{"cat/1.jpg", "dog/1.jpg"}));
  EXPECT_TRUE(has(set.said, "1 member that a later one of its name replaces (cat/1.jpg)"));
}

TEST_F(OneRule, PicturesBelowAFolderFollowTheSameRule) {
  in_folder(hidden);
  folder_.write("set/0.jpg", "x");
  folder_.write("set/cat/inner/a.webp", "x");
  std::string said;
  set_log_sink([&](LogLevel, const std::string& line) { said += line; });
  EXPECT_EQ(pictures_below(root()), (Tree{"0.jpg", "cat/1.jpg", "cat/inner/a.webp", "dog/2.jpg"}));
  set_log_sink({});
  EXPECT_TRUE(has(said, "4 hidden pictures (.trash/1.jpg, "));
  // named by the caller, it is not hidden
  EXPECT_EQ(pictures_below(root() + "/dog/.x"), Tree{"y/2.jpg"});
  EXPECT_TRUE(
      has(error_of([&] { pictures_below(root() + "/.x"); }, Code::not_found), "cannot be read"));
}

#ifndef _WIN32
class Links : public OneRule {
 protected:
  void link(const std::string& to, const std::string& name) {
    fs::create_directories(to_path(root() + "/" + name).parent_path());
    fs::create_symlink(to, root() + "/" + name);
  }
};

TEST_F(Links, ToFoldersAndFilesAreFollowed) {
  folder_.write("far/1.jpg", "x");
  folder_.write("far/in/2.jpg", "x");
  in_folder({"cat/1.jpg"});
  link("../far", "dog");
  link("../../far/1.jpg", "cat/2.jpg");
  link("../../far/in", "cat/more");
  const Seen set = seen(root(), root() + "/");
  EXPECT_EQ(set.pictures,
            (Tree{"cat/1.jpg", "cat/2.jpg", "cat/more/2.jpg", "dog/1.jpg", "dog/in/2.jpg"}));
  EXPECT_EQ(set.said, "");
  EXPECT_EQ(pictures_below(root()), set.pictures);
}

TEST_F(Links, InACircleOrNowhereAreLeftOutAndSaid) {
  in_folder({"cat/1.jpg", "dog/1.jpg", ".hidden/1.jpg"});
  link("..", "cat/up");
  link("/", "cat/top");
  link(".", "cat/self");
  link("../dog", "cat/dog");  // and dog/cat leads back
  link("../cat", "dog/cat");
  link("gone", "bird");
  link("gone", "cat/2.jpg");
  link("../cat", ".hidden/cat");
  const Seen set = seen(root(), root() + "/");
  EXPECT_EQ(set.classes, (Tree{"cat", "dog"}));
  EXPECT_EQ(set.pictures, (Tree{"cat/1.jpg", "cat/dog/1.jpg", "dog/1.jpg", "dog/cat/1.jpg"}));
  EXPECT_TRUE(has(set.said, "1 hidden picture (.hidden/1.jpg)"));
  EXPECT_TRUE(
      has(set.said, "links that lead nowhere or in a circle (bird, cat/2.jpg, cat/dog/cat, ...)"));
}

TEST_F(Links, ThatMultiplyWithoutEndAreRefused) {
  in_folder({"cat/1.jpg"});
  for (int level = 0; level < 30; ++level)  // 2^30 paths
    for (const char* side : {"a", "b"}) {
      folder_.write(cat("far/", level, "/x.jpg"), "x");
      folder_.write(cat("far/", level + 1, "/x.jpg"), "x");
      fs::create_symlink(cat("../", level + 1), cat(folder_.path(), "/far/", level, "/", side));
    }
  link("../../far/0", "cat/far");
  Limits few;
  few.items = 1000;
  EXPECT_TRUE(has(error_of([&] { Dataset::open(root(), "train", few); }, Code::bad_file),
                  "links lead to more than 16000 files and folders"));
}

TEST_F(Links, OfAnArchiveAreFollowedInsideIt) {
  in_folder({"cat/1.jpg", "dog/3.jpg"});
  fs::create_hard_link(root() + "/cat/1.jpg", root() + "/cat/2.jpg");
  link("../cat/2.jpg", "dog/4.jpg");
  link("../outside.jpg", "dog/5.jpg");
  const std::string path = folder_.path() + "/set.tar";
  for (const char* form : {"ustar", "gnu", "pax"}) {
    ASSERT_EQ(
        std::system(cat("cd '", root(), "' && tar --format=", form, " --sort=name -cf ../set.tar .")
                        .c_str()),
        0);
    const Seen archive = seen(path, path + ":");
    EXPECT_EQ(archive.pictures, (Tree{"cat/1.jpg", "cat/2.jpg", "dog/3.jpg", "dog/4.jpg"}));
    EXPECT_EQ(archive.said,
              "warning: SET: left out: 1 link that leads nowhere or in a circle (dog/5.jpg)\n");
    EXPECT_EQ(archive.said, seen(root(), root() + "/").said);
  }
}

TEST_F(OneRule, APipeIsNoPicture) {
  in_folder(plain);
  ASSERT_EQ(std::system(cat("mkfifo '", root(), "/cat/0.jpg'").c_str()), 0);
  const Seen set = seen(root(), root() + "/");
  EXPECT_EQ(set.pictures, plain);
  EXPECT_TRUE(has(set.said, "1 file that is no picture of a known kind (cat/0.jpg)"));
}
#endif

}  // namespace
}  // namespace alx
