// Loops over elements, for each target: included inside of files that Highway compiles repeatedly.
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

}  // namespace alx::vectors::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
