//===- ClockSync.h - One time line for all ranks --------------------------===//
#ifndef PPRT_CLOCKSYNC_H
#define PPRT_CLOCKSYNC_H

#include "Bootstrap.h"
#include "Recorder.h"

namespace pprt {

/// Where rank 0's clock stood at an instant of this rank's clock.
struct ClockPoint {
  uint64_t mine = 0;
  int64_t toRank0 = 0; // ns to add to get rank 0's clock
};

/// Compares clocks with rank 0 by the fastest of several round trips;
/// collective. On one node the clock is common and nothing is sent, unless
/// `always`.
ClockPoint compareClocks(Bootstrap &bootstrap, bool always = false);

/// Moves events to rank 0's clock, by a line through two comparisons.
void alignSteps(std::vector<StepEvents> &steps, ClockPoint begin,
                ClockPoint end);

} // namespace pprt

#endif // PPRT_CLOCKSYNC_H
