#include "cli/bench_layers.h"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "core/number.h"

namespace alx::cli {
namespace {

// Multiply-adds of one picture by the name of the layer, which is the kernel's.
std::map<std::string, int64_t> multiply_adds_of(const NetSpec& spec) {
  std::map<std::string, int64_t> all;
  for (const LayerInfo& layer : layer_table(spec)) all[layer.name] = layer.multiply_adds;
  return all;
}

struct Row {
  ActionTime time;
  double operations;            // a second; of the direct sums, whatever the kernel makes of them
  double bytes;                 // a second
  std::optional<double> share;  // of the limit that it is nearer to
};

std::vector<Row> rows_of(const std::vector<ActionTime>& times, const NetSpec& spec, int64_t batch,
                         const std::optional<Peak>& peak) {
  std::map<std::string, int64_t> multiply_adds = multiply_adds_of(spec);
  std::vector<Row> rows;
  for (const ActionTime& time : times) {
    const double operations =
        2 * static_cast<double>(time.cost.products * multiply_adds[time.name] * batch);
    Row row{
        time, operations / time.seconds, static_cast<double>(time.cost.bytes) / time.seconds, {}};
    if (peak) row.share = std::max(row.operations / peak->operations, row.bytes / peak->bytes);
    rows.push_back(std::move(row));
  }
  return rows;
}

Json to_json(const std::vector<Row>& rows, const std::optional<Peak>& peak) {
  Json list = Json::array();
  for (const Row& row : rows) {
    list.push_back({{"pass", row.time.backward ? "backward" : "forward"},
                    {"name", row.time.name},
                    {"implementation", row.time.implementation},
                    {"ms", row.time.seconds * 1e3},
                    {"gflops", row.operations / 1e9},
                    {"gbytes_per_second", row.bytes / 1e9}});
    if (row.share) list.back()["share_of_peak"] = *row.share;
  }
  Json result{{"layers", std::move(list)}};
  if (peak)
    result["peak"] = {{"gflops", peak->operations / 1e9}, {"gbytes_per_second", peak->bytes / 1e9}};
  return result;
}

void print(const std::vector<Row>& rows, const std::optional<Peak>& peak) {
  std::vector<std::vector<std::string>> table{
      {"pass", "layer", "ms", "GFLOP/s", "GB/s", "of peak", "implementation"}};
  double seconds = 0;
  for (const Row& row : rows) {
    seconds += row.time.seconds;
    table.push_back({row.time.backward ? "backward" : "forward", row.time.name,
                     fixed(row.time.seconds * 1e3, 3),
                     row.operations > 0 ? fixed(row.operations / 1e9, 1) : "",
                     fixed(row.bytes / 1e9, 1), row.share ? fixed(*row.share * 100, 0) + "%" : "",
                     row.time.implementation});
  }
  table.push_back({"", "all", fixed(seconds * 1e3, 3), "", "", "", ""});
  print_table(table, "llrrrrl");
  if (peak)
    std::cout << "\npeak measured here: " << fixed(peak->operations / 1e9, 1) << " GFLOP/s, "
              << fixed(peak->bytes / 1e9, 1) << " GB/s read; a share above 100% is Winograd's, "
              << "which multiplies less, or a cache's\n";
}

}  // namespace

Exit bench_layers(Network& network, const NetSpec& spec, int64_t batch, double seconds, bool json) {
  double once = 0;
  for (const ActionTime& time : network.profile(3)) once += time.seconds;
  const int repeats = std::clamp(static_cast<int>(std::lround(seconds / once)), 5, 10'000);
  const std::vector<ActionTime> times = network.profile(repeats);
  Backend* const device = network.only_device();
  const std::optional<Peak> peak = device ? device->measure_peak() : std::nullopt;
  const std::vector<Row> rows = rows_of(times, spec, batch, peak);
  if (json) return print_json(to_json(rows, peak));
  print(rows, peak);
  return done;
}

}  // namespace alx::cli
