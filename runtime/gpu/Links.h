//===- Links.h - Transfers between the memories of devices ----------------===//
//
// Two ways: NCCL, from device to device; and by the host's transport through
// memory of the host, for ranks that share a GPU and where no NCCL is.
//
// A transfer begins when stream 0 has done what was enqueued before it, and
// what is enqueued on stream 0 after its wait comes after it. Transfers of a
// channel are posted by both sides in the same order.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_GPU_LINKS_H
#define PPRT_GPU_LINKS_H

#include "Backend.h"
#include "Device.h"

#include <memory>
#include <string>
#include <vector>

namespace pprt {

class Links {
public:
  virtual ~Links() = default;
  virtual const char *name() const = 0;
  /// Nothing of a transfer is done by the host, so that a graph can hold it.
  virtual bool canCapture() const = 0;

  /// Makes what transfers need, together with all other ranks. An error ends
  /// them as one in a step does.
  virtual void connect(Collectives &) {}

  virtual void start(int request, const Transfer &transfer) = 0;
  virtual void wait(int request) = 0;
  /// Adds `values` (f64, on the device) of all ranks, each of which has one
  /// contributor and zeros elsewhere.
  virtual void sum(double *values, uint64_t count) = 0;

  /// Called again and again while the device works: throws what went wrong.
  virtual void poll() {}
  /// Transfers that were begun and have not ended, for a message.
  virtual std::vector<Transfer> unfinished() const { return {}; }
  /// Begins a step: transfers are counted from here. In a replay a graph does
  /// those of the step in which it was made.
  virtual void beginStep(bool isReplay) { (void)isReplay; }
  /// Ends what is under way, so that the device can be given back.
  virtual void abort() {}
};

std::unique_ptr<Links> createStagedLinks(Device &device, Transport &transport,
                                         Collectives &collectives,
                                         int requests);

/// One communicator for each directed edge of this rank. Throws Error where
/// NCCL is missing.
std::unique_ptr<Links> createNcclLinks(Device &device,
                                       const Description &description,
                                       Transport &transport, int requests);

} // namespace pprt

#endif // PPRT_GPU_LINKS_H
