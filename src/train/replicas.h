// A network in training with what its update keeps (momentum): once, or once for each group of
// devices (data parallelism), each with its share of every batch and the same weights. A network
// that hybrid() made is one over all its devices.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "graph/spec.h"
#include "network/network.h"

namespace alx {

// Of the gradients of fp16, whose small ones would vanish. Halved where one overflows, and then the
// step is left out; doubled after so many good steps (Micikevicius et al. 2018, "Mixed precision
// training").
struct LossScale {
  static constexpr int64_t patience = 2000;
  float factor = 1;
  int64_t good_steps = 0;
};

class Replicas {
 public:
  // `devices`: those of one network, or of several, one after the other. `options.batch` is that of
  // all together.
  Replicas(const NetSpec& spec, const std::vector<std::shared_ptr<Backend>>& devices,
           NetworkOptions options, const Recipe& recipe);

  void load(const WeightSource& source);  // and nothing kept

  const Network& network() const { return *networks_[0]; }  // all have the same weights
  size_t count() const { return networks_.size(); }
  int64_t batch() const { return network().batch() * static_cast<int64_t>(count()); }

  void forward(std::span<const float> images, std::span<const int32_t> labels,
               const StepContext& step);
  // of the images and labels that are there
  void forward(const StepContext& step);
  void read(const std::string& output, std::span<float> values) const;  // of all images
  void read_probabilities(std::span<float> values) const;

  // The gradients of what forward() did with `step`, and one update of every weight. False: a
  // gradient overflowed, and nothing was updated.
  bool backward(const StepContext& step);

  void synchronize() const;  // until the devices have done all that they were given

  // The parameters of the network as its source has them, whatever they were split into, and the
  // momentum of each.
  struct Whole {
    ParamSpec spec;
    std::vector<size_t> pieces;  // of network().params(): itself, its copies, or its parts in order
  };
  const std::vector<Whole>& params() const { return params_; }
  std::vector<float> read_param(size_t param) const;
  // What the rule of the update keeps of each parameter, by the names of its tensors.
  const std::vector<std::string>& states() const { return states_; }
  std::vector<float> read_state(size_t state, size_t param) const;
  void write_state(size_t state, size_t param, std::span<const float> values);
  LossScale loss_scale;

 private:
  StepContext share_of(size_t replica, StepContext step) const;
  template <class Read>
  void read_shares(std::span<float> values,
                   Read read) const;  // read(network, its part of the values)
  void make_gradients();
  void update(size_t replica, size_t param);
  bool gradients_are_finite() const;
  bool is_copied(const Whole& param) const;
  void find_params();
  void sum_gradients(size_t piece);  // as far as the others' are whole, too
  std::vector<float> read(const Whole& param,
                          const std::function<std::vector<float>(size_t)>& piece) const;

  std::vector<std::unique_ptr<Network>> networks_;
  UpdateRule rule_;
  std::vector<std::string> states_;
  using States = std::array<std::shared_ptr<Buffer>, most_states>;
  // of each network, of each of its parameters
  std::vector<std::vector<States>> kept_;
  std::vector<std::unique_ptr<Collective>> collectives_;  // one for each device of a network
  std::vector<Whole> params_;
  std::vector<size_t> whole_of_piece_;
  // sums the gradients of copies within the network; null: there are none
  std::unique_ptr<Collective> copies_;
  std::vector<size_t> made_;  // pieces whose gradients are whole
  Repeated gradients_, updates_;
  bool scales_, keeps_gradients_ = false;
};

// The devices of the first network where `devices` names those of several.
std::string devices_of_one(const NetSpec& spec, const std::string& devices);

}  // namespace alx
