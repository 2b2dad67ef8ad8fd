#include "backends/dense_spec.h"

namespace alx {

KernelSpec dense_spec(const Op& op, const CompileRequest& request, DataType values,
                      DataType params) {
  KernelSpec spec;
  std::vector<Shape> shapes;
  for (const TensorDesc& desc : request.inputs) {
    shapes.push_back(desc.shape);
    spec.inputs.push_back({desc.shape, values, nullptr});
  }
  for (const Shape& shape : output_shapes(op, shapes))
    spec.outputs.push_back({shape, values, nullptr});
  for (const ParamShape& param : param_shapes(op, shapes))
    spec.params.push_back({param.shape, params, nullptr});
  add_gradients(spec, request);
  return spec;
}

void add_gradients(KernelSpec& spec, const CompileRequest& request) {
  if (request.phase == Phase::inference) return;
  spec.output_grads = spec.outputs;
  spec.input_grads.assign(spec.inputs.size(), {});
  for (size_t i = 0; i < request.input_grads.size(); ++i)
    if (request.input_grads[i]) spec.input_grads[i] = spec.inputs[i];
}

}  // namespace alx
