// A pickle of a state_dict, parsed and never executed: a stack machine that knows the few opcodes
// and names which torch.save writes for tensors in dictionaries, and refuses all others by name.
// Internal to src/weights.
#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/limits.h"

namespace alx {

struct PickleValue {
  enum class Kind : uint8_t {
    none,
    boolean,
    integer,
    real,
    text,
    name,
    tuple,
    list,
    dict,
    storage,
    tensor,
    parameter
  };
  enum class Name : uint8_t {
    ordered_dict,
    rebuild_tensor,
    rebuild_tensor_v2,
    rebuild_parameter,
    f32_storage,
    f16_storage,
    bf16_storage
  };
  Kind kind = Kind::none;
  Name name = Name::ordered_dict;  // of Kind::name; of a tensor: its function
  int64_t integer = 0;
  std::string_view text = {};  // in the pickle's bytes
  // tuple, list: the elements. dict: key, value, key, ... storage: the persistent id's elements.
  // tensor, parameter: the arguments of its function. Indices of values, so that nothing nests in
  // memory however deep the pickle does.
  std::vector<uint32_t> items = {};
};

class Pickle {
 public:
  // Parses the pickle at the start of `bytes`. Throws bad_file or unsupported with `where` in the
  // text.
  Pickle(std::span<const std::byte> bytes, const std::string& where, const Limits& limits = {});

  const PickleValue& root() const { return values_[root_]; }
  const PickleValue& operator[](uint32_t index) const { return values_[index]; }
  const std::vector<PickleValue>& values() const { return values_; }
  size_t size() const { return at_; }  // bytes up to and with the STOP

 private:
  bool step();  // one opcode; false at STOP
  bool step_text(uint8_t opcode);
  bool step_number(uint8_t opcode);
  bool step_container(uint8_t opcode);
  bool step_memo(uint8_t opcode);
  void grow(size_t items);
  void push(PickleValue value);
  void push_name();
  void reduce();
  void build();
  void make_tuple(size_t count);
  void extend(PickleValue::Kind kind, size_t from);
  uint32_t pop();
  uint32_t top() const;
  size_t pop_mark();
  void demand(bool ok, const char* fault) const;
  template <class T>
  T number();
  std::string_view text(size_t length);
  std::string_view line();

  std::span<const std::byte> bytes_;
  std::string where_;
  Limits limits_;
  size_t at_ = 0;
  size_t items_ = 0;  // places taken on the stack, in containers and in the memo
  std::vector<PickleValue> values_;
  std::vector<uint32_t> stack_;
  std::vector<size_t> marks_;  // heights of the stack
  std::map<uint32_t, uint32_t> memo_;
  uint32_t root_ = 0;
};

}  // namespace alx
