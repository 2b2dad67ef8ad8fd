#include "backends/onednn/layout.h"

#include <algorithm>

namespace alx::onednn {
namespace {

dnnl::memory::dims plain_strides(const dnnl::memory::dims& dims) {
  dnnl::memory::dims strides(dims.size(), 1);
  for (size_t i = dims.size(); i-- > 1;)
    strides[i - 1] = strides[i] * std::max<int64_t>(dims[i], 1);
  return strides;
}

DataType our_type(dnnl::memory::data_type type) {
  using dt = dnnl::memory::data_type;
  switch (type) {
    case dt::f16: return DataType::f16;
    case dt::bf16: return DataType::bf16;
    case dt::s8: return DataType::i8;
    case dt::s32: return DataType::i32;
    default: return DataType::f32;
  }
}

}  // namespace

bool DnnlLayout::equals(const Layout& other) const {
  const auto* same_kind = dynamic_cast<const DnnlLayout*>(&other);
  return same_kind && same_kind->md_ == md_;
}

std::string DnnlLayout::name() const {
  const bool last =
      md_.get_ndims() == 4 && md_ == Md(md_.get_dims(), md_.get_data_type(), Tag::nhwc);
  return last ? "nhwc" : "blocked";
}

dnnl::memory::data_type dnnl_type(DataType type) {
  using dt = dnnl::memory::data_type;
  switch (type) {
    case DataType::f32: return dt::f32;
    case DataType::f16: return dt::f16;
    case DataType::bf16: return dt::bf16;
    case DataType::i8: return dt::s8;
    case DataType::i32: return dt::s32;
  }
  return dt::undef;
}

Md dense(const Shape& shape, DataType type) {
  return {shape, dnnl_type(type), plain_strides(shape)};
}
Md with_tag(const Shape& shape, DataType type, Tag tag) { return {shape, dnnl_type(type), tag}; }

Md md_of(const TensorDesc& desc) {
  if (const auto* layout = dynamic_cast<const DnnlLayout*>(desc.layout.get())) return layout->md();
  return dense(desc.shape, desc.type);
}

TensorDesc desc_of(const Md& md, const Shape& shape) {
  TensorDesc desc{shape, our_type(md.get_data_type()), nullptr};
  if (md != Md(md.get_dims(), md.get_data_type(), plain_strides(md.get_dims())))
    desc.layout = std::make_shared<DnnlLayout>(md);
  return desc;
}

TensorDesc channels_last(const Shape& shape, DataType type) {
  return desc_of(with_tag(shape, type, Tag::nhwc), shape);
}

bool is_channels_last(const TensorDesc& desc) {
  return desc.shape.size() == 4 && desc.same_memory(channels_last(desc.shape, desc.type));
}

static bool has_isa(dnnl::cpu_isa isa) {
  const auto wanted = static_cast<unsigned>(isa);
  return (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & wanted) == wanted;
}

vectors::Target vector_target() {
  if (has_isa(dnnl::cpu_isa::avx512_core)) return vectors::Target::avx512;
  if (has_isa(dnnl::cpu_isa::avx2)) return vectors::Target::avx2;
  return has_isa(dnnl::cpu_isa::sse41) ? vectors::Target::sse4 : vectors::Target::baseline;
}

}  // namespace alx::onednn
