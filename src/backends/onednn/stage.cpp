#include "backends/onednn/stage.h"

#include <algorithm>

#include "core/text.h"

namespace alx::onednn {
namespace {

// Batches of fewer than two images for each thread go layer by layer, in parts of images.
class StagesKernel final : public Kernel {
 public:
  StagesKernel(std::vector<std::unique_ptr<Stage>> stages, std::shared_ptr<const Runtime> runtime,
               const CompileRequest& request)
      : stages_(std::move(stages)),
        runtime_(std::move(runtime)),
        images_(stages_.front()->images()),
        in_parts_(runtime_->cuts_images(images_)) {
    spec_.inputs = {stages_.front()->input};
    spec_.outputs = {stages_.back()->output};
    std::vector<std::string> names;
    for (size_t i = 0; i < stages_.size(); ++i) {
      const Stage& stage = *stages_[i];
      spec_.params.insert(spec_.params.end(), stage.params.begin(), stage.params.end());
      names.push_back(stage.implementation);
      if (i > 0) between_ = std::max(between_, round_up<size_t>(stage.in_bytes(), 64));
    }
    spec_.implementation = joined(names);
    for (const auto& stage : stages_) scratch_ = std::max(scratch_, stage->scratch);
    const size_t of_image = 2 * between_;
    if (in_parts_)
      own_workspace_ = of_image * static_cast<size_t>(images_);
    else
      runtime_->of_part->announce(
          {floats_for(of_image) * group_size(*runtime_, images_), scratch_});
    for (const auto& stage : stages_)
      spec_.forward_workspace = std::max(spec_.forward_workspace, stage->forward_workspace);
    spec_.forward_workspace += own_workspace_;
    if (stages_.size() == 1) spec_.in_place = stages_[0]->in_place;
    if (request.phase == Phase::training) describe_training(request);
  }

  void bind(const Binding& binding) override {
    binding_ = binding;
    auto* rest = static_cast<char*>(binding.forward_workspace);
    Binding own;
    own.forward_workspace = rest ? rest + own_workspace_ : nullptr;
    own.backward_workspace = binding.backward_workspace;
    size_t first = 0;
    for (const auto& stage : stages_) {
      const auto take = [&](const std::vector<void*>& all) -> std::vector<void*> {
        if (all.empty()) return {};
        const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first);
        return {begin, begin + static_cast<std::ptrdiff_t>(stage->params.size())};
      };
      own.params = take(binding.params), own.param_grads = take(binding.param_grads);
      stage->bind(own);
      first += stage->params.size();
    }
  }

  void forward() override {
    const Images all{binding_.inputs[0], binding_.outputs[0], static_cast<uint8_t*>(binding_.state),
                     images_};
    for (const auto& stage : stages_) stage->begin_forward();
    if (in_parts_)
      return go_through(all, static_cast<char*>(binding_.forward_workspace),
                        [](const Stage& stage, const Images& i) { stage.forward_in_parts(i); });
    each_group(*runtime_, images_, [&](int64_t first, int64_t count) {
      Scratch::Piece piece = runtime_->of_part->take();
      float* scratch = piece.cut(scratch_);
      go_through(part_of(all, static_cast<size_t>(first), count),
                 reinterpret_cast<char*>(piece.cut(0)),
                 [&](const Stage& stage, const Images& i) { stage.forward(i, scratch); });
    });
  }

  void backward() override {
    const auto first = [](const std::vector<void*>& list) {
      return list.empty() ? nullptr : static_cast<float*>(list[0]);
    };
    const Gradients g{first(binding_.inputs), first(binding_.outputs), first(binding_.input_grads),
                      first(binding_.output_grads), static_cast<uint8_t*>(binding_.state)};
    if (g.in_grad || !stages_[0]->params.empty()) stages_[0]->backward(g);
  }

 private:
  void describe_training(const CompileRequest& request) {
    const Stage& stage = *stages_[0];
    spec_.state = stage.state_bytes * static_cast<size_t>(images_);
    spec_.backward_workspace = stage.backward_workspace;
    spec_.grad_in_place = stage.grad_in_place;
    spec_.backward_reads_inputs = stage.backward_reads_inputs;
    spec_.backward_reads_outputs = stage.backward_reads_outputs;
    add_gradients(spec_, request);
  }

  Images part_of(const Images& all, size_t first, int64_t count) const {
    const Stage &begin = *stages_.front(), &end = *stages_.back();
    return {static_cast<const char*>(all.in) + first * begin.in_bytes(),
            static_cast<char*>(all.out) + first * end.out_bytes(),
            all.state ? all.state + first * begin.state_bytes : nullptr, count};
  }

  // Each stage from what the one before left. What is between them takes turns in two places.
  template <class Run>
  void go_through(const Images& images, char* between, const Run& run) const {
    const size_t apart = between_ * static_cast<size_t>(images.count);
    Images step = images;
    for (size_t i = 0; i < stages_.size(); ++i) {
      step.out = i + 1 == stages_.size() ? images.out : between + i % 2 * apart;
      run(*stages_[i], step);
      step.in = step.out;
    }
  }

  const std::vector<std::unique_ptr<Stage>> stages_;
  const std::shared_ptr<const Runtime> runtime_;
  const int64_t images_;
  const bool in_parts_;
  size_t between_ = 0;  // bytes of an image at most, where one stage hands it to the next
  size_t own_workspace_ = 0;
  int64_t scratch_ = 0;
  Binding binding_;
};

}  // namespace

std::unique_ptr<Stage> make_stage(const Op& op, const StageRequest& request) {
  const bool half = request.types.activations != DataType::f32;
  return std::visit(
      [&]<class T>(const T& o) -> std::unique_ptr<Stage> {
        constexpr bool convolution = std::is_same_v<T, Conv>;
        std::unique_ptr<Stage> made;
        if constexpr (requires { make_stage_of(o, request); })
          if (!half || !convolution) made = make_stage_of(o, request);
        if constexpr (convolution)
          if (!made) return make_dnnl_stage(o, request);
        return made && half ? in_half(std::move(made), request) : std::move(made);
      },
      op);
}

std::unique_ptr<Kernel> kernel_of(std::vector<std::unique_ptr<Stage>> stages,
                                  std::shared_ptr<const Runtime> runtime,
                                  const CompileRequest& request) {
  return std::make_unique<StagesKernel>(std::move(stages), std::move(runtime), request);
}

std::unique_ptr<Kernel> stage_kernel(const Op& op, const Context& context) {
  auto stage = make_stage(op, {*context.runtime, context.request.name, context.in(),
                               context.training(), context.wants_grad(0), context.request.types});
  if (!stage) return nullptr;
  std::vector<std::unique_ptr<Stage>> stages;
  stages.push_back(std::move(stage));
  return kernel_of(std::move(stages), context.runtime, context.request);
}

}  // namespace alx::onednn
