// In a host program with threads, OpenMP regions, forks and locales of its own: the answers are the
// same, and what is the host's stays as it is.
#include <gtest/gtest.h>
#include <omp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <clocale>
#include <functional>
#include <locale>

#include "data/dataset_memory.h"
#include "networks.h"
#include "refusal.h"
#include "temporary_folder.h"
#include "train/trainer.h"

namespace alx::test {
namespace {

const NetSpec& spec() {  // batches of three are enough tiles for Winograd's batched products
  static const NetSpec network = small("alexnet-cifar10");
  return network;
}

const Answer& right() {
  static const Answer answer = train_once(spec(), "reference");
  return answer;
}

void expect_right(const Answer& got) {
  EXPECT_LT(relative_error(got.probabilities, right().probabilities), 1e-4);
  for (size_t i = 0; i < got.gradients.size(); ++i)
    EXPECT_LT(relative_error(got.gradients[i], right().gradients[i]), 1e-3) << "gradient " << i;
}

// A network that may be made elsewhere than it is run.
struct Made : OneStep {
  Made() : OneStep(spec(), "cpu", 4) {}
};

// With what the environment of this process says: see tests/CMakeLists.txt for its settings.
TEST(OpenMp, ComputesWithTheTeamItPlannedFor) { expect_right(train_once(spec(), "cpu", 4)); }

TEST(OpenMp, InsideARegionOfTheHost) {
  Made outside;
  Answer inside, made_inside, nested;
#pragma omp parallel num_threads(2)
#pragma omp single
  {
    inside = outside.run();
    made_inside = Made().run();
    omp_set_max_active_levels(2);
#pragma omp parallel num_threads(2)
#pragma omp single
    nested = outside.run();
    omp_set_max_active_levels(1);
  }
  expect_right(inside);
  expect_right(made_inside);
  expect_right(nested);
}

TEST(OpenMp, UnderAnySettingOfTheHost) {
  Made before;
  const int threads = omp_get_max_threads(), levels = omp_get_max_active_levels();
  omp_set_dynamic(1);
  expect_right(before.run());
  expect_right(Made().run());
  EXPECT_TRUE(omp_get_dynamic());
  omp_set_dynamic(0);
  omp_set_num_threads(3);
  expect_right(before.run());
  EXPECT_EQ(omp_get_max_threads(), 3);
  omp_set_max_active_levels(0);
  expect_right(before.run());
  expect_right(Made().run());
  EXPECT_EQ(omp_get_max_active_levels(), 0);
  omp_set_max_active_levels(levels);
  EXPECT_FALSE(omp_get_dynamic());
  omp_set_num_threads(threads);
}

// What `child` returns becomes the exit status of a child process, -1 where it hangs.
int status_of_child(const std::function<bool()>& child) {
  const pid_t id = fork();
  if (id == 0) {
    alarm(60);
    _exit(child() ? 0 : 1);
  }
  int status = -1;
  waitpid(id, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool near_right(const Answer& got) {
  return relative_error(got.probabilities, right().probabilities) < 1e-4;
}

TEST(Fork, TheChildComputesToo) {
  Made before;
  expect_right(before.run());  // OpenMP's threads are there now
  EXPECT_EQ(status_of_child([&] { return near_right(before.run()); }), 0);
  EXPECT_EQ(status_of_child([] { return near_right(train_once(spec(), "cpu", 4)); }), 0);
  expect_right(before.run());
}

std::shared_ptr<MemoryDataset> colours() {
  auto data = std::make_shared<MemoryDataset>(std::vector<std::string>{"dark", "light"});
  for (int i = 0; i < 8; ++i)
    data->add(
        {32, 32, std::vector<uint8_t>(32 * 32 * 3, static_cast<uint8_t>(10 + 200 * (i % 2) + i))},
        i % 2);
  return data;
}

std::unique_ptr<Trainer> trainer_of(const std::shared_ptr<MemoryDataset>& data,
                                    const std::string& schedule) {
  const NetSpec network = make_model("alexnet-cifar10", {.classes = 2});
  TrainOptions options;
  options.recipe = network.recipe;
  options.recipe.batch = 4;
  options.recipe.schedule = schedule;
  options.augment.colour_noise = 0.1f;  // puts numbers of the set's colours into the file
  options.threads = 1;
  return std::make_unique<Trainer>(network, data, options);
}

TEST(Fork, TheChildIsToldOfThreadsItDoesNotHave) {
  auto trainer = trainer_of(colours(), "constant");
  trainer->step();
  EXPECT_EQ(status_of_child([&] {
              const std::string text = error_of([&] { trainer->step(); }, Code::invalid_state);
              trainer.reset();  // must not wait for them either
              return text.find("fork()") != text.npos &&
                     trainer_of(colours(), "constant")->step().step == 1;
            }),
            0);
  EXPECT_EQ(trainer->step().step, 2);
}

// Groups digits by three and writes a comma for the point, as locales do that the host may have.
class Grouping : public std::numpunct<char> {
  char do_thousands_sep() const override { return '.'; }
  char do_decimal_point() const override { return ','; }
  std::string do_grouping() const override { return "\3"; }
};

// All that this library writes for one training: weights and checkpoint.
std::vector<std::string> files_of_a_training() {
  const auto folder = new_folder("host");
  auto trainer = trainer_of(colours(), "steps:120:0.1");
  trainer->step();
  std::vector<std::string> texts;
  for (const char* name : {"weights", "checkpoint"}) {
    const std::string path = to_utf8(folder / name);
    name[0] == 'w' ? trainer->save_weights(path) : trainer->save_checkpoint(path);
    (void)Model::open_file(path);
    const MappedFile file(path);
    texts.emplace_back(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  }
  (void)Trainer::resume(to_utf8(folder / "checkpoint"), colours(), {});
  std::filesystem::remove_all(folder);
  return texts;
}

std::string words() {
  return error_of([] { make_model("alexnet", {.height = 1234567, .width = 7}); }) +
         error_of([] { Schedule("step:1234567:0,5"); }) +
         std::to_string(Schedule("steps:1.5:0.25").factor() == 0.25);
}

TEST(Locale, OfTheHostChangesNoFileAndNoWord) {
  const std::vector<std::string> files = files_of_a_training();
  const std::string text = words();
  const std::locale before = std::locale::global(std::locale(std::locale::classic(), new Grouping));
  EXPECT_EQ(files_of_a_training(), files);
  EXPECT_EQ(words(), text);
  EXPECT_EQ(std::use_facet<std::numpunct<char>>(std::locale()).thousands_sep(), '.');
  std::locale::global(before);
  for (const char* name : {"en_US.UTF-8", "de_DE.UTF-8", "tr_TR.UTF-8"}) {
    if (!std::setlocale(LC_ALL, name)) continue;  // not installed; the facet above stands for it
    std::locale::global(std::locale(name));
    EXPECT_EQ(files_of_a_training(), files) << name;
    EXPECT_EQ(words(), text) << name;
    EXPECT_STREQ(std::setlocale(LC_ALL, nullptr), name);
    std::locale::global(before);
  }
}

}  // namespace
}  // namespace alx::test
