//===- Wait.h - Waiting for a device without spinning ---------------------===//
#ifndef PPRT_GPU_WAIT_H
#define PPRT_GPU_WAIT_H

#include "Clock.h"
#include "Device.h"
#include "Error.h"
#include "Transport.h"

#include <algorithm>
#include <time.h>

namespace pprt {

/// Sleeps until `stream` has done everything, at most for the transport's
/// timeout; `look` is called at each look. Throws Stopped if another rank has
/// failed. Sleeps grow with the time waited: 10 us to 500 us.
template <typename F>
void waitForStream(Device &device, int stream, Transport &transport, F look) {
  const uint64_t begin = nowNs();
  while (!device.isDone(stream)) {
    transport.checkStopped();
    look();
    uint64_t waited = nowNs() - begin;
    if (double(waited) > transport.timeout() * 1e9)
      throw TimeoutError("found work on the device that does not end");
    timespec nap = {0, long(std::clamp<uint64_t>(waited / 16, 10000, 500000))};
    nanosleep(&nap, nullptr);
  }
}

inline void waitForStream(Device &device, int stream, Transport &transport) {
  waitForStream(device, stream, transport, [] {});
}

} // namespace pprt

#endif // PPRT_GPU_WAIT_H
