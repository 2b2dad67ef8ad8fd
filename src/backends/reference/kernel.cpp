#include "backends/reference/kernel.h"

#include <cmath>

#include "backends/dense_spec.h"
#include "backends/reference/quantized.h"
#include "backends/reference/reference.h"
#include "core/error.h"

namespace alx::reference {

ReferenceKernel::ReferenceKernel(const Op& op, const CompileRequest& request)
    : training_(request.phase == Phase::training), step_(request.step) {
  spec_ = dense_spec(op, request, DataType::f32, DataType::f32);
  if (request.types.weights == DataType::i8)
    spec_.params.at(0) = {spec_.params.at(0).shape, DataType::i8, nullptr, /*row_scales=*/true};
  spec_.implementation = "plain loops";
}

const float* ReferenceKernel::weight(void* scratch) const {
  if (spec_.params[0].type == DataType::f32) return param(0);
  dequantize(spec_.params[0], memory_.params[0], static_cast<float*>(scratch));
  return static_cast<const float*>(scratch);
}

double activate(Activation activation, double x) {
  switch (activation) {
    case Activation::none: return x;
    case Activation::relu: return x > 0 || std::isnan(x) ? x : 0;
    case Activation::tanh: return std::tanh(x);
  }
  return x;
}

double activation_derivative(Activation activation, double y) {
  switch (activation) {
    case Activation::none: return 1;
    case Activation::relu: return y > 0 ? 1 : 0;
    case Activation::tanh: return 1 - y * y;
  }
  return 1;
}

double dot(const float* a, const float* b, int64_t count) {
  constexpr int64_t lanes = 8;  // independent sums, for the vector units
  double sums[lanes] = {};
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes)
    for (int64_t lane = 0; lane < lanes; ++lane)
      sums[lane] += static_cast<double>(a[i + lane]) * static_cast<double>(b[i + lane]);
  double sum = 0;
  for (; i < count; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  for (double lane : sums) sum += lane;
  return sum;
}

}  // namespace alx::reference

namespace alx {

std::unique_ptr<Kernel> reference_kernel(const Op& op, const CompileRequest& request) {
  check(request.types.activations == DataType::f32 && !request.types.tf32, Code::unsupported,
        request.name, ": the plain loops compute in F32 alone, not in ",
        name_of(request.types.activations), "; ask for fp32 or another device");
  check(request.input_grads.empty() || request.input_grads.size() == request.inputs.size(),
        Code::internal, request.name, ": ", request.input_grads.size(), " gradients asked for ",
        request.inputs.size(), " inputs");
  try {
    return std::visit([&](const auto& o) { return reference::make(o, request); }, op);
  } catch (const Error& error) {
    throw Error(error.code(), request.name + ": " + error.what());
  }
}

}  // namespace alx
