//===- Emulation.h - Computations that only take their time ---------------===//
//
// Under --emulate stage functions return at once (they ask pprt_emulating), and
// the end of each action waits until its planned duration is over, asleep. All
// communication is real, so that many ranks on few cores show what the runtime
// itself costs.
//
// A sleep ends a little late, by the timer and the scheduler, which no
// computation would. So the lateness is taken off the next action, unless the
// rank has waited for a transfer in between: then it had no effect here.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_EMULATION_H
#define PPRT_EMULATION_H

#include "Description.h"

namespace pprt {

class Emulation {
public:
  Emulation(const Program &program, const StageTimes &times);

  /// Turns all computations of this process into nothing, and lets its timers
  /// be exact.
  static void start();

  /// Sleeps until the action that began at `begin` has lasted as planned.
  void finish(int action, uint64_t begin);
  /// The rank has waited for `ns` in between.
  void noteWait(uint64_t ns) { late = ns < late ? late - ns : 0; }

private:
  std::vector<uint64_t> durations; // ns, by action
  uint64_t late = 0;               // ns, by which the last sleep ended late
};

} // namespace pprt

#endif // PPRT_EMULATION_H
