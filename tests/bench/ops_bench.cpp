// ops_bench [--model table,NETWORK...] [--batch N] [--threads 1,2...] [--filter TEXT]
//           [--seconds X] [--device NAME] [--phase training|inference]
// What each op takes by itself, forward and backward: of tests/ops_cases.h ("table", the default)
// or of zoo networks as they are lowered. Milliseconds and rate are with the first number of
// threads, behind them stands how many times faster the others are. A pass is repeated for so many
// seconds (0.2) and its median counts, so what fits the cache is read from there. --batch: pictures
// of a network (32), and at least so many in each case of the table, which are tiny as they stand.
// --filter: ops with this in their names. scripts/bench-ops builds and runs it.
#include <algorithm>
#include <iomanip>
#include <iostream>
#include <map>

#include "backends/registry.h"
#include "core/error.h"
#include "core/number.h"
#include "core/text.h"
#include "models/zoo.h"
#include "network/network.h"
#include "ops_data.h"
#include "plan/lower.h"

namespace {

using namespace alx;
using namespace alx::test;

using Options = std::map<std::string, std::string>;

Options options_of(int argc, char** argv) {
  Options options{{"--model", "table"},   {"--batch", "0"},    {"--threads", "1,2"},
                  {"--filter", ""},       {"--seconds", ".2"}, {"--device", "cpu"},
                  {"--phase", "training"}};
  for (int i = 1; i < argc; i += 2) {
    check(options.contains(argv[i]) && i + 1 < argc, Code::invalid_argument, argv[i],
          " is no option with a value; see the head of tests/bench/ops_bench.cpp");
    options[argv[i]] = argv[i + 1];
  }
  return options;
}

template <class Number>
Number number(const std::string& text) {
  const auto value = parse_number<Number>(text);
  check(value && *value >= 0, Code::invalid_argument, text, " is no such number");
  return *value;
}

struct Timed {
  OpCase c;
  std::vector<bool> input_grads;  // as OpRun has them
};

// All inputs grow alike, so that what holds between their numbers of pictures still does.
std::vector<Timed> table(Phase phase, int64_t batch) {
  std::vector<Timed> list;
  for (OpCase& c : op_cases()) {
    const int64_t own = c.inputs[0][0], factor = std::max<int64_t>(1, (batch + own - 1) / own);
    for (Shape& shape : c.inputs) shape[0] *= factor;
    if (phase == Phase::inference) c.phase = phase;
    list.push_back({std::move(c), {}});
  }
  return list;
}

std::vector<Timed> layers(const std::string& model, Phase phase, int64_t batch) {
  LowerRequest request;
  request.batch = batch;
  request.phase = phase;
  request.loss = phase == Phase::training;
  const Lowered net = lower(make_model(model), request);
  std::vector<Timed> list;
  for (const LoweredNode& node : net.nodes) {
    Timed timed{{model + "/" + node.name, node.op, {}, phase}, {}};
    timed.c.part = node.layer;
    for (size_t input : node.inputs) {
      timed.c.inputs.push_back(net.values[input].shape);
      if (phase == Phase::training) timed.input_grads.push_back(net.values[input].needs_grad);
    }
    list.push_back(std::move(timed));
  }
  return list;
}

std::vector<Timed> wanted(const Options& options) {
  const std::string& word = options.at("--phase");
  check(word == "training" || word == "inference", Code::invalid_argument, "--phase is ", word);
  const Phase phase = word == "training" ? Phase::training : Phase::inference;
  const auto batch = number<int64_t>(options.at("--batch"));
  std::vector<Timed> list;
  for (const std::string& model : split(options.at("--model"), ','))
    for (Timed& timed :
         model == "table" ? table(phase, batch) : layers(model, phase, batch ? batch : 32))
      if (timed.c.name.find(options.at("--filter")) != std::string::npos)
        list.push_back(std::move(timed));
  check(!list.empty(), Code::not_found, "no op has ", options.at("--filter"), " in its name");
  return list;
}

std::string text_of(const Shape& shape) {
  std::string text;
  for (int64_t size : shape) text += cat(text.empty() ? "" : "x", size);
  return text;
}

// "32x3x67x67 > 32x24x15x15"
std::string shapes_of(const OpCase& c) {
  std::string text;
  for (const Shape& shape : c.inputs) text += (text.empty() ? "" : " ") + text_of(shape);
  return text + " > " + text_of(output_shapes(c.op, c.inputs)[0]);
}

std::string rate_of(const OpCase& c, const KernelSpec& spec, bool backward, double seconds) {
  const PassCost cost = cost_of(spec, backward);
  const auto operations = static_cast<double>(2 * cost.products * multiply_adds(c.op, c.inputs));
  if (operations > 0) return fixed(operations / seconds / 1e9, 1) + " GFLOP/s";
  return fixed(static_cast<double>(cost.bytes) / seconds / 1e9, 1) + " GB/s";
}

void print(const std::string& text, int width) { std::cout << "  " << std::setw(width) << text; }

// One pass in the columns of print_heading().
void print_pass(const OpCase& c, const std::vector<OpTimes>& times, double OpTimes::*pass) {
  const double first = times[0].*pass;
  print(first > 0 ? fixed(first * 1e3, 4) : "", 11);
  print(first > 0 ? rate_of(c, times[0].spec, pass == &OpTimes::backward, first) : "", 14);
  for (size_t i = 1; i < times.size(); ++i)
    print(first > 0 ? fixed(first / times[i].*pass, 2) : "", 9);
}

void print_heading(const std::vector<std::string>& threads, int names, int shapes) {
  std::cout << std::left << std::setw(names) << "op"
            << "  " << std::setw(shapes) << "shapes" << std::right;
  for (const char* pass : {"forward ms", "backward ms"}) {
    print(pass, 11);
    print("", 14);
    for (size_t i = 1; i < threads.size(); ++i) print(threads[i] + " threads", 9);
  }
  std::cout << "  kernel\n";
}

void bench(const Options& options) {
  const std::vector<Timed> list = wanted(options);
  const std::vector<std::string> threads = split(options.at("--threads"), ',');
  const auto seconds = number<double>(options.at("--seconds"));
  std::vector<std::shared_ptr<Backend>> devices;
  for (const std::string& count : threads)
    devices.push_back(open_device(options.at("--device"), number<int>(count)));
  size_t names = 2, shapes = 6;
  for (const Timed& timed : list) {
    names = std::max(names, timed.c.name.size());
    shapes = std::max(shapes, shapes_of(timed.c).size());
  }
  print_heading(threads, static_cast<int>(names), static_cast<int>(shapes));
  for (const auto& [c, input_grads] : list) {
    std::cout << std::left << std::setw(static_cast<int>(names)) << c.name << "  "
              << std::setw(static_cast<int>(shapes)) << shapes_of(c) << std::right;
    const OpData data = data_for(c);
    OpRun run = run_of(c, c.phase);
    run.input_grads = input_grads;
    std::vector<OpTimes> times;
    try {
      for (const auto& device : devices)
        times.push_back(time_op(*device, c.op, c.inputs, data, run, seconds));
    } catch (const Error& error) {
      if (error.code() != Code::unsupported) throw;
      std::cout << "  " << error.what() << std::endl;
      continue;
    }
    print_pass(c, times, &OpTimes::forward);
    print_pass(c, times, &OpTimes::backward);
    const KernelSpec& spec = times[0].spec;
    std::cout << "  " << spec.implementation;
    if (c.phase == Phase::training && spec.backward_text() != spec.implementation)
      std::cout << ", " << spec.backward_text();
    std::cout << std::endl;
  }
}

}  // namespace

int main(int argc, char** argv) try {
  bench(options_of(argc, argv));
} catch (const std::exception& error) {
  std::cerr << "ops_bench: " << error.what() << '\n';
  return 1;
}
