//===- RowBuilder.h - Rows of actions, by micro-batch -----------*- C++ -*-===//

#ifndef PP_LIB_SCHEDULE_GENERATORS_ROWBUILDER_H
#define PP_LIB_SCHEDULE_GENERATORS_ROWBUILDER_H

#include "pp/Schedule/Generators.h"

namespace pp::schedule::detail {

/// Where the stages are.
enum class Placement {
  Single, ///< stage s on rank s
  Looped, ///< stage s on rank s modulo p: the way wraps around, v times
  VShape, ///< stages s and 2p - 1 - s on rank s: the way comes back
};

/// Checks the setting and makes a schedule with its stages placed and no
/// action yet.
Result<Schedule> emptySchedule(const char *name, const Setting &setting,
                               Placement placement);

/// Appends actions to the row of a rank, the micro-batches of each kind and
/// stage ascending. Those beyond the last micro-batch are left out, so that a
/// generator can follow its pattern to the end.
class RowBuilder {
public:
  RowBuilder(Schedule &schedule, int32_t rank, bool splitBackward = true)
      : schedule(schedule), row(schedule.ranks[rank]), split(splitBackward),
        next(schedule.stages / schedule.numRanks()) {}

  void forward(int32_t stage) { add(stage, Kind::Forward, of(stage).forward); }
  void inputGradient(int32_t stage) {
    add(stage, Kind::InputGradient, of(stage).input);
  }
  void weightGradient(int32_t stage) {
    add(stage, Kind::WeightGradient, of(stage).weight);
  }
  /// B, or its halves one after the other.
  void backward(int32_t stage) {
    if (split) {
      inputGradient(stage);
      weightGradient(stage);
    } else {
      add(stage, Kind::Backward, of(stage).input);
      of(stage).weight = of(stage).input;
    }
  }

  /// How many of the stage are in the row.
  int32_t numForwards(int32_t stage) { return of(stage).forward; }
  int32_t numInputGradients(int32_t stage) { return of(stage).input; }
  int32_t numWeightGradients(int32_t stage) { return of(stage).weight; }

private:
  void add(int32_t stage, Kind kind, int32_t &microbatch) {
    if (microbatch < schedule.microbatches)
      row.push_back({stage, kind, microbatch++});
  }

  struct Next {
    int32_t forward = 0, input = 0, weight = 0;
  };
  /// In every placement the stages of a rank differ by this quotient.
  Next &of(int32_t stage) { return next[stage / schedule.numRanks()]; }

  const Schedule &schedule;
  std::vector<Action> &row;
  bool split;
  std::vector<Next> next; ///< of each stage of the rank
};

/// One stage a rank, one forward and one input gradient in turn: `ahead`
/// forwards before the first input gradient, weight gradients `delay`
/// micro-batches behind. 1F1B, ZB-H1 and ZB-H2 are this.
void addInTurn(Schedule &schedule, int32_t rank, int32_t ahead, int32_t delay);

} // namespace pp::schedule::detail

#endif // PP_LIB_SCHEDULE_GENERATORS_ROWBUILDER_H
