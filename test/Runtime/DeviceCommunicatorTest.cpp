//===- DeviceCommunicatorTest.cpp - Collectives between devices -----------===//
//
// What CommunicatorChecks.h says, in memory of devices, under mpirun and on
// libraries that stand in for CUDA's. The kernels are those of the program that
// is linked (fake_program.py --device).
//
//   pprt-device-communicator-test nccl|mpi
//
//===----------------------------------------------------------------------===//
#include "DeviceCommunicator.h"
#include "CommunicatorChecks.h"
#include "Wait.h"

#include <cstdio>

using namespace pprt;

namespace {
class DevicePlace final : public test::Place {
public:
  DevicePlace(Bootstrap &bootstrap, bool nccl)
      : Place(bootstrap), nccl(nccl),
        device(createCudaDevice(pprt_gpu_program_code, bootstrap.nodeRank())) {}

  std::unique_ptr<Communicator> create(const Group &group,
                                       int requests) override {
    if (!nccl)
      return createStagedCommunicator(*device, bootstrap, group, requests);
    // A ring: the messages of the checks.
    std::vector<MemberEdge> edges;
    for (int i = 0; i < group.size() && group.size() > 1; ++i)
      edges.push_back({i, (i + 1) % group.size()});
    return createNcclCommunicator(*device, bootstrap, group, requests, edges,
                                  2);
  }
  void connect(Communicator &communicator) override {
    static_cast<DeviceCommunicator &>(communicator).connect();
  }
  void *put(const void *data, uint64_t bytes) override {
    uint8_t *memory = device->allocate(bytes);
    uint8_t *pinned = device->allocateHost(bytes);
    if (bytes)
      std::memcpy(pinned, data, bytes);
    device->upload(0, memory, pinned, bytes);
    return memory;
  }
  void get(void *data, const void *from, uint64_t bytes) override {
    uint8_t *pinned = device->allocateHost(bytes);
    device->download(0, pinned, from, bytes);
    waitForStream(*device, 0, bootstrap);
    if (bytes)
      std::memcpy(data, pinned, bytes);
  }

private:
  bool nccl;
  std::unique_ptr<Device> device;
};
} // namespace

int main(int, char **argv) {
  std::unique_ptr<Bootstrap> bootstrap = createMpiBootstrap();
  std::vector<Mesh> meshes = {Mesh({{"pipe", bootstrap->size()}})};
  if (bootstrap->size() == 4)
    meshes.push_back(Mesh({{"pipe", 2}, {"data", 2}}));
  std::string error;
  try {
    DevicePlace place(*bootstrap, argv[1] == std::string("nccl"));
    for (const Mesh &mesh : meshes)
      if (error.empty())
        error = test::checkCollectives(place, mesh);
  } catch (const Error &e) {
    error = e.what();
  }
  if (error.empty())
    std::printf("all collectives are right\n");
  else
    bootstrap->reportFailure(error);
  bootstrap->finish();
  return error.empty() ? 0 : 1;
}
