// The program from outside: what it prints, its exit codes, and what it leaves behind.
#include <chrono>
#include <csignal>
#include <limits>
#include <sstream>
#include <thread>

#include "cli_fixture.h"
#include "models/zoo.h"
#include "network/network.h"
#include "weights/weights.h"

namespace alx {
namespace {

TEST_F(Cli, ClassifiesAPhotograph) {
  const Outcome text = run("classify " + cat_);
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_NE(text.out.find("cat"), std::string::npos);
  const Outcome result = run("classify --json --top 3 " + cat_);
  const json document = json::parse(result.out);
  const json& top = document.at("results").at(0).at("top");
  ASSERT_EQ(top.size(), 3u);
  EXPECT_EQ(top[0].at("label"), "cat");
  EXPECT_EQ(top[0].at("index"), 3);
  EXPECT_GT(top[0].at("probability").get<double>(), top[1].at("probability").get<double>());
  EXPECT_EQ(run("classify --crops 10 --plot cat.png " + cat_).code, 0);
  EXPECT_TRUE(bytes_of("cat.png").starts_with("\x89PNG"));
}

// What README's figure, its snippets and scripts/demo show.
TEST_F(Cli, SeesWhatTheSamplePhotographsShow) {
  const std::pair<const char*, const char*> shown[] = {
      {"cat", "cat"},         {"dog", "dog"},    {"duck", "bird"},  {"horse", "horse"},
      {"kingfisher", "bird"}, {"kitten", "cat"}, {"moose", "deer"}, {"owl", "bird"}};
  size_t photographs = 0;
  for (const auto& entry : fs::directory_iterator(samples_))
    photographs += entry.path().extension() == ".jpg";
  EXPECT_EQ(photographs, std::size(shown));
  std::string arguments = "classify --json --top 1";
  for (const auto& [file, label] : shown) arguments += " '" + samples_ + file + ".jpg'";
  const Outcome result = run(arguments);
  ASSERT_EQ(result.code, 0) << result.err;
  const json results = json::parse(result.out).at("results");
  for (size_t i = 0; i < std::size(shown); ++i)
    EXPECT_EQ(results.at(i).at("top").at(0).at("label"), shown[i].second) << shown[i].first;
  EXPECT_NEAR(results.at(0).at("top").at(0).at("probability").get<double>(), 0.835, 0.01);
}

TEST_F(Cli, ReadsPicturesOfAnyShape) {
  write("dot.bmp", bmp(1, 1, 1, 0));
  write("strip.bmp", bmp(20000, 3, 1, 0));
  const Outcome result = run("classify --json dot.bmp strip.bmp");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(json::parse(result.out).at("results").size(), 2u);
}

TEST_F(Cli, ClassifiesFoldersAndPatternsAsTables) {
  fs::create_directories("shots/more");
  write("shots/b.bmp", bmp(12, 12, 1, 0));
  write("shots/a, \"b\".bmp", bmp(12, 12, 2, 1));
  write("shots/more/c.bmp", bmp(12, 12, 3, 2));
  const Outcome folder = run("classify --csv --top 2 shots");
  ASSERT_EQ(folder.code, 0) << folder.err;
  std::istringstream lines(folder.out);
  std::string line;
  std::vector<std::string> rows;
  while (std::getline(lines, line)) rows.push_back(line);
  ASSERT_EQ(rows.size(), 7u);
  EXPECT_EQ(rows[0], "image,rank,index,label,probability");
  EXPECT_EQ(rows[1].find("\"shots/a, \"\"b\"\".bmp\",1,"), 0u) << rows[1];
  EXPECT_EQ(rows[3].find("shots/b.bmp,1,"), 0u) << rows[3];
  EXPECT_EQ(rows[6].find("shots/more/c.bmp,2,"), 0u) << rows[6];
  const Outcome pattern = run("classify --csv --top 2 'shots/*.bmp' 'shots/m*'");
  EXPECT_EQ(pattern.code, 0) << pattern.err;
  EXPECT_EQ(pattern.out, folder.out);
  refuses("classify 'shots/*.jpg'", 1, "shots/*.jpg: no file is named like this");
  refuses("classify --csv --json shots", 2, "--json");
}

TEST_F(Cli, RefusesWhatIsNoPicture) {
  const std::string whole = bytes_of(std::string(ALEXNET_SAMPLES) + "/images/cat.jpg");
  write("cut.jpg", whole.substr(0, whole.size() / 2));
  write("text.jpg", "This is no picture.\n");
  write("empty.png", "");
  fs::create_directory("folder.jpg");
  for (const char* name : {"missing.jpg", "cut.jpg", "text.jpg", "empty.png", "folder.jpg"}) {
    SCOPED_TRACE(name);
    refuses(std::string("classify ") + name, 1, name);
  }
  const Outcome mixed = run("classify --json text.jpg " + cat_);
  EXPECT_EQ(mixed.code, 1);
  EXPECT_EQ(json::parse(mixed.out).at("results").size(), 1u);
}

TEST_F(Cli, TellsWrongUsage) {
  refuses("", 2, "classify");
  refuses("juggle", 2, "juggle");
  refuses("classify", 2, "IMAGE");
  refuses("classify --crops 7 " + cat_, 2, "crops");
  refuses("classify --precision fp12 " + cat_, 2, "precision");
  refuses("classify --nonsense " + cat_, 2, "nonsense");
  refuses("train --data data --out x.safetensors", 2, "model");
  refuses("info nonesuch", 1, "alexnet-2012");
  refuses("classify --device abacus " + cat_, 1, "abacus");
  refuses("classify --device cuda:0 " + cat_, 1, "cuda:0");
  EXPECT_EQ(run("--help").code, 0);
  EXPECT_EQ(run("train --help").code, 0);
  EXPECT_EQ(run("--version").code, 0);
}

TEST_F(Cli, ShowsNetworksAndDevices) {
  const json info = json::parse(run("info alexnet-2012 --json").out);
  EXPECT_EQ(info.at("parameters"), 60965224);
  EXPECT_EQ(info.at("multiply_adds"), 724406816);
  EXPECT_EQ(json::parse(run("info alexnet --json").out).at("parameters"), 61100840);
  EXPECT_EQ(info.at("layers").at(0).at("output"), (json{48, 55, 55}));
  const json devices = json::parse(run("devices --json").out);
  EXPECT_EQ(devices.at(0).at("name"), "cpu");
  EXPECT_EQ(devices.at(0).at("usable"), true);
  const json bench = json::parse(
      run("bench --model alexnet-cifar10 --batch 2 --seconds 0.05 --threads 1 --json").out);
  for (const char* key :
       {"model", "batch", "precision", "mode", "median_ms", "images_per_second", "peak_rss_mb"})
    EXPECT_TRUE(bench.contains(key)) << key;
  const json larger = json::parse(
      run("bench --model alexnet-cifar10 --size 40 --batch 2 --seconds 0 --threads 1 --json").out);
  EXPECT_EQ(larger.at("batch"), 2);
  EXPECT_EQ(run("bench --model alexnet-cifar10 --size 1 --seconds 0").code, 1);
  EXPECT_EQ(run("bench --model " ALEXNET_BUNDLED " --size 40 --seconds 0").code, 2);
  // Its recipe measures a mean image, of which there is none in noise.
  const auto training =
      run("bench --model alexnet-2012 --train --batch 1 --seconds 0.01 --threads 1");
  EXPECT_EQ(training.code, 0) << training.err;
  EXPECT_EQ(training.err, "");  // noise has no classes to tell of
}

TEST_F(Cli, RefusesDamagedWeights) {
  const std::string bundled = bytes_of(ALEXNET_BUNDLED);
  std::string damaged = bundled;
  damaged[damaged.size() - 9999] = static_cast<char>(damaged[damaged.size() - 9999] ^ 1);
  write("damaged.safetensors", damaged);
  write("cut.safetensors", bundled.substr(0, bundled.size() - 1));
  std::vector<TensorToWrite> tensors;
  for (const ParamSpec& param : params_of(make_model("alexnet-cifar10"))) {
    std::vector<float> values(static_cast<size_t>(element_count(param.shape)), 0.01f);
    values[0] = std::numeric_limits<float>::quiet_NaN();
    tensors.push_back(make_tensor(param.name, param.shape, values));
  }
  write_safetensors("nan.safetensors", std::move(tensors),
                    {{"alexnet.model", "alexnet-cifar10/1"}});
  for (const char* name : {"damaged.safetensors", "cut.safetensors", "nan.safetensors"}) {
    SCOPED_TRACE(name);
    refuses(std::string("classify ") + cat_ + " --model " + name, 1, name);
    EXPECT_EQ(run(std::string("verify ") + name).code, 1);
  }
  EXPECT_EQ(run(std::string("verify '") + ALEXNET_BUNDLED + "'").code, 0);
}

TEST_F(Cli, ConvertsAndKeepsTheTargetOnFailure) {
  const std::string bundled = std::string("'") + ALEXNET_BUNDLED + "'";
  EXPECT_EQ(run("convert " + bundled + " full.safetensors --dtype fp32").code, 0);
  EXPECT_EQ(run("verify full.safetensors").code, 0);
  EXPECT_EQ(run("convert " + bundled + " plain.safetensors --plain").code, 0);
  EXPECT_TRUE(WeightFile::open("plain.safetensors").metadata().empty());
  refuses("convert missing.pth new.safetensors", 1, "missing.pth");
  EXPECT_FALSE(fs::exists("new.safetensors"));
  refuses("convert " + bundled + " /nowhere/new.safetensors", 1, "/nowhere");
}

TEST_F(Cli, TrainsResumesAndEvaluates) {
  make_data(16);
  const Outcome whole = run(
      std::string(small_run) +
      "--mean image --val data --epochs 4 --out whole.safetensors --log log.csv --plot curve.png");
  ASSERT_EQ(whole.code, 0) << whole.err;
  EXPECT_EQ(run("verify whole.safetensors").code, 0);
  EXPECT_TRUE(bytes_of("curve.png").starts_with("\x89PNG"));
  const std::string log = bytes_of("log.csv");
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 5);
  const json eval =
      json::parse(run("eval --model whole.safetensors --data data --json --plot matrix.png").out);
  const json& classes = eval.at("classes");
  int64_t images = 0;
  for (const json& each : classes) images += each.at("images").get<int64_t>();
  EXPECT_EQ(images, 48);
  EXPECT_TRUE(bytes_of("matrix.png").starts_with("\x89PNG"));
  EXPECT_EQ(eval.at("images"), 48);
  EXPECT_NEAR(eval.at("top1").get<double>() + eval.at("top1_error").get<double>(), 1, 1e-12);

