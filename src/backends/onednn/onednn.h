// The CPU backend: kernels by oneDNN, API v3 (3.2 or newer).
#pragma once
#include <memory>
#include <string>

#include "backends/host_services.h"

namespace alx {

// `threads` 0: as many as the machine has; host.loop has its own number. Each backend is used by
// one thread at a time; several may exist.
std::shared_ptr<Backend> make_onednn_backend(int threads, const HostServices& host);

std::vector<Precision> onednn_precisions(Phase phase);  // that it takes
// processor, instruction set, threads, oneDNN's version
std::string describe_onednn();

}  // namespace alx
