// What the tests of the C++ layer share.
#pragma once
#include <gtest/gtest.h>

#include <alexnet/alexnet.hpp>
#include <string>

// The status that the call throws, whose text must have this part; OK where it throws none.
template <class Call>
alexnet_status status_of(Call&& call, const char* part = "") {
  try {
    call();
    return ALEXNET_OK;
  } catch (const alexnet::Error& error) {
    EXPECT_STRNE(error.what(), "");
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    return error.status();
  }
}
