// What `alexnet train` and its kin do about files that are there already, other runs, and signals.
#include <chrono>
#include <csignal>
#include <functional>
#include <thread>

#include "cli_fixture.h"

namespace alx {
namespace {

class CliOutputs : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    make_data(8);
  }

  // The program in the background, its output in err.txt.
  static pid_t start(const std::string& arguments) {
    const pid_t child = fork();
    if (child == 0) {
      for (const int number : {SIGHUP, SIGTERM, SIGINT}) std::signal(number, SIG_DFL);
      const std::string line =
          std::string("exec '") + ALEXNET_PROGRAM + "' " + arguments + " >bg.txt 2>&1 </dev/null";
      execl("/bin/sh", "sh", "-c", line.c_str(), static_cast<char*>(nullptr));
      _exit(127);
    }
    return child;
  }
  static int end_of(pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  static bool wait_for(const std::function<bool()>& happened) {
    for (int i = 0; i < 600 && !happened(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return happened();
  }
  static bool left_behind(const std::string& ending = "") {
    for (const auto& entry : fs::directory_iterator(".")) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with(".alexnet") && name.ends_with(ending)) return true;
    }
    return false;
  }

  const std::string endless_ =
      std::string(small_run) + "--epochs 1000000 --checkpoint-every 1 --out n.safetensors ";
};

TEST_F(CliOutputs, NoFileIsWrittenThatAnotherOptionNames) {
  for (const char* log : {"n.safetensors", "./n.safetensors", "n.checkpoint.safetensors"}) {
    refuses(std::string(small_run) + "--out n.safetensors --log " + log, 2, "--log");
    EXPECT_FALSE(fs::exists("n.safetensors"));
  }
  write("a.csv", "");
  fs::create_symlink("a.csv", "b.png");
  refuses(std::string(small_run) + "--out n.safetensors --log a.csv --plot b.png", 2, "--plot");
  refuses(std::string(small_run) + "--out n.safetensors --log data", 2, "--data");
}

TEST_F(CliOutputs, OneRunAtATimeWritesAFile) {
  const pid_t first = start(endless_);
  ASSERT_TRUE(wait_for([] { return fs::exists("n.checkpoint.safetensors"); }))
      << bytes_of("bg.txt");
  refuses(std::string(small_run) + "--epochs 1 --force --out n.safetensors", 1,
          "process " + std::to_string(first));
  kill(first, SIGTERM);
  EXPECT_EQ(end_of(first), 1);
  EXPECT_NE(bytes_of("bg.txt").find("--resume n.checkpoint.safetensors"), std::string::npos)
      << bytes_of("bg.txt");
  EXPECT_FALSE(left_behind());
}

TEST_F(CliOutputs, AnUnfinishedRunIsNotReplacedUnasked) {
  const pid_t first = start(endless_);
  ASSERT_TRUE(wait_for([] { return fs::exists("n.checkpoint.safetensors"); }))
      << bytes_of("bg.txt");
  kill(first, SIGKILL);
  end_of(first);
  const std::string before = bytes_of("n.checkpoint.safetensors");
  refuses(std::string(small_run) + "--epochs 1 --out n.safetensors", 1,
          "--resume n.checkpoint.safetensors");
  EXPECT_EQ(bytes_of("n.checkpoint.safetensors"), before);
  const Outcome forced = run(std::string(small_run) + "--epochs 1 --force --out n.safetensors");
  EXPECT_EQ(forced.code, 0) << forced.err;
  // that one is finished
  const Outcome again = run(std::string(small_run) + "--epochs 1 --out n.safetensors");
  EXPECT_EQ(again.code, 0) << again.err;
  write("m.checkpoint.safetensors", "notes");
  refuses(std::string(small_run) + "--epochs 1 --out m.safetensors", 1, "--force");
  EXPECT_FALSE(left_behind(".lock"));
}

TEST_F(CliOutputs, HangingUpIsAsTerminating) {
  make_data(200);
  const std::string commands[] = {endless_, "pack data --threads 1 --size 256 --out n.tar",
                                  "features data --threads 1 --out n.safetensors"};
  for (const std::string& command : commands) {
    for (const int number : {SIGTERM, SIGHUP}) {
      fs::remove("n.checkpoint.safetensors");
      const pid_t child = start(command);
      ASSERT_TRUE(wait_for([] { return left_behind(); })) << bytes_of("bg.txt");
      if (command == endless_) {
        ASSERT_TRUE(wait_for([] { return fs::exists("n.checkpoint.safetensors"); }));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      kill(child, number);
      const int code = end_of(child);
      EXPECT_TRUE(code == 1 || (code == 0 && command != endless_))
          << command << " " << bytes_of("bg.txt");
      EXPECT_FALSE(left_behind()) << command;
    }
  }
  // What the parent has told us to ignore stays ignored, as nohup does.
  const std::string line = std::string("(trap '' HUP; '") + ALEXNET_PROGRAM + "' " +
                           std::string(small_run) +
                           "--epochs 2 --force --out k.safetensors >bg.txt 2>&1 & p=$!; sleep 0.3; "
                           "kill -HUP $p; wait $p)";
  EXPECT_EQ(std::system(line.c_str()), 0) << bytes_of("bg.txt");
}

TEST_F(CliOutputs, KeepsTheBestEpoch) {
  const std::string train = std::string(small_run) + "--out n.safetensors --best ";
  refuses(train, 2, "--val");
  refuses(train + "--val data --log n.best.safetensors", 2, "--best");
  const Outcome made = run(train + "--val data --epochs 2 --label-smoothing 0.1 --data-threads 0");
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(run("verify n.best.safetensors").code, 0);
  const std::string best = bytes_of("n.best.safetensors");
  const std::string header = bytes_of("n.checkpoint.safetensors").substr(0, 20000);
  EXPECT_NE(header.find("judged_step"), std::string::npos);
  EXPECT_NE(header.find("label_smoothing\\\":0.1"), std::string::npos) << header.substr(0, 3000);
  // Of another set no rate is to be beaten, so that its first epoch is the best.
  fs::create_directories("wrong");
  fs::copy("data/blue", "wrong/green");
  fs::copy("data/green", "wrong/red");
  fs::copy("data/red", "wrong/blue");
  const Outcome other =
      run("train --resume n.checkpoint.safetensors --data data --threads 1 --val wrong --epochs 3 "
          "--best --out n.safetensors");
  ASSERT_EQ(other.code, 0) << other.err;
  EXPECT_NE(other.err.find("the best is chosen anew"), std::string::npos) << other.err;
  EXPECT_TRUE(bytes_of("n.best.safetensors") != best);
  const pid_t endless = start(endless_ + "--val data --best --force --data-threads 0");
  ASSERT_TRUE(wait_for([] { return bytes_of("bg.txt").find("epoch 1:") != std::string::npos; }));
  kill(endless, SIGTERM);
  EXPECT_EQ(end_of(endless), 1);
  for (const char* option : {" --best", " --data-threads 0"})
    EXPECT_NE(bytes_of("bg.txt").find(option), std::string::npos) << bytes_of("bg.txt");
}

TEST_F(CliOutputs, TellsWhatFineTuningKeeps) {
  ASSERT_EQ(run(std::string(small_run) + "--epochs 1 --out n.safetensors").code, 0);
  const Outcome tuned =
      run(std::string(small_run) + "--epochs 1 --init n.safetensors --out t.safetensors");
  EXPECT_NE(tuned.err.find("3 of 3 classes keep their weights"), std::string::npos) << tuned.err;
  const Outcome anew = run(std::string(small_run) +
                           "--epochs 1 --init n.safetensors --new-head --out t.safetensors");
  EXPECT_NE(anew.err.find("0 of 3 classes keep"), std::string::npos) << anew.err;
  refuses(std::string(small_run) + "--new-head --out t.safetensors", 2, "--init");
}

}  // namespace
}  // namespace alx
