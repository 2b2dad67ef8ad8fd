// What no number depends on: how many threads there are, how many pictures a batch has, and where
// in it a picture stands.
#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "backends/registry.h"
#include "core/random.h"
#include "counted_loop.h"
#include "models/zoo.h"
#include "network/network.h"

namespace alx {
namespace {

using Values = std::vector<float>;

class Bits : public testing::TestWithParam<std::string> {
 protected:
  static Network make(int64_t batch, int threads, Phase phase) {
    NetworkOptions options;
    options.batch = batch;
    options.phase = phase;
    Network net(make_model(GetParam()), open_devices("cpu", threads), options);
    net.load(weights());
    return net;
  }
  // Drawn once for each network, which takes longer than a pass.
  static WeightSource weights() {
    static std::map<std::string, std::map<std::string, Values>> drawn;
    return [&all = drawn[GetParam()]](const ParamSpec& param, int64_t rows, const PartSink& sink) {
      const int64_t row_size = element_count(param.shape) / param.shape[0];
      Values& values = all[param.name];
      if (values.empty())
        random_weights(1)(param, param.shape[0], [&](int64_t, std::span<const float> part) {
          values.assign(part.begin(), part.end());
        });
      for (int64_t row = 0; row < param.shape[0]; row += rows) {
        const int64_t count = std::min(rows, param.shape[0] - row);
        sink(row, std::span(values).subspan(static_cast<size_t>(row * row_size),
                                            static_cast<size_t>(count * row_size)));
      }
    };
  }
  static int64_t image(const Network& net) {
    return element_count(net.input_shape()) / net.batch();
  }
  // Picture i is the same in every batch.
  static Values pictures(int64_t first, int64_t count, int64_t size) {
    Values values(static_cast<size_t>(count * size));
    const Random random(7, 0, 0);
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = random.normal(i + static_cast<size_t>(first * size));
    return values;
  }
  static Values answer(Network& net, const Values& images) {
    net.set_input(images);
    net.forward();
    return net.read("prob");
  }
};

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

// Large networks take fewer.
std::vector<int> some_threads(const std::string& network) {
  return network.ends_with("cifar10") || network.starts_with("fig1") ? std::vector{2, 3, 4, 7, 32}
                                                                     : std::vector{2, 3, 7};
}

TEST_P(Bits, OfAPictureDoNotDependOnItsBatch) {
  Network one = make(1, 1, Phase::inference);
  const int64_t size = image(one);
  std::vector<Values> alone;
  for (int64_t i = 0; i < 5; ++i) alone.push_back(answer(one, pictures(i, 1, size)));
  for (const int64_t batch : {2, 3, 4, 5, 33}) {
    Network net = make(batch, 2, Phase::inference);
    for (const int64_t first : {int64_t{0}, int64_t{2}}) {
      // the known pictures, and at the batch's end some of them again
      Values images = pictures(first, std::min<int64_t>(batch, 3), size);
      images.resize(static_cast<size_t>(batch * size), 0.25f);
      const Values last = pictures(4, 1, size);
      std::copy(last.begin(), last.end(), images.end() - size);
      const Values got = answer(net, images);
      const size_t row = alone[0].size();
      const auto of = [&](int64_t i) {
        return std::span(got).subspan(static_cast<size_t>(i) * row, row);
      };
      for (int64_t i = 0; i + 1 < std::min<int64_t>(batch, 3); ++i)
        EXPECT_TRUE(same_bits(of(i), alone[static_cast<size_t>(first + i)])) << batch << ", " << i;
      EXPECT_TRUE(same_bits(of(batch - 1), alone[4])) << "the last of " << batch;
    }
  }
}

TEST_P(Bits, OfAnAnswerDoNotDependOnTheThreads) {
  for (const int64_t batch : {1, 6}) {
    Network one = make(batch, 1, Phase::inference);
    const Values images = pictures(0, batch, image(one)), want = answer(one, images);
    for (const int threads : some_threads(GetParam())) {
      Network net = make(batch, threads, Phase::inference);
      EXPECT_TRUE(same_bits(answer(net, images), want)) << threads << " threads, batch " << batch;
    }
  }
}

TEST_P(Bits, OfGradientsDoNotDependOnTheThreads) {
  constexpr int64_t batch = 9;
  const auto gradients = [&](int threads) {
    Network net = make(batch, threads, Phase::training);
    net.set_input(pictures(0, batch, image(net)));
    std::vector<int32_t> labels;
    for (int32_t i = 0; i < batch; ++i) labels.push_back(i);
    net.set_labels(labels);
    net.forward();
    net.backward();
    std::vector<Values> all;
    for (size_t i = 0; i < net.params().size(); ++i) all.push_back(net.read_gradient(i));
    return all;
  };
  const std::vector<Values> want = gradients(1);
  for (const int threads : some_threads(GetParam())) {
    const std::vector<Values> got = gradients(threads);
    for (size_t i = 0; i < want.size(); ++i)
      EXPECT_TRUE(same_bits(got[i], want[i])) << threads << " threads, parameter " << i;
  }
}

// The first action of a pass is all convolutions.
int64_t parts_of_convolutions(int64_t batch, int threads) {
  const auto loop = std::make_shared<Counted>(threads);
  NetworkOptions options;
  options.batch = batch;
  Network net(make_model("alexnet-cifar10"), open_devices("cpu", 0, {nullptr, loop}), options);
  net.load(random_weights(1));
  net.set_input(Values(static_cast<size_t>(element_count(net.input_shape())), .5f));
  loop->forget();
  net.forward();
  return loop->most();
}

TEST(Parts, AreEnoughForManyThreads) {
  for (const int threads : {16, 32}) EXPECT_GE(parts_of_convolutions(32, threads), 32) << threads;
  EXPECT_GE(parts_of_convolutions(1, 8), 16) << "one picture";
}

std::string underlined(const testing::TestParamInfo<std::string>& test) {
  std::string name = test.param;
  std::ranges::replace(name, '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Networks, Bits,
                         testing::Values("alexnet-cifar10", "convnet-18pct", "fig1-tanh"),
                         underlined);
INSTANTIATE_TEST_SUITE_P(Large, Bits,
                         testing::Values("alexnet", "alexnet-2012", "alexnet-2012-original",
                                         "caffenet", "alexnet-caffe"),
                         underlined);

}  // namespace
}  // namespace alx
