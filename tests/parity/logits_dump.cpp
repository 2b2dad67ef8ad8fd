// logits_dump WEIGHTS INPUT.safetensors OUT.safetensors: the logits of the tensor `input` (count,
// 3, h, w), run as one batch on the CPU. For logits_parity.py.
#include <iostream>

#include "backends/registry.h"
#include "core/error.h"
#include "network/model.h"
#include "weights/weights.h"

int main(int argc, char** argv) {
  using namespace alx;
  if (argc != 4) {
    std::cerr << "usage: logits_dump WEIGHTS INPUT.safetensors OUT.safetensors\n";
    return 2;
  }
  try {
    const auto model = Model::open(argv[1]);
    const WeightFile file = WeightFile::open(argv[2]);
    const TensorView* input = file.find("input");
    check(input != nullptr, Code::bad_file, argv[2], " has no tensor 'input'");
    std::vector<float> images(static_cast<size_t>(element_count(input->shape)));
    file.read(*input, images);
    const std::string logits = model->spec().logits;
    NetworkOptions options;
    options.batch = input->shape[0];
    options.outputs = {logits};
    Network network(model->spec(), open_devices("cpu"), options);
    model->load(network);
    network.set_input(images);
    network.forward();
    write_safetensors(argv[3], {make_tensor("logits", network.shape(logits), network.read(logits))},
                      {}, true);
  } catch (const std::exception& error) {
    std::cerr << "logits_dump: " << error.what() << "\n";
    return 1;
  }
}
