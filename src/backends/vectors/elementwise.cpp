#include "backends/vectors/elementwise.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/vectors/elementwise.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
//
#include <hwy/contrib/math/math-inl.h>

#include "backends/vectors/each-inl.h"

HWY_BEFORE_NAMESPACE();
namespace alx::vectors::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class D, class V = hn::Vec<D>>
HWY_INLINE V activated(D d, Activation activation, V x) {
  if (activation == Activation::relu) return rectified(d, x);
  if (activation == Activation::none) return x;
  return hn::IfThenElse(hn::IsNaN(x), x, hn::Tanh(d, x));
}

void activate(Activation activation, const float* x, float* y, int64_t count) {
  each_element(count, [&](auto d, int64_t i) HWY_ATTR {
    hn::StoreU(activated(d, activation, hn::LoadU(d, x + i)), d, y + i);
  });
}

void activation_gradient(Activation activation, const float* y, const float* dy, float* dx,
                         int64_t count) {
  each_element(count, [&](auto d, int64_t i) HWY_ATTR {
    const auto out = hn::LoadU(d, y + i), grad = hn::LoadU(d, dy + i);
    if (activation == Activation::relu)
      hn::StoreU(hn::IfThenElseZero(hn::Gt(out, hn::Zero(d)), grad), d, dx + i);
    else
      hn::StoreU(hn::Mul(grad, hn::NegMulAdd(out, out, hn::Set(d, 1.f))), d, dx + i);
  });
}

// The largest is subtracted first, so that nothing overflows.
void softmax(const float* x, float* p, int64_t classes) {
  const float largest = *std::max_element(x, x + classes);
  each_element(classes, [=](auto d, int64_t i) HWY_ATTR {
    const auto below = hn::Sub(hn::LoadU(d, x + i), hn::Set(d, largest));
    hn::StoreU(hn::IfThenElse(hn::IsNaN(below), below, hn::Exp(d, below)), d, p + i);
  });
  double sum = 0;
  for (int64_t i = 0; i < classes; ++i) sum += p[i];
  each_element(classes, [=, share = static_cast<float>(1 / sum)](auto d, int64_t i) HWY_ATTR {
    hn::StoreU(hn::Mul(hn::LoadU(d, p + i), hn::Set(d, share)), d, p + i);
  });
}

void add(const float* x, float* sum, int64_t count) {
  each_element(count, [&](auto d, int64_t i) HWY_ATTR {
    hn::StoreU(hn::Add(hn::LoadU(d, sum + i), hn::LoadU(d, x + i)), d, sum + i);
  });
}

void add_rows(const float* x, const Rows& rows, float* sum) {
  each_element(rows.columns, [&](auto d, int64_t i) HWY_ATTR {
    auto all = hn::LoadU(d, sum + i);
    for (int64_t row = 0; row < rows.count; ++row)
      all = hn::Add(all, hn::LoadU(d, x + row * rows.apart + i));
    hn::StoreU(all, d, sum + i);
  });
}

void add_bias(Activation activation, const float* bias, const Rows& rows, float* y) {
  for (int64_t row = 0; row < rows.count; ++row)
    each_element(rows.columns, [&](auto d, int64_t i) HWY_ATTR {
      float* at = y + row * rows.apart + i;
      const auto sum = hn::Add(hn::LoadU(d, at), hn::LoadU(d, bias + i));
      hn::StoreU(activated(d, activation, sum), d, at);
    });
}

}  // namespace alx::vectors::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "backends/vectors/dispatch.h"
namespace alx::vectors {

void activate(Target target, Activation activation, const float* x, float* y, int64_t count) {
  ALX_ON(target, activate)(activation, x, y, count);
}

void activation_gradient(Target target, Activation activation, const float* y, const float* dy,
                         float* dx, int64_t count) {
  ALX_ON(target, activation_gradient)(activation, y, dy, dx, count);
}

void softmax(Target target, const float* x, float* p, int64_t classes) {
  ALX_ON(target, softmax)(x, p, classes);
}

void add(Target target, const float* x, float* sum, int64_t count) {
  ALX_ON(target, add)(x, sum, count);
}

void add_rows(Target target, const float* x, const Rows& rows, float* sum) {
  ALX_ON(target, add_rows)(x, rows, sum);
}

void add_bias(Target target, Activation activation, const float* bias, const Rows& rows, float* y) {
  ALX_ON(target, add_bias)(activation, bias, rows, y);
}

}  // namespace alx::vectors
#endif
