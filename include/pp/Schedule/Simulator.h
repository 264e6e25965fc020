//===- Simulator.h - How long a schedule takes ------------------*- C++ -*-===//

#ifndef PP_SCHEDULE_SIMULATOR_H
#define PP_SCHEDULE_SIMULATOR_H

#include "pp/Schedule/Schedule.h"

namespace pp::schedule {

/// Durations, in any one unit of time.
struct Costs {
  std::vector<double> forward;        ///< F of each stage
  std::vector<double> inputGradient;  ///< I of each stage
  std::vector<double> weightGradient; ///< W of each stage; B takes I + W
  /// From the end of F of stage s to when stage s + 1 on another rank can use
  /// the result: one entry for each s, or one for all.
  std::vector<double> forwardTransfer = {0};
  /// The same for the gradient from stage s + 1 back to stage s.
  std::vector<double> backwardTransfer = {0};

  /// The same for every stage.
  static Costs uniform(int32_t stages, double forward, double inputGradient,
                       double weightGradient, double transfer = 0);
};

/// An action and when it ran, predicted or measured.
struct TimedAction {
  Action action;
  double start = 0;
  double end = 0;
};

/// What each rank did when.
struct Timeline {
  std::vector<std::vector<TimedAction>> ranks;
  double makespan = 0;
  std::vector<double> busy;   ///< of each rank, sum of its actions' times
  std::vector<double> bubble; ///< of each rank, idle share of the makespan
  /// Of each rank, in units of one micro-batch of one stage: a forward takes
  /// one when it starts, B or W gives it back when it ends.
  std::vector<int32_t> peakActivations;

  /// Mean over the ranks.
  double meanBubble() const;

  /// Fills makespan, busy, bubble and peakActivations from the actions, which
  /// is how a measured timeline gets its numbers. Time starts at 0.
  void summarize();
};

/// Runs the schedule in simulated time: each rank takes its actions in order,
/// each as soon as what it needs has arrived; transfers do not occupy ranks.
/// Errors: costs whose number differs from the stages, and whatever verify()
/// finds except the order of gradients.
Result<Timeline> simulate(const Schedule &schedule, const Costs &costs);

} // namespace pp::schedule

#endif // PP_SCHEDULE_SIMULATOR_H
