// Pictures on threads that have set up COM in their own ways.
#include <objbase.h>
#include <windows.h>

#include <thread>
#include <vector>

#include "golden_files.h"

namespace alx {
namespace {

TEST(Image, ThreadsKeepTheirOwnCom) {
  const auto decode = [] {
    EXPECT_EQ(difference(read_image(golden("rgb.png")), golden_ppm("rgb.ppm")), 0);
  };
  std::vector<std::thread> threads;
  for (const DWORD model : {COINIT_APARTMENTTHREADED, COINIT_MULTITHREADED}) {
    threads.emplace_back([&decode, model] {
      ASSERT_EQ(CoInitializeEx(nullptr, model), S_OK);
      for (int i = 0; i < 20; ++i) decode();
      EXPECT_EQ(CoInitializeEx(nullptr, model), S_FALSE);  // still as it was
      CoUninitialize();
      CoUninitialize();
    });
  }
  for (int thread = 0; thread < 2; ++thread) {
    threads.emplace_back([&decode] {
      for (int i = 0; i < 20; ++i) decode();
      EXPECT_EQ(CoInitializeEx(nullptr, COINIT_APARTMENTTHREADED), S_OK);  // still open
      CoUninitialize();
      decode();
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace alx
