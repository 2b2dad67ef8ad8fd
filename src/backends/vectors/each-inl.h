// What vector code of several files shares, for each target: included inside of files that Highway
// compiles repeatedly.
#if defined(ALX_VECTORS_EACH_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef ALX_VECTORS_EACH_INL
#undef ALX_VECTORS_EACH_INL
#else
#define ALX_VECTORS_EACH_INL
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace alx::vectors::HWY_NAMESPACE {

// By vectors and then one by one: visit(tag, first element).
template <class Visit>
HWY_INLINE void each_element(int64_t count, Visit visit) {
  const hwy::HWY_NAMESPACE::ScalableTag<float> d;
  const hwy::HWY_NAMESPACE::CappedTag<float, 1> one;
  const auto step = static_cast<int64_t>(hwy::HWY_NAMESPACE::Lanes(d));
  int64_t i = 0;
  for (; i + step <= count; i += step) visit(d, i);
  for (; i < count; ++i) visit(one, i);
}

// Not-a-number stays, so that it is seen.
template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE V rectified(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  return hn::IfThenZeroElse(hn::Lt(x, hn::Zero(d)), x);
}

}  // namespace alx::vectors::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
