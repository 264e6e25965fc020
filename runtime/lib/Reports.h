//===- Reports.h - Pictures and tables of what was measured ---------------===//
//
// All of them take the events of all ranks, on one clock, and give text.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_REPORTS_H
#define PPRT_REPORTS_H

#include "Allocations.h"
#include "Recorder.h"

#include "pp/Schedule/Picture.h"

#include <optional>

namespace pprt {

/// Events by rank, then by step.
using RankSteps = std::vector<std::vector<StepEvents>>;

/// Those of the first replica's ranks, by their coordinates on `pipe`: what a
/// schedule is about.
RankSteps firstPipeline(const Description &description, const RankSteps &ranks);

/// Null if it is none of them.
const StepEvents *findStep(const std::vector<StepEvents> &steps, int64_t step);

/// When the first rank began the step and the last one ended it.
std::pair<uint64_t, uint64_t> stepSpan(const RankSteps &ranks, int64_t step);

/// The step of median duration among those that all ranks have.
int64_t medianStep(const RankSteps &ranks);

/// One step of one pipeline, measured and predicted (Prediction.cpp).
/// `emulated`: the times that computations pretended to take.
std::vector<pp::schedule::Panel>
timelinePanels(const Description &description, const RankSteps &ranks,
               int64_t step, const std::optional<StageTimes> &emulated);

/// Chrome's trace event format (Perfetto reads it too): a process for each
/// rank, threads for its actions, its transfers, and what was predicted for
/// one of the steps: the second of the panels, if there is one.
std::string chromeTrace(const Description &description, const RankSteps &ranks,
                        const std::vector<pp::schedule::Panel> &panels,
                        int64_t step);

/// The panels of a step of one pipeline as a picture; the measured one with its
/// transfers.
std::string timelineSvg(const Description &description, const RankSteps &ranks,
                        int64_t step, std::vector<pp::schedule::Panel> panels);

/// "all_gather over tensor, 2 ranks, 12.0 KB": a collective of layers, with the
/// bytes of all pieces together.
std::string describeCollective(const Description &description, int collective);

/// A line a panel: where its time went, and why ranks idled.
std::string bubbleTable(const std::vector<pp::schedule::Panel> &panels,
                        int64_t step);

/// One line a rank: shares of compute, update, transfers and waiting. With
/// `byKind` also milliseconds a step of each kind of action.
std::string profileTable(const Description &description,
                         const std::vector<Profile> &ranks, int64_t steps,
                         bool byKind);

/// Bytes of a rank.
struct MemoryUse {
  uint64_t planned = 0;      // by the compiler, with the optimizer's state
  uint64_t allocated = 0;    // for the arena, in one piece
  uint64_t mapped = 0;       // the same in whole pages
  uint64_t checkpoint = 0;   // for a copy, on the host beside the arena
  uint64_t peakResident = 0; // of the whole process, as the system counts it
  AllocationCounts allocations;
};
std::string memoryTable(const Description &description,
                        const std::vector<MemoryUse> &ranks,
                        const Optimizer &optimizer);
std::string allocationTable(const std::vector<MemoryUse> &ranks, int64_t steps);

} // namespace pprt

#endif // PPRT_REPORTS_H
