#include "backends/onednn/onednn.h"

#include <fstream>
#include <locale>

#include "backends/onednn/own_layout.h"
#include "backends/onednn/primitive.h"
#include "backends/onednn/stage.h"
#include "backends/vectors/update.h"
#include "core/error.h"
#include "core/finite.h"
#include "core/processors.h"

namespace alx {
namespace {

using namespace onednn;

class OnednnBackend : public Backend {
 public:
  OnednnBackend(int threads, const HostServices& host) : allocator_(host.allocator) {
    runtime_ = std::make_shared<Runtime>(Runtime{dnnl::engine(dnnl::engine::kind::cpu, 0),
                                                 loop_of(host, threads), vector_target(),
                                                 std::make_shared<Scratch>(allocator_)});
  }

  std::string name() const override { return "onednn"; }
  std::string title() const override { return "cpu"; }
  std::vector<Precision> precisions(Phase phase) const override { return onednn_precisions(phase); }

  std::unique_ptr<Kernel> compile(const Op& op, const CompileRequest& request) override {
    const Context context{runtime_, request};
    return guarded(name_of(op), request,
                   [&] { return std::visit([&](const auto& o) { return make(o, context); }, op); });
  }

  CompiledRun compile_run(std::span<const RunNode> nodes, const CompileRequest& request) override {
    if (request.phase == Phase::training || nodes.size() == 1)
      return Backend::compile_run(nodes, request);
    size_t taken = 0;
    auto kernel = guarded("run of layers", request, [&]() -> std::unique_ptr<Kernel> {
      auto stages = stages_of(nodes, request);
      taken = stages.size();
      return taken > 0 ? kernel_of(std::move(stages), runtime_, request) : nullptr;
    });
    return taken > 0 ? CompiledRun{std::move(kernel), taken} : Backend::compile_run(nodes, request);
  }

  std::unique_ptr<Kernel> compile_reorder(const TensorDesc& from, const TensorDesc& to) override {
    return make_reorder(runtime_, from, to);
  }

  size_t scratch_bytes() const override {
    return runtime_->of_part->bytes() * static_cast<size_t>(runtime_->threads());
  }
  void reserve_scratch() override {
    runtime_->of_part->reserve(static_cast<size_t>(runtime_->threads()));
  }

  std::shared_ptr<Buffer> allocate(size_t bytes) override {
    return make_host_buffer(bytes, allocator_);
  }

  void upload(const void* host, const TensorDesc& desc, void* device) override {
    if (const auto* own = own_layout(desc))
      return own->pack(static_cast<const float*>(host), 0, desc.shape[0],
                       static_cast<float*>(device), *runtime_->loop);
    move(host, plain(desc), device, md_of(desc));
  }
  size_t upload_finite(std::span<const float> host, const TensorDesc& desc, void* device) override {
    if (desc.layout || desc.type != DataType::f32)
      return Backend::upload_finite(host, desc, device);
    FiniteCopy checked(host);
    auto* to = static_cast<float*>(device);
    each_range(
        *runtime_, static_cast<int64_t>(host.size()), 1 << 16, [&](int64_t first, int64_t last) {
          checked.copy(static_cast<size_t>(first), static_cast<size_t>(last - first), to + first);
        });
    return checked.wrong();
  }
  void download(const void* device, const TensorDesc& desc, void* host) override {
    if (const auto* own = own_layout(desc)) {
      check(own->can_unpack(), Code::unsupported,
            "the weights of this inference kernel were transformed and cannot be read back");
      return own->unpack(static_cast<const float*>(device), static_cast<float*>(host));
    }
    move(device, md_of(desc), host, plain(desc));
  }
  int64_t rows_per_upload(const TensorDesc& desc) const override {
    const auto* own = own_layout(desc);
    const int64_t step = own ? own->row_step() : desc.shape.size() == 2 ? 1 : 0;
    if (step == 0) return desc.shape[0];
    const int64_t row = element_count(desc.shape) / desc.shape[0] * int64_t{sizeof(float)};
    return std::max<int64_t>(1, part_bytes / row / step) * step;
  }
  void upload_rows(std::span<const float> rows, int64_t first_row, const TensorDesc& desc,
                   void* device) override {
    const int64_t row = element_count(desc.shape) / desc.shape[0];
    const auto count = static_cast<int64_t>(rows.size()) / row;
    if (const auto* own = own_layout(desc))
      return own->pack(rows.data(), first_row, count, static_cast<float*>(device), *runtime_->loop);
    const Md whole = md_of(desc);
    dnnl::memory::dims dims = whole.get_dims(), offsets(dims.size(), 0);
    dims[0] = count, offsets[0] = first_row;
    move(rows.data(), dense(dims, DataType::f32), device, whole.submemory_desc(dims, offsets));
  }
  void copy_from(Backend& source, const void* from, void* to, size_t bytes) override {
    copy_to_host(source, from, to, bytes);
  }
  void update(const Update& u) override {
    constexpr int64_t part = 1 << 14;
    const auto count = static_cast<int64_t>(u.count);
    (*runtime_->loop)(divide_up(count, part), [&](int64_t i) {
      vectors::update(runtime_->target, u, *step(), i * part, std::min(count, (i + 1) * part));
    });
  }
  void synchronize() override {}
  std::optional<Peak> measure_peak() override { return onednn::measure_peak(*runtime_); }
  bool all_finite(const std::vector<std::pair<const void*, size_t>>& values) override {
    return all_finite_on_host(values);
  }

