#include "backends/onednn/chain.h"

#include <algorithm>

#include "backends/reference/reference.h"
#include "core/error.h"
#include "core/text.h"

namespace alx::onednn {
namespace {

constexpr size_t alignment = 64;
size_t round_up(size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

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

constexpr Tag known_tags[] = {Tag::nchw, Tag::nhwc, Tag::nChw8c, Tag::nChw16c};

}  // namespace

bool DnnlLayout::equals(const Layout& other) const {
  const auto* same_kind = dynamic_cast<const DnnlLayout*>(&other);
  return same_kind && same_kind->md_ == md_;
}

std::string DnnlLayout::name() const {
  switch (tag_of(md_)) {
    case Tag::nchw: return "nchw";
    case Tag::nhwc: return "nhwc";
    case Tag::nChw8c: return "nChw8c";
    case Tag::nChw16c: return "nChw16c";
    default: return "blocked";
  }
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

Tag tag_of(const Md& md) {
  if (md.get_ndims() == 2) return Tag::nc;
  if (md.get_ndims() != 4) return Tag::undef;
  for (Tag tag : known_tags)
    if (md == Md(md.get_dims(), md.get_data_type(), tag)) return tag;
  return Tag::undef;
}

std::vector<Tag> layouts_for(const TensorDesc& given) {
  std::vector<Tag> tags{tag_of(md_of(given))};
  for (Tag tag : {Tag::nChw16c, Tag::nChw8c, Tag::nhwc, Tag::nchw})
    if (tag != tags[0]) tags.push_back(tag);
  return tags;
}

bool has_isa(dnnl::cpu_isa isa) {
  const auto wanted = static_cast<unsigned>(isa);
  return (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & wanted) == wanted;
}

vectors::Target vector_target() {
  if (has_isa(dnnl::cpu_isa::avx512_core)) return vectors::Target::avx512;
  if (has_isa(dnnl::cpu_isa::avx2)) return vectors::Target::avx2;
  return has_isa(dnnl::cpu_isa::sse41) ? vectors::Target::sse4 : vectors::Target::baseline;
}

bool is_slow(const std::string& implementation) {
  return implementation.find("ref") != std::string::npos ||
         implementation.find("simple") != std::string::npos;
}

bool is_gemm(const std::string& implementation) {
  return implementation.find("gemm:") != std::string::npos &&
         implementation.find("brgemm") == std::string::npos;
}

dnnl::primitive_attr user_scratchpad() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

std::unique_ptr<Kernel> plain_kernel(const Op& op, const Context& context) {
  CompileRequest request = context.request;
  request.types = {};
  for (TensorDesc& input : request.inputs)
    if (input.type != DataType::i32) input.type = DataType::f32;
  return reference_kernel(op, request);
}

Shape Context::out_shape(const Op& op, size_t i) const {
  std::vector<Shape> inputs;
  for (const TensorDesc& desc : request.inputs) inputs.push_back(desc.shape);
  return output_shapes(op, inputs).at(i);
}

Chain::Operand Chain::external(Role role, size_t index, const Md& md) {
  places_.push_back({role, index, dnnl::memory(md, runtime_->engine, DNNL_MEMORY_NONE)});
  return places_.size() - 1;
}

Chain::Operand Chain::temporary(const Md& md) {
  const Operand operand = external(Role::temporary, temporaries_, md);
  temporaries_ += round_up(md.get_size());
  return operand;
}

Chain::Operand Chain::view(Operand temporary, const Md& md) {
  return external(Role::temporary, places_[temporary].index, md);
}

void Chain::reorder(Operand from, Operand to) {
  if (from == to) return;
  const dnnl::memory &source = places_[from].memory, &target = places_[to].memory;
  const dnnl::reorder::primitive_desc descriptor(source, target, user_scratchpad());
  add(descriptor, dnnl::reorder(descriptor), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}},
      "reorder ");
}

Chain::Operand Chain::reordered(Operand from, const Md& to) {
  if (places_[from].memory.get_desc() == to) return from;
  const Operand made = temporary(to);
  reorder(from, made);
  return made;
}

Chain::Operand Chain::target(Operand to, const Md& made) {
  return places_[to].memory.get_desc() == made ? to : temporary(made);
}

void Chain::add(const dnnl::primitive_desc_base& descriptor, const dnnl::primitive& primitive,
                const std::vector<std::pair<int, Operand>>& arguments, const char* kind) {
  const std::string name = cat(kind, descriptor.impl_info_str());
  if (std::ranges::count(primitives_, name) == 0) primitives_.push_back(name);
  Step step{primitive, arguments, {}, {}};
  const Md scratchpad = descriptor.scratchpad_desc();
  if (scratchpad.get_size() > 0) {
    step.scratchpad = dnnl::memory(scratchpad, runtime_->engine, DNNL_MEMORY_NONE);
    scratchpad_ = std::max(scratchpad_, round_up(scratchpad.get_size()));
  }
  steps_.push_back(std::move(step));
}

void Chain::add_product(Operand a, Operand b, Operand c, bool sum) {
  dnnl::primitive_attr attributes = user_scratchpad();
  if (sum) {
    dnnl::post_ops post;
    post.append_sum();
    attributes.set_post_ops(post);
  }
  const auto md = [&](Operand operand) { return places_[operand].memory.get_desc(); };
  const dnnl::matmul::primitive_desc descriptor(runtime_->engine, md(a), md(b), md(c), attributes);
  add(descriptor, dnnl::matmul(descriptor),
      {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}});
}

