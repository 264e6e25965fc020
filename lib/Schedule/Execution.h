//===- Execution.h - Running a schedule through -----------------*- C++ -*-===//
//
// Verifier and simulator ask the same question, the one about order, and the
// other also about time. Both run every rank through its list here.
//
//===----------------------------------------------------------------------===//

#ifndef PP_LIB_SCHEDULE_EXECUTION_H
#define PP_LIB_SCHEDULE_EXECUTION_H

#include "pp/Schedule/Programs.h"
#include "pp/Schedule/Simulator.h"

#include <array>

namespace pp::schedule::detail {

/// Numbers of the actions of a schedule: (stage, micro-batch, column), where B
/// and I share a column, since whoever waits for one of them takes either.
class ActionIndex {
public:
  explicit ActionIndex(const Schedule &schedule)
      : microbatches(schedule.microbatches), stages(schedule.stages) {}

  size_t size() const { return size_t(stages) * microbatches * 3; }
  size_t operator()(const Action &action) const {
    return (size_t(action.stage) * microbatches + action.microbatch) * 3 +
           column(action.kind);
  }

  static int column(Kind kind) {
    switch (kind) {
    case Kind::Forward:
      return 0;
    case Kind::Backward:
    case Kind::InputGradient:
      return 1;
    case Kind::WeightGradient:
      return 2;
    }
    return 0;
  }

private:
  size_t microbatches;
  size_t stages;
};

/// The actions that must have ended before `action` starts; B stands for "B or
/// I". At most two.
struct Needs {
  std::array<Action, 2> actions;
  int count = 0;
};
Needs needsOf(const Schedule &schedule, const Action &action);

/// Where a schedule stopped: `next[r]` is the position at which rank r waits,
/// or the length of its list.
struct Execution {
  Timeline timeline;
  std::vector<size_t> next;
  bool finished = false;
};

/// Runs all ranks as far as they get. Needs a schedule of the right shape and
/// work (see verify()). Linear in the number of actions.
Execution execute(const Schedule &schedule, const Costs &costs);

/// The gathers of parameters on each rank, in order, before anything waits for
/// them; `gathered` gets when those of each stage end.
std::vector<std::vector<Collective>>
gatherParameters(const Schedule &schedule, const Costs &costs,
                 std::vector<double> &gathered);

/// Adds the reductions of gradients to a timeline with all actions.
void reduceGradients(const Schedule &schedule, const Costs &costs,
                     Timeline &timeline);

/// Adds the rank's gathers of reduced gradients, from `start` on, to a
/// timeline; returns their end.
double gatherGradients(const Schedule &schedule, const Costs &costs,
                       size_t rank, double start, Timeline &timeline);

/// When a rank has its part of all gradients, and has run its actions.
double lastEnd(const Timeline &timeline, size_t rank);

/// How long the optimizer takes on each rank.
std::vector<double> optimizerTimes(const Costs &costs,
                                   const std::vector<int32_t> &placement,
                                   int32_t ranks);

/// The ranks and actions that wait for each other after an execution that
/// did not finish.
std::vector<Wait> findWaitCycle(const Schedule &schedule,
                                const Execution &execution);

} // namespace pp::schedule::detail

#endif // PP_LIB_SCHEDULE_EXECUTION_H
