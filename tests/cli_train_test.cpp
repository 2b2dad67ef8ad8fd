// What `alexnet train` tells, splits off and freezes.
#include "cli_fixture.h"

namespace alx {
namespace {

class CliTrain : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    make_data(12);
  }
  static void expect_has(const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << '"' << part << "\" is not in: " << text;
  }
  static std::string first_line_with(const std::string& text, const std::string& part) {
    const size_t at = text.find(part);
    if (at == std::string::npos) return "";
    const size_t begin = text.rfind('\n', at) + 1;
    return text.substr(begin, text.find('\n', at) - begin);
  }
};

TEST_F(CliTrain, BeginsWithWhatItFoundAndEndsWithWhatMayGo) {
  write("data/red/broken.jpg", "no picture");
  write("data/notes.txt", "of nobody's interest");
  const std::string train = "train --model alexnet-cifar10 --size 12 --data data --threads 1 ";
  const Outcome outcome = run(train + "--batch 10 --lr 0.005 --epochs 1 --out n.safetensors");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  expect_has(outcome.err, "learning from 37 pictures of 3 classes, from 12 ('blue') to 13 ('red')");
  expect_has(outcome.err, "left out: 1 other file (notes.txt)");
  expect_has(outcome.err, "an epoch takes 30 of the 37 pictures: the 7 over");
  expect_has(outcome.err, "warning: 1 of the 37 pictures cannot be read");
  expect_has(outcome.err, "the run is finished: n.checkpoint.safetensors may be deleted");
  const Outcome wild = run(train + "--batch 4 --lr 100 --epochs 2 --out o.safetensors");
  expect_has(wild.err, "such as a tenth of it, 10");
}

TEST_F(CliTrain, AShareMeasuresAndGoesOnWithTheRun) {
  const std::string run_it = std::string(small_run) + "--val 0.25 --best --log log.csv ";
  const Outcome whole = run(run_it + "--epochs 4 --out whole.safetensors");
  ASSERT_EQ(whole.code, 0) << whole.err;
  expect_has(whole.err, "measured by 9 pictures, split off as a share of 0.25");
  expect_has(whole.err, "learning from 27 pictures");
  EXPECT_TRUE(fs::exists("whole.best.safetensors"));
  ASSERT_EQ(run(run_it + "--epochs 2 --out half.safetensors").code, 0);
  const std::string on =
      "train --data data --threads 1 --epochs 4 --best --out half.safetensors "
      "--resume half.checkpoint.safetensors ";
  const Outcome rest = run(on);
  ASSERT_EQ(rest.code, 0) << rest.err;
  EXPECT_EQ(bytes_of("whole.safetensors"), bytes_of("half.safetensors"));
  EXPECT_EQ(bytes_of("whole.best.safetensors"), bytes_of("half.best.safetensors"));
  expect_has(run(on + "--val 0.1").err,
             "warning: half.checkpoint.safetensors measures by a share of 0.25");
  expect_has(run(on + "--val data").err, "measured by the ones that are given instead");
}

TEST_F(CliTrain, ANumberIsAShareAndNoFolder) {
  const std::string train = std::string(small_run) + "--epochs 1 --out n.safetensors ";
  refuses(train + "--val 0.6", 2, "./0.6");
  refuses(train + "--val 0", 2, "0..0.5");
  refuses(train + "--best", 2, "--val");
  fs::create_directory_symlink("data", "0.25");
  const Outcome share = run(train + "--val 0.25");
  ASSERT_EQ(share.code, 0) << share.err;
  expect_has(share.err, "warning: '0.25' means a share of the pictures");
  const Outcome folder = run(train + "--val ./0.25");
  ASSERT_EQ(folder.code, 0) << folder.err;
  expect_has(folder.err, "measured by 36 pictures");
  refuses("train --model alexnet-cifar10 --data data --batch 30 --val 0.26 --out m.safetensors", 1,
          "27 pictures left to learn from");
}

TEST_F(CliTrain, RareClassesCountMore) {
  for (int i = 3; i < 12; ++i) fs::remove("data/red/" + std::to_string(i) + ".bmp");
  const auto trained = [](const std::string& more) {
    const Outcome outcome = run(std::string(small_run) + "--epochs 1 --out n.safetensors " + more);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return bytes_of("n.safetensors");
  };
  const std::string plain = trained("");
  EXPECT_EQ(plain, trained("--class-weights none"));
  EXPECT_NE(plain, trained("--class-weights balanced"));
  expect_has(bytes_of("n.checkpoint.safetensors").substr(0, 1 << 15),
             "class_weights\\\":\\\"balanced");
  refuses(std::string(small_run) + "--class-weights fair --out m.safetensors", 2, "balanced");
}

TEST_F(CliTrain, TheLastLayerAloneLearnsOwnClasses) {
  const std::string train =
      "train --model alexnet-cifar10 --init alexnet-cifar10 --freeze all-but-last --data data "
      "--batch 8 --threads 1 --val 0.25 --best --epochs 20 --out own.safetensors ";
  write("alexnet-cifar10", "no weights");  // ./alexnet-cifar10 would be these
  const Outcome outcome = run(train);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  expect_has(outcome.err, "alexnet-cifar10.safetensors: 0 of 3 classes keep their weights");
  expect_has(outcome.err, "pictures are not varied");
  EXPECT_NE(first_line_with(outcome.err, "epoch 20:").find("top 1 100%"), std::string::npos)
      << outcome.err;
  EXPECT_EQ(run("verify own.safetensors").code, 0);
  const json eval = json::parse(run("eval --model own.best.safetensors --data data --json").out);
  EXPECT_GT(eval.at("top1").get<double>(), 0.9);
  for (const auto& entry : fs::directory_iterator("."))
    EXPECT_FALSE(entry.path().filename().string().starts_with(".alexnet")) << entry.path();
  refuses(train + "--augment crop", 2, "--freeze");
  fs::rename("alexnet-cifar10", "weights");
  refuses(std::string(small_run) + "--init ./weights --out m.safetensors", 1, "./weights");
  refuses(std::string(small_run) + "--freeze all-but-last --out m.safetensors", 2, "--init");
  refuses(std::string(small_run) + "--init alexnet --out m.safetensors", 1,
          "no weights for 'alexnet' come with the library");
}

}  // namespace
}  // namespace alx