  ASSERT_EQ(run(std::string(small_run) + "--mean image --epochs 2 --out half.safetensors").code, 0);
  ASSERT_EQ(run("train --data data --threads 1 --resume half.checkpoint.safetensors --epochs 4 "
                "--out rest.safetensors")
                .code,
            0);
  EXPECT_EQ(bytes_of("whole.safetensors"), bytes_of("rest.safetensors"));
  EXPECT_EQ(bytes_of("whole.checkpoint.safetensors"), bytes_of("rest.checkpoint.safetensors"));
}

TEST_F(Cli, PacksASetForTraining) {
  make_data(4);
  write("data/red/broken.jpg", "no picture");
  const Outcome packed = run("pack data --out data.tar --as raw --size 12 --json");
  ASSERT_EQ(packed.code, 0) << packed.err;
  EXPECT_EQ(
      json::parse(packed.out),
      (json{{"images", 12}, {"skipped", 1}, {"classes", 3}, {"size", 12}, {"out", "data.tar"}}));
  EXPECT_NE(packed.err.find("broken.jpg"), std::string::npos) << packed.err;
  fs::remove("data/red/broken.jpg");
  std::string train = small_run;
  ASSERT_EQ(run(train + "--epochs 2 --out folder.safetensors").code, 0);
  train.replace(train.find("--data data"), 11, "--data data.tar");
  ASSERT_EQ(run(train + "--epochs 2 --out archive.safetensors").code, 0);
  EXPECT_EQ(bytes_of("folder.safetensors"), bytes_of("archive.safetensors"));
  refuses("pack nothing --out x.tar", 1, "nothing");
  refuses("pack data --out x.zip", 2, ".tar");
  write("cut.tar", bytes_of("data.tar").substr(0, 3000));
  refuses("train --model alexnet-cifar10 --data cut.tar --out x.safetensors", 1, "cut off");
}

TEST_F(Cli, RefusesTrainingThatCannotWork) {
  make_data(4);
  refuses(std::string(small_run) + "--out /nowhere/x.safetensors", 1, "/nowhere");
  refuses("train --model alexnet-cifar10 --data nothing --out x.safetensors", 1, "nothing");
  refuses("eval --model '" + std::string(ALEXNET_BUNDLED) + "' --data data", 1, "blue");
  refuses(std::string(small_run) + "--out x.safetensors --init '" + ALEXNET_BUNDLED + "'", 1,
          "fc5");
  refuses("train --model alexnet-cifar10 --data data --batch 99 --out x.safetensors", 1, "99");
  EXPECT_FALSE(fs::exists("x.safetensors"));
  EXPECT_FALSE(fs::exists("x.checkpoint.safetensors"));
}

TEST_F(Cli, StopsWithAValidCheckpoint) {
  make_data(16);
  const pid_t child = fork();
  if (child == 0) {
    std::freopen("err.txt", "w", stderr);
    execl(ALEXNET_PROGRAM, "alexnet", "train", "--model", "alexnet-cifar10", "--size", "12",
          "--data", "data", "--batch", "8", "--threads", "1", "--epochs", "1000000", "--lr",
          "0.0001", "--schedule", "constant", "--out", "x.safetensors",
          static_cast<char*>(nullptr));
    _exit(127);
  }
  for (int i = 0; i < 600 && !fs::exists("x.checkpoint.safetensors"); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  kill(child, SIGINT);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1) << bytes_of("err.txt");
  EXPECT_NE(bytes_of("err.txt").find("--resume"), std::string::npos) << bytes_of("err.txt");
  EXPECT_EQ(run("verify x.checkpoint.safetensors").code, 0);
  EXPECT_FALSE(fs::exists("x.safetensors"));
}

}  // namespace
}  // namespace alx
