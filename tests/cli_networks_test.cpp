// Networks as files, on the command line.
#include "cli_fixture.h"

namespace alx {
namespace {

std::string specs(const std::string& file) { return bytes_of(fs::path(ALEXNET_SPECS) / file); }

TEST_F(Cli, ANetworkIsPrintedEditedAndTrained) {
  make_data(8);
  const Outcome printed = run("info alexnet-cifar10 --spec");
  ASSERT_EQ(printed.code, 0) << printed.err;
  std::string mine = printed.out;
  const auto replace = [&](const std::string& from, const std::string& to) {
    ASSERT_NE(mine.find(from), mine.npos) << from;
    mine.replace(mine.find(from), from.size(), to);
  };
  replace("alexnet-cifar10", "thinner");
  replace("\"out\":192", "\"out\":24");
  write("net.json", mine);
  const json info = json::parse(run("info net.json --classes 3 --size 12 --json").out);
  EXPECT_EQ(info.at("model"), "thinner");
  EXPECT_EQ(info.at("layers").at(17).at("output"), (json{3}));
  const Outcome trained = run(
      "train --model net.json --size 12 --data data --val data --batch 8 --threads 1 --epochs 2 "
      "--mean color --out w.safetensors");
  ASSERT_EQ(trained.code, 0) << trained.err;
  fs::remove("net.json");
  EXPECT_EQ(run("verify w.safetensors").code, 0);
  EXPECT_EQ(json::parse(run("eval --model w.safetensors --data data --json").out).at("images"), 24);
  EXPECT_EQ(run("train --data data --threads 1 --resume w.checkpoint.safetensors --epochs 3 --out "
                "w.safetensors")
                .code,
            0);
  const json classified =
      json::parse(run("classify --model w.safetensors --json data/red/1.bmp").out);
  EXPECT_EQ(classified.at("results").at(0).at("top").size(), 3u);
  const json again = json::parse(run("info w.safetensors --spec").out);
  EXPECT_EQ(again.at("labels"), (json{"blue", "green", "red"}));
  write("again.json", again.dump());
  EXPECT_EQ(run("bench --model again.json --batch 2 --seconds 0 --threads 1").code, 0);
  EXPECT_EQ(run("convert w.safetensors half.safetensors --dtype fp16").code, 0);
  EXPECT_EQ(json::parse(run("info half.safetensors --json").out).at("model"), "thinner");
}

TEST_F(Cli, AMeanImageBecomesItsColourInTheSpec) {
  make_data(8);
  ASSERT_EQ(run(std::string(small_run) + "--mean image --epochs 1 --out w.safetensors").code, 0);
  const json spec = json::parse(run("info w.safetensors --spec").out);
  ASSERT_EQ(spec.at("input").at("mean").size(), 3u);
  for (const json& channel : spec.at("input").at("mean")) EXPECT_GT(channel.get<double>(), 0.1);
  write("net.json", spec.dump());
  EXPECT_EQ(run("info net.json").code, 0);
}

TEST_F(Cli, NamesFromFilesDoNotCommandTheTerminal) {
  std::string text = specs("small.json");
  const auto replace = [&](const std::string& from, const std::string& to) {
    text.replace(text.find(from), from.size(), to);
  };
  replace("\"name\":\"norm\"", "\"name\":\"\\u001b[2J\\u009b\"");
  replace("\"classes\":3", "\"source\":\"\\u001b]0;mine\\u0007\",\"classes\":3");
  write("net.json", text);
  const Outcome shown = run("info net.json");
  ASSERT_EQ(shown.code, 0) << shown.err;
  EXPECT_EQ(shown.out.find_first_of("\x1b\x07"), shown.out.npos);
  EXPECT_EQ(shown.out.find("\xc2\x9b"), shown.out.npos);
}

TEST_F(Cli, WrongNetworksAreRefusedWhereTheyAreWrong) {
  make_data(8);
  const std::string train = "train --data data --out w.safetensors --model ";
  std::string wrong = specs("small.json");
  wrong.replace(wrong.find("\"relu\""), 6, "\"relu\" ");
  wrong.replace(wrong.find("\"op\":\"relu\""), 11, "\"op\":\"gelu\"");
  write("net.json", wrong);
  refuses(train + "net.json", 1,
          "net.json: node \"relu\": no op is called \"gelu\"; there are: conv");
  refuses("info net.json", 1, "no op is called \"gelu\"");
  refuses("bench --model net.json", 1, "no op is called \"gelu\"");
  refuses(train + "none.json", 1, "none.json");
  refuses(train + "alexnett", 1,
          "no network is named \"alexnett\", and no file; there are: alexnet");
  refuses(train + ALEXNET_BUNDLED, 1, "is no network's spec, which begins with a brace");
  refuses("classify --model net.json data/red/1.bmp", 1, "begins as a network's spec");
  refuses("info " ALEXNET_BUNDLED " --size 40", 2, "is for networks, not for weight files");
  write("net.json", specs("small.json"));
  refuses(train + "net.json --size 1", 1, "node \"pool\": max_pool cannot take 1 x 4 x 1 x 1");
  EXPECT_FALSE(fs::exists("w.safetensors"));
}

}  // namespace
}  // namespace alx
