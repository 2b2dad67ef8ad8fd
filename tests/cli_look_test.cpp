// features, search and kernels: looking into a network.
#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <functional>
#include <thread>

#include "cli_fixture.h"
#include "core/error.h"
#include "data/image.h"
#include "models/zoo.h"
#include "network/feature_index.h"
#include "network/nearest.h"
#include "network/session.h"

namespace alx {
namespace {

class CliLook : public Cli {
 protected:
  // Nine pictures in three folders, and one that is none.
  static void make_pictures() {
    make_data(3);
    write("data/red/1.bmp", "no picture");
    write("data/notes.txt", "no picture");
    write("data/.hidden.bmp", bmp(12, 12, 9, 0));
  }

  // All weights 0.01, but the first layer's as `filter` says; the classifier is what 67 x 67
  // pictures leave of it.
  static void make_model_file(const std::string& name, const std::string& path,
                              const std::function<float(int64_t filter, int64_t channel)>& filter) {
    const NetSpec spec = make_model(name, {2, 67, 67});
    std::vector<TensorToWrite> tensors;
    for (const ParamSpec& param : params_of(spec)) {
      const auto fill = [&filter, param](std::span<std::byte> out) {
        std::vector<float> values(out.size() / 2, 0.01f);
        const bool first = param.shape.size() == 4 && param.shape[1] == 3;
        const auto plane =
            first ? static_cast<size_t>(param.shape[2] * param.shape[3]) : values.size();
        for (size_t i = 0; first && i < values.size(); ++i)
          values[i] =
              filter(static_cast<int64_t>(i / plane / 3), static_cast<int64_t>(i / plane % 3));
        from_float(DataType::bf16, values.data(), out.data(), values.size());
      };
      tensors.push_back({param.name, DataType::bf16, param.shape, fill});
    }
    write_safetensors(path, std::move(tensors),
                      {{"alexnet.model", name + "/1"}, {"alexnet.input", to_json(spec.input)}});
  }

  static std::array<int, 3> pixel(const Image& image, int64_t x, int64_t y) {
    const uint8_t* at = image.pixels.data() + (y * image.width + x) * 3;
    return {at[0], at[1], at[2]};
  }

  static size_t temporary_files() {
    size_t count = 0;
    for (const auto& entry : fs::directory_iterator(fs::current_path()))
      count += entry.path().filename().string().starts_with(".alexnet-");
    return count;
  }

  const std::string bundled_ = std::string("'") + ALEXNET_BUNDLED + "'";
};

TEST_F(CliLook, FeaturesAreThoseOfASession) {
  make_pictures();
  const Outcome result =
      run("features data --model " + bundled_ + " --layer pool4 --threads 1 --out f.safetensors");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.err.find("1.bmp"), std::string::npos) << result.err;
  EXPECT_NE(result.out.find("8 pictures"), std::string::npos) << result.out;
  EXPECT_EQ(run("verify f.safetensors").code, 0);

  const FeatureIndex index = FeatureIndex::open("f.safetensors");
  EXPECT_EQ(index.source().images,
            (std::vector<std::string>{"blue/0.bmp", "blue/1.bmp", "blue/2.bmp", "green/0.bmp",
                                      "green/1.bmp", "green/2.bmp", "red/0.bmp", "red/2.bmp"}));
  EXPECT_EQ(index.source().folder, "data");
  EXPECT_EQ(index.source().layer, "pool4");
  EXPECT_EQ(index.source().shape, (Shape{96, 4, 4}));
  EXPECT_TRUE(WeightFile::open("f.safetensors").faults().empty());

