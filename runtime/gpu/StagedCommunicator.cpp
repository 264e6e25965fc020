//===- StagedCommunicator.cpp - By way of the host's memory ---------------===//
//
// The host takes part: it waits until what a send needs has been computed and
// copied, and for a receive until it has come. So it follows the device instead
// of running ahead of it, which costs time, and a step cannot be a graph.
// Collectives are the host's, on copies.
//
//===----------------------------------------------------------------------===//
#include "DeviceCommunicator.h"

#include "Bootstrap.h"
#include "Wait.h"

using namespace pprt;

namespace {

class StagedCommunicator final : public DeviceCommunicator {
public:
  StagedCommunicator(Device &device, Bootstrap &bootstrap, Group group,
                     int requests)
      : DeviceCommunicator(group), device(device), bootstrap(bootstrap),
        host(createHostCommunicator(bootstrap, std::move(group), requests)),
        stagings(size_t(requests)), stream(device.addStream()),
        ready(device.addEvent()), arrived(device.addEvent()) {}

  const char *name() const override { return "mpi"; }
  bool canCapture() const override { return false; }

  void isend(int request, int peer, int tag, const void *data,
             uint64_t bytes) override {
    uint8_t *memory = memoryOf(request, bytes);
    stagings[size_t(request)].target = nullptr;
    fetch(memory, data, bytes);
    host->isend(request, peer, tag, memory, bytes);
  }
  void irecv(int request, int peer, int tag, void *data,
             uint64_t bytes) override {
    uint8_t *memory = memoryOf(request, bytes);
    stagings[size_t(request)].target = data;
    host->irecv(request, peer, tag, memory, bytes);
  }

  void prepare(int request, const Collective &collective) override {
    host->prepare(request, collective);
    const uint64_t width = sizeOf(collective.type);
    Staging &staging = stagings[size_t(request)];
    staging.isCollective = true;
    staging.inBytes = collective.elementsIn(member()) * width;
    staging.bytes = collective.elementsOut(member()) * width;
    // The result and the host's workspace behind what it is made of.
    staging.workspace = (staging.inBytes + staging.bytes + 63) / 64 * 64;
    staging.memory = device.allocateHost(staging.workspace +
                                         collective.workspaceBytes(size()));
  }
  void start(int request, const void *in, void *out, void *) override {
    Staging &staging = stagings[size_t(request)];
    // One rank alone needs no host, so that a graph can hold it.
    if (size() == 1) {
      if (in != out)
        device.copy(0, out, in, staging.bytes);
      return;
    }
    staging.target = out;
    fetch(staging.memory, in, staging.inBytes);
    host->start(request, staging.memory, staging.memory + staging.inBytes,
                staging.memory + staging.workspace);
  }

  TransferTimes wait(int request) override {
    Staging &staging = stagings[size_t(request)];
    if (staging.isCollective && size() == 1)
      return {};
    TransferTimes times = host->wait(request);
    if (!staging.target)
      return times;
    // Stream 0 may still read what lay there before.
    device.record(ready, 0);
    device.wait(stream, ready);
    device.upload(stream, staging.target,
                  staging.memory + (staging.isCollective ? staging.inBytes : 0),
                  staging.bytes);
    device.record(arrived, stream);
    device.wait(0, arrived);
    // The next message of this request overwrites the staging memory.
    waitForStream(device, stream, bootstrap);
    return times;
  }

  bool abort() override { return host->abort(); }

private:
  struct Staging {
    uint8_t *memory = nullptr;
    uint64_t capacity = 0, bytes = 0, inBytes = 0, workspace = 0;
    void *target = nullptr; ///< on the device; null for a send
    bool isCollective = false;
  };

  uint8_t *memoryOf(int request, uint64_t bytes) {
    Staging &staging = stagings[size_t(request)];
    if (staging.capacity < bytes) {
      staging.memory = device.allocateHost(bytes);
      staging.capacity = bytes;
    }
    staging.bytes = bytes;
    return staging.memory;
  }
  /// From the device, once stream 0 has come here.
  void fetch(uint8_t *memory, const void *data, uint64_t bytes) {
    device.record(ready, 0);
    device.wait(stream, ready);
    device.download(stream, memory, data, bytes);
    waitForStream(device, stream, bootstrap);
  }

  Device &device;
  Bootstrap &bootstrap;
  std::unique_ptr<Communicator> host;
  std::vector<Staging> stagings;
  int stream, ready, arrived;
};

} // namespace

std::unique_ptr<DeviceCommunicator>
pprt::createStagedCommunicator(Device &device, Bootstrap &bootstrap,
                               Group group, int requests) {
  return std::make_unique<StagedCommunicator>(device, bootstrap,
                                              std::move(group), requests);
}
