#include "backends/onednn/onednn.h"

#include <cstring>
#include <fstream>
#include <locale>

#include "backends/onednn/kernels.h"
#include "backends/onednn/winograd.h"
#include "core/error.h"

namespace alx {
namespace {

using namespace onednn;

class OnednnBackend : public Backend {
 public:
  OnednnBackend(int threads, std::shared_ptr<HostAllocator> allocator)
      : allocator_(std::move(allocator)) {
    const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    runtime_ =
        std::make_shared<Runtime>(Runtime{engine, dnnl::stream(engine), granted_threads(threads)});
  }

  std::string name() const override { return "onednn"; }
  std::string title() const override { return "cpu"; }
  std::vector<Precision> precisions(Phase phase) const override { return onednn_precisions(phase); }

  std::unique_ptr<Kernel> compile(const Op& op, const CompileRequest& request) override {
    const Context context{runtime_, request};
    std::unique_ptr<Kernel> kernel;
    try {
      runtime_->run(
          [&] { kernel = std::visit([&](const auto& o) { return make(o, context); }, op); });
      return kernel;
    } catch (const dnnl::error& error) {
      fail(error.status == dnnl_out_of_memory ? Code::out_of_memory : Code::unsupported,
           request.name, ": oneDNN cannot compile this ", name_of(op), " of input ",
           to_string(request.inputs[0].shape), " in ", name_of(request.types.activations), ": ",
           error.what());
    }
  }

  std::unique_ptr<Kernel> compile_reorder(const TensorDesc& from, const TensorDesc& to) override {
    std::unique_ptr<Kernel> kernel;
    runtime_->run([&] { kernel = make_reorder(runtime_, from, to); });
    return kernel;
  }

  std::shared_ptr<Buffer> allocate(size_t bytes) override {
    return make_host_buffer(bytes, allocator_);
  }

  void upload(const void* host, const TensorDesc& desc, void* device) override {
    if (const auto* winograd = dynamic_cast<const WinogradLayout*>(desc.layout.get()))
      return winograd->pack(static_cast<const float*>(host), static_cast<float*>(device));
    move(const_cast<void*>(host), plain(desc), device, md_of(desc));
  }
  void download(const void* device, const TensorDesc& desc, void* host) override {
    check(!dynamic_cast<const WinogradLayout*>(desc.layout.get()), Code::unsupported,
          "the weights of this inference kernel were transformed and cannot be read back");
    move(const_cast<void*>(device), md_of(desc), host, plain(desc));
  }
  int64_t rows_per_upload(const TensorDesc& desc) const override {
    // Blocked weights of fully connected layers are cut between blocks of outputs; no block is
    // larger than 64.
    const int64_t row_bytes = static_cast<int64_t>(desc.bytes()) / desc.shape[0];
    const int64_t rows =
        std::max<int64_t>(64, part_bytes / std::max<int64_t>(row_bytes, 1) / 64 * 64);
    if (rows >= desc.shape[0] || desc.shape.size() != 2) return desc.shape[0];
    return rows_of(md_of(desc), rows, rows) ? rows : desc.shape[0];
  }
  void upload_rows(std::span<const float> rows, int64_t first_row, const TensorDesc& desc,
                   void* device) override {
    const Md md = md_of(desc);
    const auto count =
        static_cast<int64_t>(rows.size()) / (element_count(desc.shape) / desc.shape[0]);
    if (count == desc.shape[0]) return upload(rows.data(), desc, device);
    const Md part = rows_of(md, first_row, count);
    move(const_cast<float*>(rows.data()), dense(part.get_dims(), DataType::f32), device, part);
  }
  void copy_from(Backend& source, const void* from, void* to, size_t bytes) override {
    copy_to_host(source, from, to, bytes);
  }
  void update(const Update& u) override {
    runtime_->run([&] { onednn::update(u, *step()); });
  }
  void synchronize() override {}
  std::optional<Peak> measure_peak() override { return onednn::measure_peak(*runtime_); }
  bool all_finite(const std::vector<std::pair<const void*, size_t>>& values) override {
    return all_finite_on_host(values);
  }

 private:
  static constexpr int64_t part_bytes = 1 << 20;

  // A window of rows inside a blocked tensor; empty where the layout cannot be cut there.
  static Md rows_of(const Md& md, int64_t first, int64_t count) {
    dnnl::memory::dims dims = md.get_dims(), offsets(dims.size(), 0);
    dims[0] = std::min(count, dims[0] - first);
    offsets[0] = first;
    return md.submemory_desc(dims, offsets, /*allow_empty=*/true);
  }

  // Dense on the host, in f32 (labels i32), with the dimensions that oneDNN sees: five for grouped
  // weights.
  static Md plain(const TensorDesc& desc) {
    const DataType type = desc.type == DataType::i32 ? DataType::i32 : DataType::f32;
    return dense(md_of(desc).get_dims(), type);
  }

  void move(void* from, const Md& from_md, void* to, const Md& to_md) {
    if (from_md == to_md) {
      std::memcpy(to, from, from_md.get_size());
      return;
    }
    runtime_->run([&] {
      dnnl::memory source(from_md, runtime_->engine, from), target(to_md, runtime_->engine, to);
      dnnl::reorder(source, target).execute(runtime_->stream, source, target);
      dnnl::stream(runtime_->stream).wait();
    });
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

std::shared_ptr<Backend> make_onednn_backend(int threads,
                                             std::shared_ptr<HostAllocator> allocator) {
  return std::make_shared<OnednnBackend>(threads, std::move(allocator));
}

std::vector<Precision> onednn_precisions(Phase phase) {
  if (phase == Phase::training) return {Precision::fp32};
  return {Precision::fp32, Precision::bf16, Precision::fp16};
}

std::string describe_onednn() {
  const dnnl_version_t* version = dnnl_version();
  return cat(processor_name(), ", ", granted_threads(0), " threads, ", instruction_set(),
             "; oneDNN ", version->major, ".", version->minor, ".", version->patch);
}

}  // namespace alx
