//===- Memory.h - What a schedule holds at once -----------------*- C++ -*-===//

#ifndef PP_SCHEDULE_MEMORY_H
#define PP_SCHEDULE_MEMORY_H

#include "pp/Schedule/Schedule.h"

namespace pp::schedule {

/// Bytes, one entry for each stage or one for all. With the defaults a rank's
/// bytes are its activations: one micro-batch of one stage counts one.
struct Memory {
  std::vector<int64_t> activation = {1}; ///< of a micro-batch, from F to B or W
  /// What W still reads once I has run; empty for all of it.
  std::vector<int64_t> afterInputGradient;
  std::vector<int64_t> fixed = {0}; ///< parameters, optimizer, ...
  /// Beside all that, only while an action of a kind runs: what its layers hold
  /// for themselves, and what is on the way. Empty for nothing.
  std::vector<int64_t> duringForward, duringBackward, duringInputGradient,
      duringWeightGradient;

  int64_t during(Kind kind, int32_t stage) const;
  /// The most of a rank whose backwards are in halves.
  int64_t duringHalves(const std::vector<int32_t> &placement,
                       int32_t rank) const;
};

/// The most that a rank holds, and the action at which it does so first.
struct Peak {
  int64_t bytes = 0;
  Action action;
};

/// Empty, or what is wrong with the sizes: as many as stages (or one), none
/// below 0.
std::string checkMemory(const Schedule &schedule, const Memory &memory);

/// Of each rank: a forward takes memory when it starts, B or W gives it back
/// when it ends, whenever that is; what I keeps for W is there beside the rest
/// only once it has ended. Needs sizes without fault.
std::vector<Peak> findPeaks(const Schedule &schedule, const Memory &memory);

} // namespace pp::schedule

#endif // PP_SCHEDULE_MEMORY_H
