//===- Emulation.h - Computations that only take their time ---------------===//
//
// Under --emulate stage functions return at once (they ask their context), and
// the end of each action waits until its planned duration is over, asleep. All
// communication is real, so that many ranks on few cores show what the runtime
// itself costs: transfers, collectives of replicas, and those of layers,
// between which the action sleeps in equal parts. What the compiler planned for
// these is no part of the sleep.
//
// A sleep ends a little late, by the timer and the scheduler (30 us and more),
// which no computation would. So sleeps aim earlier by what they were late on
// average, and what an action still lasted too long or short is taken off or
// added to the next one, unless the rank has waited for a transfer in between,
// which hides it.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_EMULATION_H
#define PPRT_EMULATION_H

#include "Description.h"

#include <algorithm>

namespace pprt {

class Emulation {
public:
  Emulation(const Program &program, const StageTimes &times);

  /// Lets the timers of this process be exact.
  static void start();

  /// Sleeps until the action that began at `begin` has lasted as planned; or
  /// one of so many equal parts of it, which began then.
  void finish(int action, uint64_t begin, uint64_t parts = 1);
  /// The rank has waited for `ns` in between.
  void noteWait(uint64_t ns) {
    if (late > 0)
      late = std::max<int64_t>(late - int64_t(ns), 0);
    else
      late = std::min<int64_t>(late + int64_t(ns), 0);
  }

private:
  std::vector<uint64_t> durations; // ns of computing, by action
  int64_t late = 0; // ns, by which the last action ended late; early if below 0
  double lead = 0;  // ns, by which sleeps are aimed earlier
};

} // namespace pprt

#endif // PPRT_EMULATION_H
