// Layouts that oneDNN knows, and its words for ours.
#pragma once
#include <memory>
#include <string>

#include <oneapi/dnnl/dnnl.hpp>

#include "backends/backend.h"
#include "backends/vectors/target.h"

namespace alx::onednn {

using Md = dnnl::memory::desc;
using Tag = dnnl::memory::format_tag;

// A layout known to oneDNN. Dense tensors carry no layout, so that they are equal to everybody's
// dense tensors.
class DnnlLayout : public Layout {
 public:
  explicit DnnlLayout(Md md) : md_(std::move(md)) {}
  bool equals(const Layout& other) const override;
  size_t bytes() const override { return md_.get_size(); }
  std::string name() const override;
  const Md& md() const { return md_; }

 private:
  Md md_;
};

dnnl::memory::data_type dnnl_type(DataType type);
Md dense(const Shape& shape, DataType type);
Md with_tag(const Shape& shape, DataType type, Tag tag);
Md md_of(const TensorDesc& desc);
// shape: ours, where oneDNN's has other dimensions (groups)
TensorDesc desc_of(const Md& md, const Shape& shape);
TensorDesc channels_last(const Shape& shape, DataType type = DataType::f32);
bool is_channels_last(const TensorDesc& desc);

vectors::Target vector_target();  // as far as oneDNN may go (ONEDNN_MAX_CPU_ISA)

}  // namespace alx::onednn
