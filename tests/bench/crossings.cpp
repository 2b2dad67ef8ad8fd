// crossings MODEL [BATCH]: what crosses between the devices of a network of several slots in one
// training step, from the same lowering that plans it: node, values an image, bytes forward, bytes
// backward. scripts/scaling reads it.
#include <cstdlib>
#include <iostream>

#include "core/error.h"
#include "models/zoo.h"
#include "plan/lower.h"

int main(int argc, char** argv) try {
  if (argc < 2 || argc > 3) {
    std::cerr << "usage: crossings MODEL [BATCH]\n";
    return 2;
  }
  alx::LowerRequest request;
  request.batch = argc > 2 ? std::atoll(argv[2]) : 128;
  request.phase = alx::Phase::training;
  request.loss = true;
  const alx::Lowered net = alx::lower(alx::make_model(argv[1]), request);
  for (const alx::LoweredNode& node : net.nodes) {
    if (!std::holds_alternative<alx::Copy>(node.op)) continue;
    const alx::Value& value = net.values[node.inputs[0]];
    const int64_t values = alx::element_count(value.shape);
    const auto bytes = values * static_cast<int64_t>(alx::size_of(value.type));
    std::cout << value.name << ',' << value.slot << ',' << node.slot << ','
              << values / request.batch << ',' << bytes << ',' << (value.needs_grad ? bytes : 0)
              << '\n';
  }
} catch (const std::exception& error) {
  std::cerr << "crossings: " << error.what() << '\n';
  return 1;
}
