// For tests of errors: what was refused, and in which words.
#pragma once
#include <gtest/gtest.h>

#include <string>

#include "core/error.h"

namespace alx {

inline testing::AssertionResult has(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "\"" << part << "\" is not in: " << text;
}

template <class F>
std::string error_of(F&& act, Code expected = Code::invalid_argument) {
  try {
    act();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), expected) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was refused";
  return "";
}

}  // namespace alx
