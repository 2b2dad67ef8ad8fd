#include "backends/onednn/primitive.h"

#include <cstring>
#include <unordered_map>

namespace alx::onednn {

dnnl::primitive_attr user_scratchpad() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

void Primitive::run(const Runtime& runtime, float* scratch,
                    std::initializer_list<const void*> addresses) const {
  const OneThread alone;
  std::unordered_map<int, dnnl::memory> memories;
  auto argument = arguments_.begin();
  for (const void* address : addresses) {
    memories.emplace(argument->first,
                     dnnl::memory(argument->second, runtime.engine, const_cast<void*>(address)));
    ++argument;
  }
  if (scratchpad_.get_size() > 0)
    memories.emplace(DNNL_ARG_SCRATCHPAD, dnnl::memory(scratchpad_, runtime.engine, scratch));
  primitive_.execute(dnnl::stream(runtime.engine), memories);
}

void reorder(const Runtime& runtime, const Md& from, const void* source, const Md& to,
             void* target) {
  if (from == to) return (void)std::memcpy(target, source, from.get_size());
  const OneThread alone;
  dnnl::memory in(from, runtime.engine, const_cast<void*>(source)), out(to, runtime.engine, target);
  dnnl::stream stream(runtime.engine);
  dnnl::reorder(in, out).execute(stream, in, out);
  stream.wait();
}

bool is_slow(const std::string& implementation) {
  return implementation.find("ref") != std::string::npos ||
         implementation.find("simple") != std::string::npos;
}

}  // namespace alx::onednn