  SessionOptions wanted;
  wanted.threads = 1;
  wanted.batch = 9;  // as many as there are names
  wanted.outputs = {"pool4"};
  std::vector<Image> images;
  for (int64_t i = 0; i < index.size(); ++i) images.push_back(read_image(index.image(i)));
  const std::vector<float> expected =
      Session(Model::open(ALEXNET_BUNDLED), wanted).features(images, "pool4");
  ASSERT_EQ(index.rows().size(), expected.size() * sizeof(float));
  EXPECT_EQ(std::memcmp(index.rows().data(), expected.data(), index.rows().size()), 0);
}

TEST_F(CliLook, FeaturesAndClassifyListFoldersAsTrainingDoes) {
  make_pictures();
  fs::remove("data/red/1.bmp");
  fs::create_directories("set/deep/er");
  fs::rename("data/red", "set/deep/er/red");
  fs::create_directory_symlink("../data/blue", "set/blue");
  fs::create_directory_symlink("..", "set/blue/up");
  fs::create_symlink("../data/green/0.bmp", "set/0.bmp");
  const std::vector<std::string> names{"0.bmp",      "blue/0.bmp",        "blue/1.bmp",
                                       "blue/2.bmp", "deep/er/red/0.bmp", "deep/er/red/2.bmp"};
  Outcome result = run("features set --threads 1 --out f.safetensors");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(FeatureIndex::open("f.safetensors").source().images, names);
  EXPECT_NE(result.err.find("1 link that leads nowhere or in a circle (blue/up)"),
            std::string::npos)
      << result.err;
  result = run("classify --json --threads 1 set " + cat_);
  ASSERT_EQ(result.code, 0) << result.err;
  const json results = json::parse(result.out).at("results");
  ASSERT_EQ(results.size(), names.size() + 1);
  for (size_t i = 0; i < names.size(); ++i) EXPECT_EQ(results[i].at("image"), "set/" + names[i]);
}

TEST_F(CliLook, FeaturesOfOnePictureComeFromTheUsualLayer) {
  ASSERT_EQ(run("features " + cat_ + " --out f.safetensors --json").code, 0);
  const FeatureIndex index = FeatureIndex::open("f.safetensors");
  EXPECT_EQ(index.source().layer, "relu5");
  EXPECT_EQ(index.dimension(), 192);
  EXPECT_EQ(index.image(0), samples_ + "cat.jpg");
}

TEST_F(CliLook, FeaturesRefuseWhatCannotWork) {
  make_pictures();
  fs::remove("data/.hidden.bmp");  // is said to be left out
  fs::create_directory("empty");
  refuses("features empty --out x.safetensors", 1, "no picture");
  refuses("features missing.jpg --out x.safetensors", 1, "missing.jpg");
  refuses("features data/red/1.bmp --out x.safetensors", 1, "1.bmp");
  refuses("features data --layer fc9 --out x.safetensors", 1, "relu5");
  refuses("features data --model missing.pth --out x.safetensors", 1, "missing.pth");
  refuses("features data --out /nowhere/x.safetensors", 1, "/nowhere");
  refuses("features data --out x.npy", 2, ".safetensors");
  refuses("features data", 2, "--out");
  fs::remove_all("data/blue");
  fs::remove_all("data/green");
  for (const char* name : {"0", "2"}) fs::remove(std::string("data/red/") + name + ".bmp");
  const Outcome none = run("features data --out x.safetensors");
  EXPECT_EQ(none.code, 1);
  EXPECT_NE(none.err.find("none of its 1"), std::string::npos) << none.err;
  EXPECT_FALSE(fs::exists("x.safetensors"));
  EXPECT_EQ(temporary_files(), 0u);
}

TEST_F(CliLook, StoppedFeaturesLeaveNothing) {
  fs::create_directory("many");
  for (int i = 0; i < 5000; ++i)
    fs::create_symlink(samples_ + "cat.jpg", fs::path("many") / (std::to_string(i) + ".jpg"));
  const pid_t child = fork();
  if (child == 0) {
    std::freopen("err.txt", "w", stderr);
    execl(ALEXNET_PROGRAM, "alexnet", "features", "many", "--threads", "1", "--out",
          "x.safetensors", static_cast<char*>(nullptr));
    _exit(127);
  }
  for (int i = 0; i < 600 && bytes_of("err.txt").empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  kill(child, SIGINT);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1) << bytes_of("err.txt");
  EXPECT_NE(bytes_of("err.txt").find("not written"), std::string::npos) << bytes_of("err.txt");
  EXPECT_FALSE(fs::exists("x.safetensors"));
  EXPECT_EQ(temporary_files(), 0u);
}

TEST_F(CliLook, SearchFindsTheNearest) {
  make_pictures();
  ASSERT_EQ(run("features data --model " + bundled_ + " --out f.safetensors").code, 0);
  const Outcome result = run("search --index f.safetensors --query data/green/2.bmp --query " +
                             cat_ + " --top 3 --json --plot found.png");
  ASSERT_EQ(result.code, 0) << result.err;
  const json document = json::parse(result.out);
  EXPECT_EQ(document.at("layer"), "relu5");
  ASSERT_EQ(document.at("results").size(), 2u);
  const json& first = document.at("results").at(0);
  EXPECT_EQ(first.at("query"), "data/green/2.bmp");
  ASSERT_EQ(first.at("nearest").size(), 3u);
  EXPECT_EQ(first.at("nearest").at(0).at("image"), "data/green/2.bmp");
  EXPECT_EQ(first.at("nearest").at(0).at("index"), 5);
  EXPECT_NEAR(first.at("nearest").at(0).at("distance").get<double>(), 0, 1e-4);
  EXPECT_TRUE(bytes_of("found.png").starts_with("\x89PNG"));

  const Outcome text = run("search --index f.safetensors --top 99 --query " + cat_);
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_EQ(std::count(text.out.begin(), text.out.end(), '\n'), 9);

  fs::rename("data/green", "gone");  // pictures that cannot be shown any more
  const Outcome moved = run("search --index f.safetensors --query gone/2.bmp --plot found.png");
  EXPECT_EQ(moved.code, 0);
  EXPECT_NE(moved.err.find("stays empty"), std::string::npos) << moved.err;
}

TEST_F(CliLook, SearchRefusesWhatDoesNotFit) {
  make_pictures();
  fs::copy_file(ALEXNET_BUNDLED, "net.safetensors");
  ASSERT_EQ(run("features data --model net.safetensors --out f.safetensors").code, 0);
  const std::string search = "search --query " + cat_ + " --index ",
                    whole = bytes_of("f.safetensors");
  write("cut.safetensors", whole.substr(0, whole.size() - 100));
  refuses(search + "cut.safetensors", 1, "cut.safetensors");
  std::string damaged = whole;
  damaged[damaged.size() - 9] ^= 1;
  write("damaged.safetensors", damaged);
  EXPECT_EQ(run("verify damaged.safetensors").code, 1);
  refuses(search + "missing.safetensors", 1, "missing.safetensors");
  refuses("classify " + cat_ + " --model f.safetensors", 1, "f.safetensors");
  refuses(search + bundled_, 1, "no index");
  refuses("search --index f.safetensors --query missing.jpg", 1, "missing.jpg");
  refuses(search + "f.safetensors --plot /nowhere/x.png", 1, "/nowhere");
  refuses(search + "f.safetensors --plot x.gif", 2, ".png");
  refuses("search --index f.safetensors", 2, "--query");

  // Its model is gone, or another one has taken its place.
  fs::rename("net.safetensors", "elsewhere.safetensors");
  refuses(search + "f.safetensors", 1, "--model");
  EXPECT_EQ(run(search + "f.safetensors --model elsewhere.safetensors").code, 0);
  make_model_file("alexnet-2012", "net.safetensors", [](int64_t, int64_t) { return 0.01f; });
  refuses(search + "f.safetensors", 1, "other weights");

  // Another dimension, in an index that does not know its weights.
  const FeatureIndex index = FeatureIndex::open("f.safetensors");
  FeatureSource source = index.source();
  source.checksum = source.input = "";
  source.model = "elsewhere.safetensors";
  RowWriter writer("short.safetensors", features_tensor, {7}, index.size(), to_metadata(source));
  writer.add(std::vector<float>(static_cast<size_t>(7 * index.size())));
  writer.finish(to_metadata(source));
  refuses(search + "short.safetensors", 1, "192");
}

TEST_F(CliLook, KernelsShowTheirColours) {
  const Outcome bundled = run("kernels --out k.png");
  ASSERT_EQ(bundled.code, 0) << bundled.err;
  EXPECT_NE(bundled.out.find("32 filters"), std::string::npos) << bundled.out;

  // Caffe's networks read blue first; the first filter is for it, the second for red.
  make_model_file("caffenet", "caffe.safetensors", [](int64_t filter, int64_t channel) {
    return channel == 2 * filter ? 1.f : 0.f;
  });
  ASSERT_EQ(run("kernels --model caffe.safetensors --out k.png").code, 0);
  const Image image = read_image("k.png");
  using Rgb = std::array<int, 3>;
  const int64_t left = 72 + 4, top = 124 + 4;
  EXPECT_EQ(pixel(image, left, top), (Rgb{0, 0, 255}));
  int64_t next = left;
  while (pixel(image, next, top) != (Rgb{255, 255, 255})) ++next;
  EXPECT_EQ(pixel(image, next + 20, top), (Rgb{255, 0, 0}));
}

TEST_F(CliLook, KernelsOfTowersStandApart) {
  make_model_file("alexnet-2012", "towers.safetensors", [](int64_t filter, int64_t channel) {
    return filter == 0 && channel == 0 ? 1.f : -1.f;
  });
  const Outcome result = run("kernels --model towers.safetensors --out k.png");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.out.find("conv1a: 48 filters"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("conv1b: 48 filters"), std::string::npos) << result.out;
  ASSERT_EQ(run("kernels --model towers.safetensors --layer conv1b --out b.png").code, 0);
  ASSERT_EQ(
      run("kernels --model towers.safetensors --layer conv2 --activations " + cat_ + " --out a.png")
          .code,
      0);

  // Down the first column: a red tile and two black ones; the gap of the towers, with a title in
  // it; and again.
  const Image image = read_image("k.png");
  struct Tile {
    bool red;
    int64_t first, height;
  };
  std::vector<Tile> tiles;
  for (int64_t y = 0; y < image.height; ++y) {
    const auto [red, green, blue] = pixel(image, 74, y);
    const bool in_tile = green == 0 && blue == 0;
    if (in_tile && (tiles.empty() || tiles.back().first + tiles.back().height < y))
      tiles.push_back({red == 255, y, 0});
    if (in_tile) ++tiles.back().height;
  }
  ASSERT_EQ(tiles.size(), 6u);
  for (size_t i = 0; i < tiles.size(); ++i) {
    EXPECT_EQ(tiles[i].red, i % 3 == 0) << i;
    EXPECT_EQ(tiles[i].height, 99) << i;  // nine pixels a weight
    const int64_t gap = i == 0 ? 0 : tiles[i].first - tiles[i - 1].first - tiles[i - 1].height;
    EXPECT_EQ(gap, i == 0 ? 0 : i == 3 ? 2 * (26 + 26) : 8) << i;
  }
}

TEST_F(CliLook, KernelsRefuseWhatCannotBeDrawn) {
  refuses("kernels --layer conv2 --out x.png", 1, "32 channels");
  refuses("kernels --layer pool1 --out x.png", 1, "conv1, conv2");
  refuses("kernels --layer conv9 --activations " + cat_ + " --out x.png", 1, "relu5");
  refuses("kernels --layer fc5 --activations " + cat_ + " --out x.png", 1, "192");
  refuses("kernels --activations missing.jpg --out x.png", 1, "missing.jpg");
  refuses("kernels --out x.gif", 2, ".png");
  refuses("kernels --out /nowhere/x.png", 1, "/nowhere");
  refuses("kernels --model missing.pth --out x.png", 1, "missing.pth");
  EXPECT_FALSE(fs::exists("x.png"));
  EXPECT_EQ(
      run("kernels --activations " + cat_ + " --layer conv4 --contrast common --out x.svg").code,
      0);
  EXPECT_NE(bytes_of("x.svg").find("<svg"), std::string::npos);
}

}  // namespace
}  // namespace alx
