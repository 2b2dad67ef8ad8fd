// Runs one op on a backend the way a plan does, with dense host data in and out.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "backends/backend.h"

namespace alx::test {

using Values = std::vector<float>;  // of a dense tensor; labels are stored as whole numbers

// Every backend that this build and machine can run, each once; the reference is the first.
const std::vector<std::shared_ptr<Backend>>& backends();
std::shared_ptr<Backend> backend_named(const std::string& name);

struct OpData {
  std::vector<Values> inputs, params, output_grads;
};

struct OpResult {
  std::vector<Values> outputs, input_grads, param_grads;
  // of finite values: bit-equal but for the sign of zero
  bool operator==(const OpResult&) const = default;
};

struct OpRun {
  std::string name = "node";
  Phase phase = Phase::training;
  StepContext step = {};
  // whether results take the memory of their sources where the kernel allows it
  bool share = false;
  std::vector<bool> input_grads = {};  // empty: of every input but labels
  Precision precision = Precision::fp32;
  LayerPart part = {};  // without a layer's name: the node is a layer by itself
};

// Memory that a kernel must write, and memory it promised not to read, is filled with not-a-number
// first; a kernel that writes beyond its memory makes the test fail.
OpResult run_op(Backend& backend, const Op& op, const std::vector<Shape>& inputs,
                const OpData& data, const OpRun& run);

struct OpTimes {
  KernelSpec spec;
  double forward, backward;  // seconds; 0 where there is nothing to run
};

// Each pass again and again for this long: the medians.
OpTimes time_op(Backend& backend, const Op& op, const std::vector<Shape>& inputs,
                const OpData& data, const OpRun& run, double seconds);

// Why the backend has no kernel for this op, in words that name the op; empty where it has one.
std::string refusal_of(Backend& backend, const Op& op, const std::vector<Shape>& inputs,
                       const OpRun& run);

// Uniform in [-scale, scale), from a counter.
Values random_values(int64_t count, uint64_t stream, float scale = 1);

double dot(const Values& a, const Values& b);
double norm(const Values& a);
double max_error(const Values& got, const Values& want);  // max|difference| / max|want|
// L2; infinite where a value is not finite
double relative_error(const Values& got, const Values& want);

}  // namespace alx::test
