//===- Reports.h - Pictures and tables of what was measured ---------------===//
//
// All of them take the events of all ranks, on one clock, and give text.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_REPORTS_H
#define PPRT_REPORTS_H

#include "Allocations.h"
#include "Recorder.h"

namespace pprt {

/// Events by rank, then by step.
using RankSteps = std::vector<std::vector<StepEvents>>;

/// Chrome's trace event format (Perfetto reads it too): a process for each
/// rank, threads for its actions and its transfers.
std::string chromeTrace(const Description &description, const RankSteps &ranks);

/// The step of median duration among those that all ranks have.
int64_t medianStep(const RankSteps &ranks);

/// A picture of one step: rows are ranks; actions coloured by kind with their
/// micro-batch numbers, a lane for transfers, idle time left blank.
std::string timelineSvg(const Description &description, const RankSteps &ranks,
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
  uint64_t peakResident = 0; // of the whole process, as the system counts it
  AllocationCounts allocations;
};
std::string memoryTable(const Description &description,
                        const std::vector<MemoryUse> &ranks, bool adamW);
std::string allocationTable(const std::vector<MemoryUse> &ranks, int64_t steps);

/// `text` with the characters escaped that JSON or XML do not take.
std::string escapeJson(const std::string &text);
std::string escapeXml(const std::string &text);

} // namespace pprt

#endif // PPRT_REPORTS_H
