#include "train/hybrid.h"

#include <algorithm>
#include <set>

#include "core/error.h"

namespace alx {
namespace {

class HybridBuilder {
 public:
  HybridBuilder(const NetSpec& spec, size_t slots) : from_(spec), to_(spec), last_(slots) {
    to_.nodes.clear();
    to_.aliases.clear();
    check_column();
  }

  NetSpec build() {
    share_data();
    const size_t dense = first_dense();
    for (size_t i = 0; i < dense; ++i)
      for (size_t slot = 0; slot < last_.size(); ++slot)
        add(i, slot, {.layer = from_.nodes[i].name, .images = static_cast<int64_t>(slot)});
    gather();
    for (size_t i = dense; i < from_.nodes.size(); ++i) add_dense(i);
    return std::move(to_);
  }

 private:
  int64_t slots() const { return static_cast<int64_t>(last_.size()); }

  void check_column() const {
    const std::string* last = nullptr;
    for (const Node& node : from_.nodes) {
      check(node.inputs.size() == 1 && (!last || node.inputs[0] == *last) &&
                node.slot.value_or(0) == 0,
            Code::unsupported, from_.id,
            " is no single column of layers: hybrid parallelism is for those, a network of towers "
            "takes a ",
            "device for each tower");
      last = &node.name;
    }
    check(from_.node(from_.logits) && facts_of(from_.node(from_.logits)->op).dense,
          Code::unsupported, from_.id,
          " has no fully connected layer at its end, which hybrid parallelism needs");
  }

  // The first node behind the convolutions: dropout and flattening before the first fully connected
  // layer go with it.
  size_t first_dense() const {
    size_t i = 0;
    while (!facts_of(from_.nodes[i].op).dense) ++i;
    const auto goes_along = [](const OpFacts& facts) { return facts.random || facts.reshapes; };
    while (i > 0 && goes_along(facts_of(from_.nodes[i - 1].op))) --i;
    return i;
  }

  // Any name will do that no other node has.
  std::string name(const std::string& what, size_t slot) {
    constexpr size_t suffix = 16;
    std::string name = cat(what.size() + suffix <= longest_name ? what : "node", "/", slot);
    while (from_.node(name) || !names_.insert(name).second) name += "'";
    return name;
  }
  void add(Node node) { to_.nodes.push_back(std::move(node)); }

  void share_data() {
    for (size_t slot = 0; slot < last_.size(); ++slot) {
      add({name("data", slot), BatchSlice{static_cast<int64_t>(slot), slots()}, {data_name}, 0});
      last_[slot] = to_.nodes.back().name;
    }
  }

  // Node i on this slot, behind what was added there last.
  void add(size_t i, size_t slot, LayerPart part) {
    const Node& node = from_.nodes[i];
    Op op = node.op;
    if (int64_t* out = output_units(op); out && part.whole > 0) *out = part.whole / slots();
    std::string& last = last_[slot];
    add({name(node.name, slot), std::move(op), {last}, slot, std::move(part)});
    last = to_.nodes.back().name;
  }

  void join(const std::string& what, bool images, size_t slots) {
    const std::vector<std::string> parts = last_;
    for (size_t slot = 0; slot < slots; ++slot) {
      add({name(what, slot), Concat{images}, parts, slot});
      last_[slot] = to_.nodes.back().name;
    }
  }
  void gather() { join("gathered", true, last_.size()); }

  void add_dense(size_t i) {
    Node node = from_.nodes[i];
    const OpFacts facts = facts_of(node.op);
    if (facts.dense && units_ > 0)
      join("units before " + node.name, false, node.name == from_.logits ? 1 : last_.size());
    if (facts.dense) units_ = node.name == from_.logits ? 0 : *output_units(node.op);
    if (facts.dense && units_ == 0) behind_logits_ = true;
    if (behind_logits_) {  // under its own name: the loss asks for it
      add({node.name, node.op, {last_[0]}, 0});
      last_[0] = node.name;
      return;
    }
    check(units_ == 0 || facts.dense || facts.elementwise || facts.reshapes, Code::unsupported,
          node.name,
          " reads units of several devices at once, and hybrid parallelism has no way to cut a ",
          facts.name);
    check(units_ % slots() == 0, Code::unsupported, node.name, " has ", units_, " units, which ",
          slots(), " devices cannot share alike");
    for (size_t slot = 0; slot < last_.size(); ++slot)
      add(i, slot, {node.name, static_cast<int64_t>(slot) * units_ / slots(), units_});
  }

  const NetSpec& from_;
  NetSpec to_;
  std::set<std::string> names_;    // given
  std::vector<std::string> last_;  // node on each slot
  // of the layer that lies in parts; 0: what flows is whole on each slot
  int64_t units_ = 0;
  bool behind_logits_ = false;
};

}  // namespace

NetSpec hybrid(const NetSpec& spec, size_t slots) {
  return slots == 1 ? spec : HybridBuilder(spec, slots).build();
}

}  // namespace alx
