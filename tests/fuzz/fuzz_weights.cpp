// libFuzzer's entry for weight files of every kind. Any input may be refused with an alx::Error;
// nothing else may happen.
//   cmake -DALEXNET_FUZZ=ON -DCMAKE_CXX_COMPILER=clang++ ... && bin/fuzz_weights -max_total_time=60
//   -malloc_limit_mb=16 -timeout=10 CORPUS tests/golden/weights
// Files of at most 64 kB, as libFuzzer makes them, must do with that much memory at once.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/error.h"
#include "models/zoo.h"
#include "network/detect.h"
#include "weights/model_weights.h"

namespace {

// A file in memory, opened by its path as any other.
class MemoryFile {
 public:
  MemoryFile(const uint8_t* data, size_t size) : file_(memfd_create("fuzz", MFD_CLOEXEC)) {
    if (file_ < 0 || write(file_, data, size) != static_cast<ssize_t>(size)) __builtin_trap();
  }
  ~MemoryFile() { close(file_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }

 private:
  int file_;
};

template <class Act>
void try_to(Act&& act) {
  try {
    act();
  } catch (const alx::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const MemoryFile bytes(data, size);
  try_to([&] {
    const alx::WeightFile file = alx::WeightFile::open(bytes.path());
    size_t all = 0;
    for (const alx::TensorView& tensor : file.tensors()) {
      if ((all += tensor.data.size()) / 8 > size) __builtin_trap();  // sharing is bounded
      std::vector<float> values(static_cast<size_t>(alx::element_count(tensor.shape)));
      try_to([&] { file.read(tensor, values); });
    }
    file.faults();
    try_to([&] { alx::guess_model(file); });
    try_to([&] {
      alx::check_against(file, alx::params_of(alx::make_model("alexnet-cifar10")),
                         "alexnet-cifar10");
    });
  });
  return 0;
}
