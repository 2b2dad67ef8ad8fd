// Names what is in a picture: classify PICTURE [WEIGHTS]. Without a weight file, those that come
// with the library.
#include <alexnet/alexnet.hpp>
#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: classify PICTURE [WEIGHTS]\n");
    return 2;
  }
  try {
    const alexnet::Model model(argc > 2 ? argv[2] : "");
    alexnet::Session session(model);
    for (const auto& answer : session.classify(argv[1]).top(5))
      std::printf("%5.1f%%  %s\n", 100.0 * answer.probability, answer.label.c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "classify: %s\n", error.what());
    return 1;
  }
}
