#include "backends/cudnn/device.h"

namespace alx::cudnn {
namespace {

// Sums run on a stream of their own for each device, each after the kernels that made its parts.
class NcclCollective : public Collective {
 public:
  explicit NcclCollective(const std::vector<std::shared_ptr<Device>>& devices) {
    std::vector<int> indices;
    for (const auto& device : devices) {
      device->use();
      members_.push_back(
          {device, std::make_unique<Stream>(device->api(), device->index(), cudaStreamNonBlocking),
           std::make_unique<Event>(device->api(), device->index(), cudaEventDisableTiming),
           std::make_unique<Event>(device->api(), device->index(), cudaEventDisableTiming),
           nullptr});
      indices.push_back(device->index());
    }
    std::vector<ncclComm_t> communicators(members_.size());
    first().call<&Api::ncclCommInitAll>(communicators.data(), static_cast<int>(indices.size()),
                                        indices.data());
    for (size_t i = 0; i < members_.size(); ++i) members_[i].communicator = communicators[i];
  }

  ~NcclCollective() override {
    for (const Member& member : members_) {
      const Api& api = member.device->api();
      api.cudaSetDevice(member.device->index());
      api.cudaStreamSynchronize(*member.stream);
      if (member.communicator) api.ncclCommDestroy(member.communicator);
    }
  }

  void start(const std::vector<void*>& tensors, const TensorDesc& desc) override {
    for (const Member& member : members_) {
      member.device->use();
      member.device->record_event(*member.made, member.device->compute());
      member.device->wait(*member.stream, *member.made);
    }
    first().call<&Api::ncclGroupStart>();
    try {
      for (size_t i = 0; i < members_.size(); ++i)
        first().call<&Api::ncclAllReduce>(tensors[i], tensors[i],
                                          static_cast<size_t>(element_count(desc.shape)), ncclFloat,
                                          ncclSum, members_[i].communicator, *members_[i].stream);
    } catch (...) {
      // else all that this thread asks of NCCL from now on would wait for it
      first().api().ncclGroupEnd();
      throw;
    }
    first().call<&Api::ncclGroupEnd>();
  }

  void finish() override {
    for (const Member& member : members_) {
      member.device->use();
      member.device->record_event(*member.summed, *member.stream);
      member.device->wait(member.device->compute(), *member.summed);
    }
  }

 private:
  struct Member {
    std::shared_ptr<Device> device;
    std::unique_ptr<Stream> stream;
    std::unique_ptr<Event> made, summed;
    ncclComm_t communicator;
  };
  const Device& first() const { return *members_[0].device; }
  std::vector<Member> members_;
};

}  // namespace

std::unique_ptr<Collective> make_nccl_collective(
    const std::vector<std::shared_ptr<Device>>& devices) {
  return std::make_unique<NcclCollective>(devices);
}

}  // namespace alx::cudnn
