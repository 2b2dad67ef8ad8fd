#include "weights/pickle.h"

#include <algorithm>

#include "core/error.h"
#include "core/number.h"
#include "weights/bytes.h"

namespace alx {
namespace {

using Kind = PickleValue::Kind;
using Name = PickleValue::Name;

// A value takes a byte at least, which puts it on the stack and into a container. More comes of
// copies only: a container out of the memo takes two bytes, whatever it holds.
constexpr size_t items_per_byte = 4;

struct Known {
  std::string_view module, name;
  Name meaning;
};

// All that a pickle may name. Nothing is imported or called: each stands for a fixed reading of its
// arguments.
constexpr Known known_names[] = {
    {"collections", "OrderedDict", Name::ordered_dict},
    {"torch._utils", "_rebuild_tensor", Name::rebuild_tensor},
    {"torch._utils", "_rebuild_tensor_v2", Name::rebuild_tensor_v2},
    {"torch._utils", "_rebuild_parameter", Name::rebuild_parameter},
    {"torch", "FloatStorage", Name::f32_storage},
    {"torch", "HalfStorage", Name::f16_storage},
    {"torch", "BFloat16Storage", Name::bf16_storage},
    {"torch.cuda", "FloatStorage", Name::f32_storage},
    {"torch.cuda", "HalfStorage", Name::f16_storage},
    {"torch.cuda", "BFloat16Storage", Name::bf16_storage},
};

}  // namespace

Pickle::Pickle(std::span<const std::byte> bytes, const std::string& where, const Limits& limits)
    : bytes_(bytes), where_(where), limits_(limits) {
  while (step()) {
  }
}

void Pickle::demand(bool ok, const char* fault) const {
  if (!ok)
    fail(Code::bad_file, where_, ": ", fault, " at byte ", at_,
         " of the pickle; the file is damaged");
}

template <class T>
T Pickle::number() {
  demand(inside(at_, sizeof(T), bytes_.size()), "it ends too early");
  const T value = load_le<T>(bytes_.data() + at_);
  at_ += sizeof(T);
  return value;
}

std::string_view Pickle::text(size_t length) {
  demand(inside(at_, length, bytes_.size()), "it ends too early");
  const auto result = as_text(bytes_.subspan(at_, length));
  at_ += length;
  return result;
}

std::string_view Pickle::line() {
  const auto rest = as_text(bytes_.subspan(at_));
  const size_t end = rest.find('\n');
  demand(end != std::string_view::npos, "it ends too early");
  at_ += end + 1;
  return rest.substr(0, end);
}

// Before anything is added to what takes memory.
void Pickle::grow(size_t items) {
  items_ += items;
  if (static_cast<uint64_t>(std::max<int64_t>(limits_.items, 0)) < items_)
    fail(Code::unsupported, where_, ": the pickle holds over ", limits_.items,
         " values, the limit of items; a state_dict has some fifty for each tensor");
  demand(items_ / items_per_byte <= at_, "lists are copied over and over");
}

void Pickle::push(PickleValue value) {
  grow(1);
  stack_.push_back(static_cast<uint32_t>(values_.size()));
  values_.push_back(std::move(value));
}

uint32_t Pickle::top() const {
  demand(stack_.size() > (marks_.empty() ? 0 : marks_.back()), "a value is missing");
  return stack_.back();
}

uint32_t Pickle::pop() {
  const uint32_t value = top();
  stack_.pop_back();
  return value;
}

size_t Pickle::pop_mark() {
  demand(!marks_.empty(), "a mark is missing");
  const size_t height = marks_.back();
  marks_.pop_back();
  return height;
}

void Pickle::make_tuple(size_t count) {
  PickleValue tuple{.kind = Kind::tuple};
  grow(count);
  tuple.items.resize(count);
  for (size_t i = count; i-- > 0;) tuple.items[i] = pop();
  push(std::move(tuple));
}

// Moves the stack's values from `from` on into the list or dictionary below them.
void Pickle::extend(Kind kind, size_t from) {
  grow(stack_.size() - from);
  const std::vector<uint32_t> added(stack_.begin() + static_cast<ptrdiff_t>(from), stack_.end());
  stack_.resize(from);
  PickleValue& container = values_[top()];
  demand(container.kind == kind, "something is added to what is no list or dictionary");
  demand(kind == Kind::list || added.size() % 2 == 0, "a key has no value");
  container.items.insert(container.items.end(), added.begin(), added.end());
}

void Pickle::push_name() {
  const auto module = line(), name = line();
  for (const Known& known : known_names) {
    if (known.module == module && known.name == name)
      return push({.kind = Kind::name, .name = known.meaning});
  }
  constexpr size_t most = 100;  // for the message
  fail(Code::unsupported, where_, ": the pickle names ",
       in_quotes(cat(module.substr(0, most), ".", name.substr(0, most))),
       ", which is refused: only state_dicts of float, half and bfloat16 tensors are read, and "
       "nothing is executed. "
       "Save with torch.save(model.state_dict(), path)");
}

void Pickle::reduce() {
  const uint32_t arguments = pop(), function = pop();
  demand(values_[function].kind == Kind::name && values_[arguments].kind == Kind::tuple,
         "what is called is no function");
  const std::vector<uint32_t>& items = values_[arguments].items;
  switch (values_[function].name) {
    case Name::ordered_dict: {
      PickleValue dict{.kind = Kind::dict};
      demand(items.size() <= 1, "an OrderedDict has too many arguments");
      if (items.size() == 1) {  // Python 2 gives a list of pairs
        demand(values_[items[0]].kind == Kind::list, "an OrderedDict is made of what is no list");
        for (uint32_t index : values_[items[0]].items) {
          const PickleValue& pair = values_[index];
          demand((pair.kind == Kind::list || pair.kind == Kind::tuple) && pair.items.size() == 2,
                 "no pair is given");
          grow(2);
          dict.items.insert(dict.items.end(), pair.items.begin(), pair.items.end());
        }
      }
      return push(std::move(dict));
    }
    case Name::rebuild_tensor:
    case Name::rebuild_tensor_v2:
      grow(items.size());
      return push({.kind = Kind::tensor, .name = values_[function].name, .items = items});
    case Name::rebuild_parameter:
      grow(items.size());
      return push({.kind = Kind::parameter, .items = items});
    case Name::f32_storage:
    case Name::f16_storage:
    case Name::bf16_storage: break;
  }
  demand(false, "a storage type is called");
}

// OrderedDicts carry attributes (`_metadata`: versions of the modules), which tensors do not need.
void Pickle::build() {
  pop();
  demand(values_[top()].kind == Kind::dict, "attributes are set on what is no dictionary");
}

bool Pickle::step_text(uint8_t opcode) {
  switch (opcode) {
    case 'X':
    // BINUNICODE, BINSTRING
    case 'T': push({.kind = Kind::text, .text = text(number<uint32_t>())}); return true;
    // SHORT_BINSTRING
    case 'U': push({.kind = Kind::text, .text = text(number<uint8_t>())}); return true;
    case 'c': push_name(); return true;  // GLOBAL
    default: return false;
  }
}

bool Pickle::step_number(uint8_t opcode) {
  const auto integer = [this](int64_t value) { push({.kind = Kind::integer, .integer = value}); };
  switch (opcode) {
    case 'N': push({}); return true;                                           // NONE
    case 0x88: push({.kind = Kind::boolean, .integer = 1}); return true;       // NEWTRUE
    case 0x89: push({.kind = Kind::boolean}); return true;                     // NEWFALSE
    case 'K': integer(number<uint8_t>()); return true;                         // BININT1
    case 'M': integer(number<uint16_t>()); return true;                        // BININT2
    case 'J': integer(static_cast<int32_t>(number<uint32_t>())); return true;  // BININT
    case 'G':
      number<uint64_t>();
      push({.kind = Kind::real});
      return true;  // BINFLOAT: no tensor needs its value
    case 0x8a: {    // LONG1
      const auto digits = text(number<uint8_t>());
      demand(digits.size() <= 8, "an integer has over 64 bits");
      // two's complement
      uint64_t value = !digits.empty() && (digits.back() & 0x80) ? ~uint64_t{0} : 0;
      for (size_t i = digits.size(); i-- > 0;)
        value = (value << 8) | static_cast<unsigned char>(digits[i]);
      integer(static_cast<int64_t>(value));
      return true;
    }
    default: return false;
  }
}

bool Pickle::step_container(uint8_t opcode) {
  switch (opcode) {
    case '(':  // MARK
      check(static_cast<int64_t>(marks_.size()) < limits_.depth, Code::unsupported, where_,
            ": lists and dictionaries of the pickle lie over ", limits_.depth,
            " deep inside each other, the limit");
      marks_.push_back(stack_.size());
      return true;
    case '}': push({.kind = Kind::dict}); return true;  // EMPTY_DICT
    case ']': push({.kind = Kind::list}); return true;  // EMPTY_LIST
    case ')': make_tuple(0); return true;               // EMPTY_TUPLE
    case 0x85:
    case 0x86:
    case 0x87: make_tuple(opcode - 0x84u); return true;  // TUPLE1 to TUPLE3
    case 't': {                                          // TUPLE
      const size_t height = pop_mark();
      make_tuple(stack_.size() - height);
      return true;
    }
    case 'e': extend(Kind::list, pop_mark()); return true;  // APPENDS
    case 'u': extend(Kind::dict, pop_mark()); return true;  // SETITEMS
    case 'a':                                               // APPEND
    case 's': {                                             // SETITEM
      const size_t count = opcode == 's' ? 2 : 1;
      demand(stack_.size() >= count, "a value is missing");
      extend(opcode == 's' ? Kind::dict : Kind::list, stack_.size() - count);
      return true;
    }
    default: return false;
  }
}

bool Pickle::step_memo(uint8_t opcode) {
  const auto get = [this](uint32_t key) {
    const auto found = memo_.find(key);
    demand(found != memo_.end(), "a value is used before it is there");
    grow(1);
    stack_.push_back(found->second);
  };
  const auto put = [this](uint32_t key) {
    grow(1);
    memo_[key] = top();
  };
  switch (opcode) {
    case 'q': put(number<uint8_t>()); return true;   // BINPUT
    case 'r': put(number<uint32_t>()); return true;  // LONG_BINPUT
    case 'h': get(number<uint8_t>()); return true;   // BINGET
    case 'j': get(number<uint32_t>()); return true;  // LONG_BINGET
    default: return false;
  }
}

bool Pickle::step() {
  const auto opcode = number<uint8_t>();
  if (step_text(opcode) || step_number(opcode) || step_container(opcode) || step_memo(opcode))
    return true;
  switch (opcode) {
    case 0x80: {  // PROTO
      const auto protocol = number<uint8_t>();
      check(protocol == 2, Code::unsupported, where_, ": pickle protocol ", int{protocol},
            " is not read; save with torch.save's own protocol, 2");
      return true;
    }
    case 'R': reduce(); return true;  // REDUCE
    case 'b': build(); return true;   // BUILD
    case 'Q': {                       // BINPERSID
      const uint32_t id = pop();
      demand(values_[id].kind == Kind::tuple, "a storage is no tuple");
      grow(values_[id].items.size());
      push({.kind = Kind::storage, .items = values_[id].items});
      return true;
    }
    case '.':  // STOP
      root_ = pop();
      demand(stack_.empty() && marks_.empty(), "values are left over");
      return false;
    default:
      fail(Code::unsupported, where_, ": opcode 0x", hex(opcode, 2), " at byte ", at_ - 1,
           " of the pickle is refused: only what a state_dict needs is read. Save with "
           "torch.save(model.state_dict(), "
           "path)");
  }
}

}  // namespace alx
