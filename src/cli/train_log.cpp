#include "cli/train_log.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <limits>
#include <string_view>

#include "core/atomic_file.h"
#include "core/error.h"
#include "core/number.h"
#include "core/path.h"
#include "data/read_file.h"
#include "plot/plot.h"

namespace alx::cli {
namespace {

constexpr const char* heading =
    "step,epoch,rate,train_loss,train_accuracy,val_loss,val_top1,val_top5,images_per_second,waited_"
    "ms";
constexpr size_t columns = 10;

std::string text_of(const EpochRow& row) {
  std::string text = std::to_string(row.step);
  const auto add = [&](double value) { text += "," + general(value, 7); };
  for (double value : {row.epoch, row.rate, row.train_loss, row.train_accuracy}) add(value);
  if (row.validation)
    for (double value : {row.validation->loss, row.validation->top1, row.validation->top5})
      add(value);
  else
    text += ",,,";
  for (double value : {row.images_per_second, row.waited_ms}) add(value);
  return text + "\n";
}

// False where the line is no row of ours.
bool parse(const std::string& line, EpochRow& row) {
  std::array<double, columns> values{};
  size_t count = 0;
  for (std::string_view rest = line; !rest.empty(); ++count) {
    if (count == columns) return false;
    const std::string_view cell = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), cell.size() + 1));
    const std::optional<double> value =
        cell.empty() ? std::numeric_limits<double>::quiet_NaN() : parse_number<double>(cell);
    if (!value) return false;
    values[count] = *value;
  }
  if (count != columns || !(values[0] >= 0 && values[0] < 1e15)) return false;
  row = {static_cast<int64_t>(values[0]),
         values[1],
         values[2],
         values[3],
         values[4],
         {},
         values[8],
         values[9]};
  if (values[5] == values[5]) {
    row.validation.emplace();
    row.validation->loss = values[5];
    row.validation->top1 = values[6];
    row.validation->top5 = values[7];
  }
  return true;
}

}  // namespace

TrainLog::TrainLog(const std::string& path, int64_t step) : path_(path) {
  if (path.empty() || step <= 0) return;
  std::error_code ignored;
  // a log may begin with a resumed run
  if (!std::filesystem::exists(to_path(path), ignored)) return;
  const std::vector<std::byte> bytes = read_file(path);
  std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (size_t number = 1; !rest.empty(); ++number) {
    std::string line(rest.substr(0, rest.find('\n')));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (!line.empty() && line.back() == '\r') line.pop_back();
    EpochRow row;
    const bool good = number == 1 ? line == heading : parse(line, row);
    check(good, Code::bad_file, path, " is no log of a training run, see its line ", number,
          "; give another file with --log");
    if (number > 1 && row.step <= step) rows_.push_back(row);
  }
}

void TrainLog::add(const EpochRow& row) {
  rows_.push_back(row);
  if (path_.empty()) return;
  std::string text = std::string(heading) + '\n';
  for (const EpochRow& each : rows_) text += text_of(each);
  AtomicFile file(path_, text.size());
  file.write(0, std::as_bytes(std::span(text)));
  file.commit();
}

void TrainLog::plot(const std::string& path, const std::string& title) const {
  Series train_loss{"training", {}}, train_error = train_loss, loss{"validation", {}},
                                     top1{"validation, top 1", {}}, top5{"validation, top 5", {}};
  for (const EpochRow& row : rows_) {
    train_loss.points.emplace_back(row.epoch, row.train_loss);
    train_error.points.emplace_back(row.epoch, 1 - row.train_accuracy);
    if (!row.validation) continue;
    loss.points.emplace_back(row.epoch, row.validation->loss);
    top1.points.emplace_back(row.epoch, 1 - row.validation->top1);
    top5.points.emplace_back(row.epoch, 1 - row.validation->top5);
  }
  Panel losses{"loss", {train_loss}}, errors{"error", {train_error}, true};
  if (!loss.points.empty()) {
    losses.series.push_back(loss);
    errors.series.push_back(top1);
    errors.series.push_back(top5);
  }
  plot_curves(path, title, "epoch", {losses, errors});
}

}  // namespace alx::cli
