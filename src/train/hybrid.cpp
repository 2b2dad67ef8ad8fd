#include "train/hybrid.h"

#include <algorithm>

#include "core/error.h"

namespace alx {
namespace {

class Weaver {
 public:
  Weaver(const NetSpec& spec, int slots) : from_(spec), to_(spec), slots_(slots) {
    to_.nodes.clear();
    to_.aliases.clear();
    check_column();
  }

  NetSpec weave() {
    share_data();
    const size_t dense = first_dense();
    for (size_t i = 0; i < dense; ++i)
      for (int slot = 0; slot < slots_; ++slot) add(i, slot, from_.nodes[i].op);
    gather();
    for (size_t i = dense; i < from_.nodes.size(); ++i) add_dense(i);
    return std::move(to_);
  }

 private:
  void check_column() const {
    const std::string* last = nullptr;
    for (const Node& node : from_.nodes) {
      check(node.inputs.size() == 1 && (!last || node.inputs[0] == *last) && node.slot <= 0, Code::unsupported,
            from_.id, " is no single column of layers: hybrid parallelism is for those, a network of towers takes a ",
            "device for each tower");
      last = &node.name;
    }
    check(from_.node(from_.logits) && std::holds_alternative<Linear>(from_.node(from_.logits)->op), Code::unsupported,
          from_.id, " has no fully connected layer at its end, which hybrid parallelism needs");
  }

  // The first node behind the convolutions: dropout and flattening before the first fully connected layer go with it.
  size_t first_dense() const {
    size_t i = 0;
    while (!std::holds_alternative<Linear>(from_.nodes[i].op)) ++i;
    while (i > 0 && (std::holds_alternative<Dropout>(from_.nodes[i - 1].op) ||
                     std::holds_alternative<Flatten>(from_.nodes[i - 1].op)))
      --i;
    return i;
  }

  std::string name(const std::string& node, int slot) const { return cat(node, "/", slot); }
  void add(Node node) { to_.nodes.push_back(std::move(node)); }

  void share_data() {
    for (int slot = 0; slot < slots_; ++slot) {
      add({name("data", slot), Rows{slot, slots_}, {"data"}, 0});
      last_.push_back(to_.nodes.back().name);
    }
  }

  // Node i on this slot, behind what was added there last.
  void add(size_t i, int slot, const Op& op) {
    std::string& last = last_[static_cast<size_t>(slot)];
    add({name(from_.nodes[i].name, slot), op, {last}, slot});
    last = to_.nodes.back().name;
  }

  void join(const std::string& what, bool images, int slots) {
    const std::vector<std::string> parts = last_;
    for (int slot = 0; slot < slots; ++slot) {
      add({name(what, slot), Concat{images}, parts, slot});
      last_[static_cast<size_t>(slot)] = to_.nodes.back().name;
    }
  }
  void gather() { join("gathered", true, slots_); }

  void add_dense(size_t i) {
    const Node& node = from_.nodes[i];
    const auto* linear = std::get_if<Linear>(&node.op);
    if (linear && units_ > 0) join("units before " + node.name, false, node.name == from_.logits ? 1 : slots_);
    if (linear) units_ = node.name == from_.logits ? 0 : linear->out;
    if (linear && units_ == 0) behind_logits_ = true;
    if (behind_logits_) {  // under its own name: the loss asks for it
      add({node.name, node.op, {last_[0]}, 0});
      last_[0] = node.name;
      return;
    }
    check(units_ % slots_ == 0, Code::unsupported, node.name, " has ", units_, " units, which ", slots_,
          " devices cannot share alike");
    for (int slot = 0; slot < slots_; ++slot) add(i, slot, part_of(node.op, slot));
  }

  Op part_of(Op op, int slot) const {
    const int64_t part = units_ / slots_;
    if (auto* linear = std::get_if<Linear>(&op))
      linear->out = part, linear->first = slot * part, linear->whole = units_;
    if (auto* dropout = std::get_if<Dropout>(&op); dropout && units_ > 0)
      dropout->first = slot * part, dropout->whole = units_;
    return op;
  }

  const NetSpec& from_;
  NetSpec to_;
  int slots_;
  std::vector<std::string> last_;  // node on each slot
  int64_t units_ = 0;              // of the layer that lies in parts; 0: what flows is whole on each slot
  bool behind_logits_ = false;
};

}  // namespace

NetSpec hybrid(const NetSpec& spec, int slots) { return slots == 1 ? spec : Weaver(spec, slots).weave(); }

}  // namespace alx
