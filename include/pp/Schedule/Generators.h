//===- Generators.h - Schedules by name -------------------------*- C++ -*-===//
//
// One generator a file (lib/Schedule/Generators), each with its paper and its
// formulas. In all of them the weight gradients of a stage come in ascending
// micro-batch order: gradients then accumulate in the same order whatever the
// schedule and the number of ranks, which makes the results bit-identical.
//
//===----------------------------------------------------------------------===//

#ifndef PP_SCHEDULE_GENERATORS_H
#define PP_SCHEDULE_GENERATORS_H

#include "pp/Schedule/Schedule.h"

namespace pp::schedule {

/// What a schedule is generated for.
struct Setting {
  int32_t ranks = 1;
  int32_t microbatches = 1; ///< may be fewer than the ranks
  /// Emit I and W instead of B: the gradient leaves before the weight gradient
  /// is computed.
  /// Schedules that place their weight gradients apart are split anyway.
  bool splitBackward = false;
  /// Stages a rank; 0 for as many as the schedule has, which is 2 where any
  /// number is possible.
  int32_t virtualStages = 0;
};

/// All forwards, then all backwards.
Result<Schedule> makeGPipe(const Setting &setting);

/// One forward, one backward, after a warm-up.
Result<Schedule> makeOneForwardOneBackward(const Setting &setting);

/// 1F1B over any number of stages a rank, groups of micro-batches in turn.
Result<Schedule> makeInterleaved(const Setting &setting);

/// GPipe over any number of stages a rank, stage by stage.
Result<Schedule> makeLoopedBreadthFirst(const Setting &setting);

/// 1F1B with weight gradients delayed into the cool-down, memory of 1F1B.
Result<Schedule> makeZeroBubbleH1(const Setting &setting);

/// The same with twice the warm-up: no bubble for twice the memory.
Result<Schedule> makeZeroBubbleH2(const Setting &setting);

/// No bubble in the memory of 1F1B, with two stages a rank.
Result<Schedule> makeZeroBubbleV(const Setting &setting);

/// About half the memory of 1F1B, with two stages a rank.
Result<Schedule> makeVHalf(const Setting &setting);

/// About a third of the memory of 1F1B, with two stages a rank.
Result<Schedule> makeVMin(const Setting &setting);

/// DualPipe cut in half, with two stages a rank; m >= 2p.
Result<Schedule> makeDualPipeV(const Setting &setting);

/// The names that generate() knows, in the order of the documentation.
const std::vector<std::string> &names();

/// Whether the named schedule puts stage s on rank s.
bool hasOneStageARank(std::string_view name);

/// A schedule by its name. Errors: unknown name; ranks or micro-batches < 1,
/// or too many; stages a rank or micro-batches that the schedule does not have.
Result<Schedule> generate(std::string_view name, const Setting &setting);

} // namespace pp::schedule

#endif // PP_SCHEDULE_GENERATORS_H