void Chain::add(const std::vector<Operand>& operands, Work work) {
  Step step;
  for (Operand operand : operands) step.arguments.emplace_back(0, operand);
  step.work = std::move(work);
  steps_.push_back(std::move(step));
}

std::string Chain::primitives() const { return joined(primitives_); }

void Chain::bind(const Binding& binding, void* workspace) {
  const auto address = [&](const Place& place) -> void* {
    switch (place.role) {
      case Role::input: return binding.inputs.at(place.index);
      case Role::output: return binding.outputs.at(place.index);
      case Role::input_grad: return binding.input_grads.at(place.index);
      case Role::output_grad: return binding.output_grads.at(place.index);
      case Role::param: return binding.params.at(place.index);
      case Role::param_grad: return binding.param_grads.at(place.index);
      case Role::state: return binding.state;
      case Role::temporary: return static_cast<char*>(workspace) + place.index;
    }
    return nullptr;
  };
  for (Place& place : places_) place.memory.set_data_handle(address(place));
  for (Step& step : steps_) {
    step.list.clear(), step.addresses.clear();
    for (const auto& [argument, operand] : step.arguments) {
      const dnnl::memory& memory = places_[operand].memory;
      if (step.work)
        step.addresses.push_back(memory.get_data_handle());
      else
        step.list.push_back({argument, memory.get()});
    }
    if (!step.scratchpad) continue;
    step.scratchpad.set_data_handle(static_cast<char*>(workspace) + temporaries_);
    step.list.push_back({DNNL_ARG_SCRATCHPAD, step.scratchpad.get()});
  }
}

void Chain::run() const {
  if (steps_.empty()) return;
  runtime_->run([this] {
    for (const Step& step : steps_) run(step);
  });
}

void Chain::run(const Step& step) const {
  if (step.work) return step.work(step.addresses.data());
  const dnnl_status_t status =
      dnnl_primitive_execute(step.primitive.get(), runtime_->stream.get(),
                             static_cast<int>(step.list.size()), step.list.data());
  check(status == dnnl_success, Code::internal, "oneDNN could not run a primitive (status ",
        static_cast<int>(status), ")");
}

void ChainKernel::bind(const Binding& binding) {
  forward_chain.bind(binding, binding.forward_workspace);
  if (!backward_chain.empty()) backward_chain.bind(binding, binding.backward_workspace);
}

void ChainKernel::measure() {
  spec_.forward_workspace = forward_chain.workspace();
  spec_.backward_workspace = backward_chain.workspace();
  const auto named = [own = spec_.implementation](const Chain& chain) {
    const std::string primitives = chain.primitives();
    return own.empty() || primitives.empty() ? own + primitives : cat(own, ": ", primitives);
  };
  spec_.implementation = named(forward_chain);
  if (!backward_chain.empty()) spec_.backward_implementation = named(backward_chain);
}

}  // namespace alx::onednn
