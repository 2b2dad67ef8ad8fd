// What the tests of wrong arguments share.
#pragma once
#include <alexnet/alexnet.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

// One call that must be refused, and the argument that its text must name.
struct Refusal {
  const char* argument;
  std::function<alexnet_status()> call;
};

inline void expect_refused(const std::vector<Refusal>& refusals) {
  for (size_t i = 0; i < refusals.size(); ++i) {
    EXPECT_EQ(refusals[i].call(), ALEXNET_ERROR_INVALID_ARGUMENT)
        << "call " << i << ", " << refusals[i].argument;
    EXPECT_NE(std::string(alexnet_last_error()).find(refusals[i].argument), std::string::npos)
        << "call " << i << ": " << alexnet_last_error();
  }
}

class Arguments : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    ASSERT_EQ(alexnet_model_open(nullptr, nullptr, nullptr, &model), ALEXNET_OK)
        << alexnet_last_error();
    ASSERT_EQ(alexnet_session_create(model, nullptr, &session), ALEXNET_OK) << alexnet_last_error();
    ASSERT_EQ(alexnet_image_create(&image), ALEXNET_OK);
    ASSERT_EQ(alexnet_weights_open(ALEXNET_BUNDLED, &weights), ALEXNET_OK) << alexnet_last_error();
  }
  static void TearDownTestSuite() {
    alexnet_weights_free(weights);
    alexnet_image_free(image);
    EXPECT_EQ(alexnet_session_free(session), ALEXNET_OK);
    alexnet_model_free(model);
  }
  // What no refused call may touch.
  static constexpr double untouched = -12345;
  int64_t number_ = -12345;
  double real_ = untouched;
  const char* text_ = "untouched";
  void TearDown() override {
    EXPECT_EQ(number_, -12345);
    EXPECT_EQ(real_, untouched);
    EXPECT_STREQ(text_, "untouched");
  }
  static inline alexnet_model* model = nullptr;
  static inline alexnet_session* session = nullptr;
  static inline alexnet_image* image = nullptr;
  static inline alexnet_weights* weights = nullptr;
};
