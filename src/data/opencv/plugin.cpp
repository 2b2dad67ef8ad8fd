// libalexnet_opencv.so: pictures by OpenCV, which draws in more than a hundred libraries. The only
// user of OpenCV.
#include "data/opencv/plugin.h"

#include <algorithm>
#include <exception>
#include <iostream>
#include <limits>
#include <opencv2/imgcodecs.hpp>
#include <streambuf>
#include <string>

#include "core/text.h"
#include "data/decode.h"

namespace {

thread_local std::string* heard = nullptr;  // of the decoding that this thread is in

// OpenCV writes warnings and why it failed to std::cerr, and can be told nothing else. What a
// thread writes while it decodes is kept for the log; all else goes where it went.
class Listener : public std::streambuf {
 public:
  explicit Listener(std::streambuf* behind) : behind_(behind) {}

 protected:
  std::streamsize xsputn(const char* text, std::streamsize count) override {
    if (heard == nullptr) return behind_->sputn(text, count);
    heard->append(text, static_cast<size_t>(count));
    return count;
  }
  int_type overflow(int_type c) override {
    if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
    const char one = traits_type::to_char_type(c);
    return xsputn(&one, 1) == 1 ? c : traits_type::eof();
  }
  int sync() override { return heard == nullptr ? behind_->pubsync() : 0; }

 private:
  std::streambuf* behind_;
};

struct Hearing {
  std::string text;
  Hearing() {
    // Never taken back nor freed: another thread may be writing, and the process ends with it.
    static Listener* const listener = [] {
      auto* made = new Listener(std::cerr.rdbuf());
      std::cerr.rdbuf(made);
      return made;
    }();
    static_cast<void>(listener);
    heard = &text;
  }
  ~Hearing() { heard = nullptr; }
  Hearing(const Hearing&) = delete;
  Hearing& operator=(const Hearing&) = delete;
};

// Over white. libtiff has multiplied colours of 8 bits by alpha already; of 16 the high byte
// counts, as Pillow takes it.
uint8_t shown(uint8_t v, uint8_t alpha) {
  return static_cast<uint8_t>(std::min(255, v + 255 - alpha));
}
uint8_t shown(uint16_t v, uint16_t alpha) { return alx::over_white(v >> 8, alpha >> 8); }

// One row of grey, BGR or BGRA to RGB.
template <class T>
void to_rgb(const T* in, int width, int channels, uint8_t* out) {
  for (int x = 0; x < width; ++x, in += channels, out += 3) {
    const T alpha = channels == 4 ? in[3] : std::numeric_limits<T>::max();
    for (int c = 0; c < 3; ++c) out[c] = shown(in[channels == 1 ? 0 : 2 - c], alpha);
  }
}

// 0, 1 or 2 as in plugin.h.
int decode(const uint8_t* bytes, size_t size, int64_t width, int64_t height, uint8_t* rgb,
           std::string& fault) {
  if (size > size_t{std::numeric_limits<int>::max()}) {
    fault = "too many bytes for one picture";
    return 1;
  }
  // OpenCV only reads the buffer but has no header for constant bytes.
  const cv::Mat buffer(1, static_cast<int>(size), CV_8UC1, const_cast<uint8_t*>(bytes));
  const cv::Mat decoded = cv::imdecode(buffer, cv::IMREAD_UNCHANGED);
  if (decoded.empty()) return 1;
  const int channels = decoded.channels();
  const bool known = (channels == 1 || channels == 3 || channels == 4) &&
                     (decoded.depth() == CV_8U || decoded.depth() == CV_16U) &&
                     decoded.cols == width && decoded.rows == height;
  if (!known) {
    fault = "it decodes to pixels of an unknown form";
    return 1;
  }
  for (int y = 0; y < decoded.rows; ++y, rgb += width * 3) {
    if (decoded.depth() == CV_8U) {
      to_rgb(decoded.ptr<uint8_t>(y), decoded.cols, channels, rgb);
    } else {
      to_rgb(decoded.ptr<uint16_t>(y), decoded.cols, channels, rgb);
    }
  }
  return 0;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int alexnet_opencv_decode_1(
    const uint8_t* bytes, size_t size, int64_t width, int64_t height, uint8_t* rgb,
    alexnet_opencv_say* say, void* user) {
  try {
    Hearing hearing;
    std::string fault;
    int result = 1;
    try {
      result = decode(bytes, size, width, height, rgb, fault);
    } catch (const cv::Exception& error) {
      result = error.code == cv::Error::StsNoMem ? 2 : 1;
      fault = error.err;
    }
    for (const std::string& line : alx::split(hearing.text, '\n'))
      if (!line.empty()) say(user, line.c_str());
    if (!fault.empty()) say(user, fault.c_str());
    return result;
  } catch (const std::bad_alloc&) {
    return 2;
  } catch (const std::exception& error) {
    say(user, error.what());
    return 1;
  }
}
