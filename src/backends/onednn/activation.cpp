#include "backends/onednn/activation.h"

#include "backends/onednn/primitive.h"
#include "backends/vectors/elementwise.h"

namespace alx::onednn {

constexpr int64_t least_elements = 4096;  // that another thread is worth

void activate(const Runtime& runtime, Activation activation, const float* x, float* y,
              int64_t count) {
  each_range(runtime, count, least_elements, [&](int64_t first, int64_t last) {
    vectors::activate(runtime.target, activation, x + first, y + first, last - first);
  });
}

void activation_gradient(const Runtime& runtime, Activation activation, const float* y,
                         const float* dy, float* dx, int64_t count) {
  each_range(runtime, count, least_elements, [&](int64_t first, int64_t last) {
    vectors::activation_gradient(runtime.target, activation, y + first, dy + first, dx + first,
                                 last - first);
  });
}

dnnl::primitive_attr attributes_with(Activation activation) {
  dnnl::primitive_attr attributes = user_scratchpad();
  if (activation == Activation::none) return attributes;
  using dnnl::algorithm;
  dnnl::post_ops post;
  post.append_eltwise(
      activation == Activation::relu ? algorithm::eltwise_relu : algorithm::eltwise_tanh, 0.f, 0.f);
  attributes.set_post_ops(post);
  return attributes;
}

}  // namespace alx::onednn
