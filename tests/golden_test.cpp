// Every network of the zoo against torch in float64: logits, losses, activations and gradients.
#include <gtest/gtest.h>

#include <algorithm>

#include "backends/registry.h"
#include "golden_networks.h"
#include "models/zoo.h"

namespace alx {
namespace {

using namespace test;

class GoldenNetwork : public ::testing::TestWithParam<std::string> {
 protected:
  const Golden golden_{GetParam()};
  NetSpec spec_ = make_model(GetParam());
  const std::vector<std::shared_ptr<Backend>> devices_ = open_devices("cpu");
};

TEST_P(GoldenNetwork, ParametersHaveTheFormatsNamesAndShapes) {
  const auto params = params_of(spec_);
  EXPECT_EQ(params.size(), golden_.at("parameters").size());
  for (const ParamSpec& param : params) {
    ASSERT_TRUE(golden_.at("parameters").contains(param.name)) << param.name;
    EXPECT_EQ(param.shape, golden_.parameter(param.name).at("shape").get<Shape>()) << param.name;
  }
}

TEST_P(GoldenNetwork, InferenceGivesTorchsNumbers) {
  expect_torchs_answers(golden_, spec_, devices_);
}
TEST_P(GoldenNetwork, TrainingGivesTorchsGradients) {
  expect_torchs_gradients(golden_, spec_, devices_);
}

INSTANTIATE_TEST_SUITE_P(Zoo, GoldenNetwork, ::testing::ValuesIn(model_names()),
                         [](const auto& instance) {
                           std::string name = instance.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace alx
