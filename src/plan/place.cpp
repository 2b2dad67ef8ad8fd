#include "plan/place.h"

#include <algorithm>

#include "plan/arena.h"

namespace alx {
namespace {

// Time 0 is before the first action, when the input comes; the actions follow, then the end, when
// results are read.
class Placer {
 public:
  Placer(const Compiled& compiled, bool keep_gradients)
      : net_(compiled),
        keep_gradients_(keep_gradients),
        end_(net_.forward.size() + net_.backward.size() + 1),
        lives_(net_.tensors.size()) {
    for (const PlannedTensor& tensor : net_.tensors) block_.push_back(tensor.memory_of);
  }

  Placement run(const Devices& devices) {
    find_lives();
    share_in_place();
    std::vector<Block> blocks(net_.tensors.size());
    for (size_t i = 0; i < blocks.size(); ++i)
      if (block_[i] == i && lives_[i])
        blocks[i] = {net_.tensors[i].bytes, net_.tensors[i].device, lives_[i]->first,
                     lives_[i]->last};
    size_t alignment = 1;
    for (const auto& device : devices.list) alignment = std::max(alignment, device->alignment());
    Arrangement arrangement = arrange(blocks, devices.list.size(), alignment);
    return {std::move(block_), std::move(arrangement.offsets), std::move(arrangement.arena_bytes)};
  }

 private:
  struct Life {
    size_t first, last;
  };

  void touch(std::optional<size_t> tensor, size_t time) {
    if (!tensor) return;
    std::optional<Life>& life = lives_[block_[*tensor]];
    life = life ? Life{std::min(life->first, time), std::max(life->last, time)} : Life{time, time};
  }
  void touch(const CompiledKernel::Tensors& tensors, size_t time) {
    for (const std::optional<size_t>& tensor : tensors) touch(tensor, time);
  }

  template <class Visit>
  void each_action(Visit visit) const {  // visit(time, kernel, whether it runs backward)
    size_t time = 1;
    for (const auto* list : {&net_.forward, &net_.backward})
      for (const Action& action : *list) visit(time++, net_.kernels[action.index], action.backward);
  }

  void find_lives() {
    each_action([&](size_t time, const CompiledKernel& use, bool backward) {
      const KernelSpec& spec = use.kernel->spec();
      touch(backward ? use.backward_workspace : use.forward_workspace, time);
      touch(use.state, time);
      if (!backward || spec.backward_reads_inputs) touch(use.inputs, time);
      if (!backward && spec.reads_late) touch(use.inputs, net_.forward.size());
      if (!backward || spec.backward_reads_outputs) touch(use.outputs, time);
      if (!backward) return;
      touch(use.input_grads, time);
      touch(use.output_grads, spec.reads_late ? end_ : time);
      for (size_t param : use.params) touch(net_.gradients[param], time);
    });
    if (keep_gradients_)
      for (size_t gradient : net_.gradients) touch(gradient, end_);
    keep(net_.data, 0);  // filled by the caller, whole until the end
    if (net_.labels) keep(*net_.labels, 0);
    keep(net_.result, end_);
    if (net_.loss) keep(*net_.loss, end_);
    for (const auto& [name, location] : net_.outputs) keep(location, end_);
  }
  void keep(const Location& location, size_t from) {
    touch(location.tensor, from);
    touch(location.tensor, end_);
  }

  // Lets `result` take the memory of `source` where that is not needed after `time`.
  void share(std::optional<size_t> source, std::optional<size_t> result, size_t time) {
    if (!source || !result) return;
    const size_t a = block_[*source], b = block_[*result];
    std::optional<Life>&from = lives_[a], &to = lives_[b];
    if (a == b || !from || !to || from->last != time || to->first != time ||
        net_.tensors[a].bytes != net_.tensors[b].bytes ||
        net_.tensors[a].device != net_.tensors[b].device)
      return;
    std::ranges::replace(block_, b, a);
    from->last = to->last;
  }

  void share_in_place() {
    each_action([&](size_t time, const CompiledKernel& use, bool backward) {
      const KernelSpec& spec = use.kernel->spec();
      if (!backward && spec.in_place) share(use.inputs[0], use.outputs[0], time);
      if (backward && spec.grad_in_place && !use.output_grads.empty() && !use.input_grads.empty())
        share(use.output_grads[0], use.input_grads[0], time);
    });
  }

  const Compiled& net_;
  const bool keep_gradients_;
  const size_t end_;
  std::vector<std::optional<Life>> lives_;  // of the tensors that own memory
  std::vector<size_t> block_;
};

}  // namespace

Placement place(const Compiled& compiled, const Devices& devices, bool keep_gradients) {
  return Placer(compiled, keep_gradients).run(devices);
}

}  // namespace alx
