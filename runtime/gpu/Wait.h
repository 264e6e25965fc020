//===- Wait.h - Waiting for a device without spinning ---------------------===//
#ifndef PPRT_GPU_WAIT_H
#define PPRT_GPU_WAIT_H

#include "Bootstrap.h"
#include "Clock.h"
#include "Device.h"
#include "Error.h"
#include "WaitTimer.h"

#include <algorithm>
#include <time.h>

namespace pprt {

/// Sleeps until `isDone()`, at most for the transport's timeout: false then.
/// Throws Stopped if another rank has failed. Sleeps grow with the time waited,
/// 10 us to 50 us: until the end of a step is seen the device does nothing.
template <typename F> bool sleepUntil(Bootstrap &bootstrap, F isDone) {
  WaitTimer timer(uint64_t(bootstrap.timeout() * 1e9), nowNs());
  while (!isDone()) {
    bootstrap.checkStopped();
    if (timer.isOver(nowNs()))
      return false;
    timespec nap = {
        0, long(std::clamp<uint64_t>(timer.waited() / 16, 10000, 50000))};
    nanosleep(&nap, nullptr);
  }
  return true;
}

/// Sleeps until `stream` has done everything; `look` is called at each look.
/// Throws TimeoutError, and as `sleepUntil` does.
template <typename F>
void waitForStream(Device &device, int stream, Bootstrap &bootstrap, F look) {
  bool isDone = sleepUntil(bootstrap, [&] {
    if (device.isDone(stream))
      return true;
    look();
    return false;
  });
  if (!isDone)
    throw TimeoutError("found work on the device that does not end");
}

inline void waitForStream(Device &device, int stream, Bootstrap &bootstrap) {
  waitForStream(device, stream, bootstrap, [] {});
}

} // namespace pprt

#endif // PPRT_GPU_WAIT_H