 private:
  static constexpr int64_t part_bytes = 4 << 20;

  static const OwnLayout* own_layout(const TensorDesc& desc) {
    return dynamic_cast<const OwnLayout*>(desc.layout.get());
  }

  // As many nodes from the first on as have stages.
  std::vector<std::unique_ptr<Stage>> stages_of(std::span<const RunNode> nodes,
                                                const CompileRequest& request) const {
    std::vector<std::unique_ptr<Stage>> stages;
    TensorDesc input = request.inputs[0];
    for (const RunNode& node : nodes) {
      auto stage = make_stage(node.op, {*runtime_, node.name, input, false, false, node.types});
      if (!stage || (!stages.empty() && !stage->input.same_memory(input))) break;
      input = stage->output;
      stages.push_back(std::move(stage));
    }
    return stages;
  }

  // What oneDNN says, in our words.
  template <class Make>
  static std::unique_ptr<Kernel> guarded(const char* what, const CompileRequest& request,
                                         const Make& make) {
    const OneThread alone;
    try {
      return make();
    } catch (const dnnl::error& error) {
      fail(error.status == dnnl_out_of_memory ? Code::out_of_memory : Code::unsupported,
           request.name, ": oneDNN cannot compile this ", what, " of input ",
           to_string(request.inputs[0].shape), " in ", name_of(request.types.activations), ": ",
           error.what());
    }
  }

  // Dense on the host, in f32 (labels i32).
  static Md plain(const TensorDesc& desc) {
    const DataType type = desc.type == DataType::i32 ? DataType::i32 : DataType::f32;
    return dense(md_of(desc).get_dims(), type);
  }

  void move(const void* from, const Md& from_md, void* to, const Md& to_md) const {
    reorder(*runtime_, from_md, from, to_md, to);
  }

  std::shared_ptr<const Runtime> runtime_;
  std::shared_ptr<HostAllocator> allocator_;
};

std::string processor_name() {
  std::ifstream info;
  info.imbue(std::locale::classic());
  info.open("/proc/cpuinfo");
  info.exceptions(std::ios::badbit);  // else it swallows that memory ran out
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name"))
      return line.substr(std::min(line.size(), line.find(':') + 2));
  return "CPU";
}

const char* instruction_set() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::sse41: return "SSE4.1";
    case dnnl::cpu_isa::avx: return "AVX";
    case dnnl::cpu_isa::avx2: return "AVX2";
    case dnnl::cpu_isa::avx2_vnni: return "AVX2 with VNNI";
    case dnnl::cpu_isa::avx512_core: return "AVX-512";
    case dnnl::cpu_isa::avx512_core_vnni: return "AVX-512 with VNNI";
    case dnnl::cpu_isa::avx512_core_bf16: return "AVX-512 with VNNI and bf16";
    case dnnl::cpu_isa::avx512_core_fp16: return "AVX-512 with VNNI, bf16 and fp16";
    case dnnl::cpu_isa::avx512_core_amx: return "AVX-512 with AMX";
    default: return "baseline";
  }
}

}  // namespace

std::shared_ptr<Backend> make_onednn_backend(int threads, const HostServices& host) {
  return std::make_shared<OnednnBackend>(threads, host);
}

std::vector<Precision> onednn_precisions(Phase phase) {
  if (phase == Phase::training) return {Precision::fp32};
  return {Precision::fp32, Precision::bf16, Precision::fp16};
}

std::string describe_onednn() {
  const dnnl_version_t* version = dnnl_version();
  const ThreadCount threads = usable_threads();
  return cat(processor_name(), ", ", threads.count, " threads (", threads.reason, "), ",
             instruction_set(), "; oneDNN ", version->major, ".", version->minor, ".",
             version->patch);
}

}  // namespace alx
