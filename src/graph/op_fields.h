// What a spec file says of each op, once: for reading, writing and the schema of such files. The
// names stand in people's files and do not change.
#pragma once
#include <array>
#include <concepts>
#include <type_traits>

#include "graph/ops.h"

namespace alx {

// Of one axis, kernel or padding: sums of a few cannot overflow.
constexpr int64_t max_size = int64_t{1} << 30;

struct Field {
  const char* name;
  const char* what;        // for people
  bool needed = false;     // in a file; else it holds what a fresh op holds
  double least = 1;        // of a number
  double most = max_size;  // included, unless
  bool most_excluded = false;
};

// The words that stand for an enum's values, in their order.
constexpr std::array<const char*, 2> words_of(Round) { return {"floor", "ceil"}; }
constexpr std::array<const char*, 2> words_of(Lrn::Region) { return {"across", "within"}; }

// visit(Field, member) for every field of an op.
template <class Visit>
void window_fields(int64_t& kernel, int64_t& stride, Pad& pad, bool stride_needed, Visit& visit) {
  visit(Field{"kernel", "side of the square window", true}, kernel);
  visit(Field{"stride", "from one window to the next", stride_needed}, stride);
  visit(Field{"pad", "zeros around the input: a number, or top, left, bottom and right", false, 0},
        pad);
}

template <class O, class Visit>
void weight_fields(O& op, Visit& visit) {
  visit(Field{"weight",
              "how the weights start: a number, he, torch, normal:DEVIATION or "
              "uniform:BOUND; or an object with start, rate and decay",
              true},
        op.weight);
  visit(Field{"bias", "how the biases start, as weight; 0 without it"}, op.bias);
}

template <class Visit>
void fields_of(Conv& op, Visit visit) {
  visit(Field{"out", "output channels; of the layer that makes the logits the classes", true},
        op.out);
  window_fields(op.kernel, op.stride, op.pad, false, visit);
  visit(Field{"groups", "parts of the channels that do not see each other"}, op.groups);
  weight_fields(op, visit);
}

template <class Visit>
void fields_of(Linear& op, Visit visit) {
  visit(Field{"out", "output units; of the layer that makes the logits the classes", true}, op.out);
  weight_fields(op, visit);
}

template <class Visit>
void fields_of(Lrn& op, Visit visit) {
  visit(Field{"size", "of the window: channels, or the side of a square of positions"}, op.size);
  visit(Field{"k", "added to the sum", false, 0}, op.k);
  visit(Field{"alpha", "factor of the sum of squares", false, 0}, op.alpha);
  visit(Field{"beta", "exponent", false, -max_size}, op.beta);
  visit(Field{"region", "of the window: across channels, or within one"}, op.region);
  visit(Field{"divide", "alpha by the number of elements in the window"}, op.divide);
}

template <class Pool, class Visit>
void pool_fields(Pool& op, Visit& visit) {
  window_fields(op.kernel, op.stride, op.pad, true, visit);
  visit(Field{"round", "of the output's size; with ceil the last window may hang over the edge"},
        op.round);
}

template <class Visit>
void fields_of(MaxPool& op, Visit visit) {
  pool_fields(op, visit);
}

template <class Visit>
void fields_of(AvgPool& op, Visit visit) {
  pool_fields(op, visit);
  visit(Field{"count_padding", "padding counts in the divisor"}, op.count_padding);
}

template <class Visit>
void fields_of(AdaptiveAvgPool& op, Visit visit) {
  visit(Field{"out_h", "rows of the output", true}, op.out_h);
  visit(Field{"out_w", "columns of the output", true}, op.out_w);
}

template <class Visit>
void fields_of(Dropout& op, Visit visit) {
  visit(Field{"drop", "probability of a zero", false, 0, 1, true}, op.drop);
  visit(Field{"inverted", "kept elements are scaled in training; else all at inference"},
        op.inverted);
}

// Ops without fields, and those that no file may hold.
template <class O, class Visit>
requires std::is_empty_v<O> || std::same_as<O, Concat> || std::same_as<O, BatchSlice> ||
    std::same_as<O, SoftmaxLoss> || std::same_as<O, Split>
void fields_of(O&, Visit) {}

// Every op that a file may hold, as it is without any field.
inline std::vector<Op> ops_in_files() {
  std::vector<Op> ops;
#define ALX_OP(Name) ops.push_back(Name{});
  ALX_OPS(ALX_OP)
#undef ALX_OP
  std::erase_if(ops, [](const Op& op) {
    const OpFacts facts = facts_of(op);
    return facts.by_planning || facts.by_program;
  });
  return ops;
}

}  // namespace alx
