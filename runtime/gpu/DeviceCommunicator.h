//===- DeviceCommunicator.h - Groups of ranks with devices ------*- C++ -*-===//
//
// Communicators between memories of devices. Two ways: NCCL, from device to
// device; and by the host's communicator through memory of the host, for ranks
// that share a GPU and where no NCCL is.
//
// A message or a collective begins when stream 0 has done what was enqueued
// before it, and what is enqueued on stream 0 after its wait comes after it.
// Messages between two members are posted by both sides in the same order.
// Addresses are the device's. What goes wrong shows in `poll`, and as work that
// does not end.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_GPU_DEVICECOMMUNICATOR_H
#define PPRT_GPU_DEVICECOMMUNICATOR_H

#include "Communicator.h"
#include "Device.h"

#include <memory>
#include <string>
#include <vector>

namespace pprt {

class DeviceCommunicator : public Communicator {
public:
  using Communicator::Communicator;

  virtual const char *name() const = 0;
  /// Nothing is done by the host, so that a graph can hold it.
  virtual bool canCapture() const = 0;

  /// Makes what messages and prepared collectives need, together with all other
  /// members. An error ends them as one in a step does.
  virtual void connect() {}
  /// Begins a step, or an evaluation, which has a graph of its own: messages
  /// are counted from here. In a replay the graph does those of the step in
  /// which it was made.
  virtual void beginStep(bool isReplay, Device::Graph graph) {
    (void)isReplay, (void)graph;
  }
  /// Called again and again while the device works: throws what went wrong.
  virtual void poll() {}
  /// Messages that were begun and have not ended, by their number among those
  /// that the step has started, for an error's text.
  virtual std::vector<size_t> unfinished() const { return {}; }
  /// The collective that has begun and not ended, "an all_reduce of 14 f64 over
  /// pipe"; empty if there is none.
  virtual std::string unfinishedCollective() const { return ""; }
};

std::unique_ptr<DeviceCommunicator>
createStagedCommunicator(Device &device, Bootstrap &bootstrap, Group group,
                         int requests);

/// A directed edge between two members: messages go from the one to the other.
struct MemberEdge {
  int source = 0, destination = 0;
};

/// One NCCL communicator for each of the edges that this member is at, all of
/// which all members list in the same order; a step starts at most `messages`
/// of them. With `ownOrder` NCCL sums, in an order of its own. Throws Error
/// where NCCL is missing.
std::unique_ptr<DeviceCommunicator>
createNcclCommunicator(Device &device, Bootstrap &bootstrap, Group group,
                       int requests, std::vector<MemberEdge> edges,
                       size_t messages, bool ownOrder = false);

} // namespace pprt

#endif // PPRT_GPU_DEVICECOMMUNICATOR_H
