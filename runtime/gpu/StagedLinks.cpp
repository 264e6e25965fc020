//===- StagedLinks.cpp - Transfers through memory of the host -------------===//
//
// The host takes part: it waits until what a send needs has been computed and
// copied, and for a receive until it has come. So it follows the device instead
// of running ahead of it, which costs time, and a step cannot be a graph.
//
//===----------------------------------------------------------------------===//
#include "Links.h"

#include "Collectives.h"
#include "Wait.h"

using namespace pprt;

namespace {

class StagedLinks final : public Links {
public:
  StagedLinks(Device &device, Transport &transport, Collectives &collectives,
              int requests)
      : device(device), transport(transport), collectives(collectives),
        stagings(size_t(requests)), stream(device.addStream()),
        ready(device.addEvent()), arrived(device.addEvent()) {}

  const char *name() const override { return "mpi"; }
  bool canCapture() const override { return false; }

  void start(int request, const Transfer &transfer) override {
    Staging &staging = stagings[size_t(request)];
    staging.transfer = transfer;
    if (staging.capacity < transfer.bytes) {
      staging.memory = device.allocateHost(transfer.bytes);
      staging.capacity = transfer.bytes;
    }
    if (transfer.isReceive) {
      transport.irecv(request, transfer.peer, transfer.tag, staging.memory,
                      transfer.bytes);
      return;
    }
    device.record(ready, 0);
    device.wait(stream, ready);
    device.download(stream, staging.memory, transfer.data, transfer.bytes);
    waitForStream(device, stream, transport);
    transport.isend(request, transfer.peer, transfer.tag, staging.memory,
                    transfer.bytes);
  }

  void wait(int request) override {
    Staging &staging = stagings[size_t(request)];
    transport.wait(request);
    if (!staging.transfer.isReceive)
      return;
    // Stream 0 may still read what lay there before.
    device.record(ready, 0);
    device.wait(stream, ready);
    device.upload(stream, staging.transfer.data, staging.memory,
                  staging.transfer.bytes);
    device.record(arrived, stream);
    device.wait(0, arrived);
    // The next message of this request overwrites the staging memory.
    waitForStream(device, stream, transport);
  }

  void sum(double *values, uint64_t count) override {
    if (!sums)
      sums = reinterpret_cast<double *>(
          device.allocateHost(count * sizeof(double)));
    device.download(0, sums, values, count * sizeof(double));
    waitForStream(device, 0, transport);
    collectives.sum(sums, count);
    device.upload(0, values, sums, count * sizeof(double));
  }

private:
  struct Staging {
    uint8_t *memory = nullptr;
    uint64_t capacity = 0;
    Transfer transfer;
  };
  Device &device;
  Transport &transport;
  Collectives &collectives;
  std::vector<Staging> stagings;
  int stream, ready, arrived;
  double *sums = nullptr;
};

} // namespace

std::unique_ptr<Links> pprt::createStagedLinks(Device &device,
                                               Transport &transport,
                                               Collectives &collectives,
                                               int requests) {
  return std::make_unique<StagedLinks>(device, transport, collectives,
                                       requests);
}
