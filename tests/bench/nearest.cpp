// nearest [ROWS [COLUMNS [THREADS]]]: milliseconds of an exact search over so many features
// (100,000 x 4096, one thread for each core), the median of nine, in memory and mapped from a file
// that the system's cache holds.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "backends/host_buffer.h"
#include "core/error.h"
#include "core/mapped_file.h"
#include "core/workers.h"
#include "network/nearest.h"

namespace {

double median_ms(std::span<const float> query, std::span<const std::byte> rows, int threads) {
  std::vector<double> times;
  for (int i = 0; i < 10; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    alx::nearest(query, rows, 6, *alx::make_workers(threads));
    times.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
            .count());
  }
  times.erase(times.begin());  // it touches the memory for the first time
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

}  // namespace

int main(int argc, char** argv) try {
  const size_t rows = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100'000;
  const size_t columns = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 4096;
  const int threads = argc > 3 ? std::atoi(argv[3]) : 0;
  const auto buffer = alx::make_host_buffer(rows * columns * sizeof(float), nullptr);
  const std::span values(static_cast<float*>(buffer->data()), rows * columns);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(i * 2654435761 % 65537) / 65537;
  const std::vector<float> query(values.begin(),
                                 values.begin() + static_cast<std::ptrdiff_t>(columns));
  const auto path = (std::filesystem::temp_directory_path() / "alexnet-nearest.bench").string();
  std::ofstream(path, std::ios::binary)
      .write(static_cast<const char*>(buffer->data()),
             static_cast<std::streamsize>(buffer->bytes()));
  {
    const alx::MappedFile file(path);
    std::cout << "in memory " << median_ms(query, std::as_bytes(values), threads) << " ms, mapped "
              << median_ms(query, file.bytes(), threads) << " ms\n";
  }
  std::filesystem::remove(path);
} catch (const std::exception& error) {
  std::cerr << "nearest: " << error.what() << '\n';
  return 1;
}
