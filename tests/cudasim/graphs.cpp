// Streams that are captured, and what was captured launched again.
#include "cudasim/state.h"

namespace alx::cudasim {

void add_graphs(cudnn::Api& api) {
  api.cudaStreamBeginCapture = [](cudaStream_t handle, cudaStreamCaptureMode) {
    return call("cudaStreamBeginCapture", cudaErrorLaunchFailure, [&] {
      Stream* stream = machine().stream(handle, "cudaStreamBeginCapture");
      if (!stream || stream->capture)
        return violated("cudaStreamBeginCapture: the stream is captured already");
      stream->capture = std::make_shared<std::vector<Node>>();
      return true;
    });
  };
  api.cudaStreamEndCapture = [](cudaStream_t handle, cudaGraph_t* graph) {
    Stream* stream = machine().stream(handle, "cudaStreamEndCapture");
    if (!stream || !stream->capture)
      return violated("cudaStreamEndCapture: nothing is captured"), cudaErrorInvalidValue;
    const auto captured = std::move(stream->capture);
    stream->capture = nullptr;
    return call("cudaStreamEndCapture", cudaErrorStreamCaptureInvalidated, [&] {
      *graph = machine().handle<cudaGraph_t>();
      machine().graphs[*graph] = captured;
      return true;
    });
  };
  api.cudaGraphInstantiate = [](cudaGraphExec_t* made, cudaGraph_t graph, unsigned long long) {
    return call("cudaGraphInstantiate", cudaErrorLaunchFailure, [&] {
      const auto found = machine().graphs.find(graph);
      if (found == machine().graphs.end()) return violated("cudaGraphInstantiate: no live graph");
      *made = machine().handle<cudaGraphExec_t>();
      machine().executables[*made] = found->second;
      return true;
    });
  };
  api.cudaGraphLaunch = [](cudaGraphExec_t executable, cudaStream_t stream) {
    return call("cudaGraphLaunch", cudaErrorLaunchFailure, [&] {
      const auto found = machine().executables.find(executable);
      if (found == machine().executables.end()) return violated("cudaGraphLaunch: no live graph");
      bool good = true;
      for (const Node& node : *found->second)
        good &= run(stream, node.call, node.ranges, node.work, node.any_device);
      return good;
    });
  };
  api.cudaGraphDestroy = [](cudaGraph_t graph) {
    return machine().graphs.erase(graph) ? cudaSuccess : cudaErrorInvalidValue;
  };
  api.cudaGraphExecDestroy = [](cudaGraphExec_t executable) {
    return machine().executables.erase(executable) || !executable ? cudaSuccess
                                                                  : cudaErrorInvalidValue;
  };
}

}  // namespace alx::cudasim
