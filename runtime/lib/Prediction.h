//===- Prediction.h - A measured step in the terms of the schedule --------===//
//
// Events of the ranks become a timeline of the schedule library, which finds
// out why ranks idled; the schedule that the programs follow is simulated with
// times of this step, and with those that the compiler planned. So measured and
// predicted are judged by the same code.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_PREDICTION_H
#define PPRT_PREDICTION_H

#include "Reports.h"

namespace pprt {

/// The computations of all ranks in order. A stage without an input gradient
/// gets the action back that the compiler dropped; here and in timelines.
pp::schedule::Schedule scheduleOf(const Description &description);

/// What the ranks of one pipeline did in the step, in ms since the first began
/// it. Ranks wait for the last one before the report is all-reduced; from then
/// on it costs.
pp::schedule::Timeline measuredTimeline(const Description &description,
                                        const RankSteps &ranks, int64_t step);

/// Mean times of each stage in a timeline, free transfers, and the mean end of
/// the step: sums, norms and updates of each rank after a common report.
pp::schedule::Costs ownCosts(const pp::schedule::Schedule &schedule,
                             const pp::schedule::Timeline &measured);

} // namespace pprt

#endif // PPRT_PREDICTION_H
