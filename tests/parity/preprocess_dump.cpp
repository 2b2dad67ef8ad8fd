// What preprocess_parity.py compares: writes decoded pixels, or the network's input, of pictures to
// stdout.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "data/image.h"
#include "data/preprocess.h"

namespace {

template <class T>
void write(const T* data, size_t count) {
  std::fwrite(data, sizeof(T), count, stdout);
}

// width, height and RGB bytes; or the floats of the centre crop.
void dump(const std::string& mode, const char* path) {
  const alx::Image image = alx::read_image(path);
  if (mode == "decode") {
    write(&image.width, 1);
    write(&image.height, 1);
    write(image.pixels.data(), image.pixels.size());
    return;
  }
  alx::InputSpec input;
  input.mean = {0.485f, 0.456f, 0.406f};
  input.std = {0.229f, 0.224f, 0.225f};
  const alx::Preprocessor preprocess(input);
  std::vector<float> values(static_cast<size_t>(3 * input.height * input.width));
  preprocess.center(preprocess.prepare(image), values);
  write(values.data(), values.size());
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode != "decode" && mode != "input") {
    std::fprintf(stderr, "usage: preprocess_dump decode|input PICTURE...\n");
    return 2;
  }
  try {
    for (int i = 2; i < argc; ++i) dump(mode, argv[i]);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "preprocess_dump: %s\n", e.what());
    return 1;
  }
  return 0;
}
