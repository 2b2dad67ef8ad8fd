// libFuzzer's entry for networks as JSON, whole files and metadata of weight files. Any input may
// be refused with an alx::Error; what is taken must come back from what is written of it.
//   bin/fuzz_spec -max_total_time=60 -malloc_limit_mb=64 -timeout=10 -dict=tests/fuzz/spec.dict
//   CORPUS tests/specs
#include <cstdint>
#include <string>

#include "core/error.h"
#include "network/named.h"
#include "weights/spec_json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    alx::network_in_metadata(text, {}, "metadata", {});
  } catch (const alx::Error&) {
  }
  std::string written;
  try {
    const alx::NetSpec spec = alx::network_named("{" + text);
    written = alx::to_json(spec, alx::SpecPart::whole);
  } catch (const alx::Error&) {
    return 0;
  }
  if (alx::to_json(alx::network_named(written), alx::SpecPart::whole) != written) __builtin_trap();
  return 0;
}
