// Which implementation each kernel of the CPU backend has. Run for several instruction sets, see
// CMakeLists.txt: ONEDNN_MAX_CPU_ISA.
#include <gtest/gtest.h>

#include <algorithm>

#include "backends/registry.h"
#include "core/text.h"
#include "models/zoo.h"
#include "network/network.h"

namespace alx {
namespace {

struct Line {  // of Network::describe()
  std::string pass, name, implementation;
  int64_t elements = 1;  // of one picture's output
};

Line parsed(const std::string& line) {
  std::vector<std::string> parts;
  size_t begin = 0;
  while (begin < line.size()) {
    const size_t end = std::min(line.find("  ", begin), line.size());
    if (end > begin) parts.push_back(line.substr(begin, end - begin));
    begin = end + 2;
  }
  Line result{parts.at(0), parts.at(1), parts.at(2)};
  const std::string shape = parts.back();
  for (size_t x = shape.find(" x "); x != std::string::npos; x = shape.find(" x ", x + 1))
    result.elements *= std::stoll(shape.substr(x + 3));
  return result;
}

bool is_slow(const std::string& implementation) {
  for (const char* slow : {"ref", "simple", "plain loops"})
    if (implementation.find(slow) != std::string::npos) return true;
  return false;
}

// What may bear such a name: which kernels, and why nobody minds.
struct Exception {
  const char *layer, *implementation, *reason;
};
constexpr Exception exceptions[] = {
    {"conv3a_in", "simple:any", "oneDNN's simple concat copies whole runs of memory"},
    {"conv3b_in", "simple:any", "oneDNN's simple concat copies whole runs of memory"},
};

bool is_excepted(const Line& line) {
  return std::ranges::any_of(exceptions, [&](const Exception& exception) {
    return line.name == exception.layer && line.implementation == exception.implementation;
  });
}

// Of a network that trains or infers with these pictures at once.
void expect_fast(const std::string& name, Phase phase, int64_t batch) {
  NetworkOptions options;
  options.phase = phase;
  options.batch = batch;
  options.loss = phase == Phase::training;
  const Network network(make_model(name), open_devices("cpu", 2), options);
  for (const std::string& text : split(network.describe(), '\n')) {
    if (text.empty()) continue;
    const Line line = parsed(text);
    EXPECT_FALSE(is_slow(line.implementation) && line.elements > 10'000 && !is_excepted(line))
        << name << ", batch " << batch << ": " << text;
  }
}

class Implementations : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Zoo, Implementations, testing::ValuesIn(model_names()),
                         [](const auto& instance) {
                           std::string name = instance.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST_P(Implementations, NoPlainLoopsOverMuchInInference) {
  for (const int64_t batch : {1, 8}) expect_fast(GetParam(), Phase::inference, batch);
}

TEST_P(Implementations, NoPlainLoopsOverMuchInTraining) {
  expect_fast(GetParam(), Phase::training, 8);
}

}  // namespace
}  // namespace alx
