//===- Simulator.h - How long a schedule takes ------------------*- C++ -*-===//

#ifndef PP_SCHEDULE_SIMULATOR_H
#define PP_SCHEDULE_SIMULATOR_H

#include "pp/Schedule/Memory.h"

#include <optional>

namespace pp::schedule {

/// Durations from 0 to `limits::kTime`, in any one unit of time.
struct Costs {
  std::vector<double> forward;        ///< F of each stage
  std::vector<double> inputGradient;  ///< I of each stage
  std::vector<double> weightGradient; ///< W of each stage; B takes I + W
  /// From the end of F of stage s to when stage s + 1 on another rank can use
  /// the result: one entry for each s, or one for all.
  std::vector<double> forwardTransfer = {0};
  /// The same for the gradient from stage s + 1 back to stage s.
  std::vector<double> backwardTransfer = {0};
  /// Otherwise a transfer also occupies the rank that sends, right after the
  /// action that produces.
  bool overlapTransfers = true;
  /// At the end, in which all ranks take part once the last is there; none if
  /// 0.
  double reduction = 0;
  /// After the reduction, or after a rank's last action where there is none and
  /// no replicas: of each stage, or one for all.
  std::vector<double> optimizer = {0};
  /// Collectives with other replicas of the pipeline, of each stage or one for
  /// all. Those of a rank take its link in turn, beside what it computes. The
  /// step begins with the gathers of parameters, in the order of the rank's
  /// forwards; the first forward of a stage waits for its own.
  std::vector<double> parameterGather = {0};
  /// The reduction of a stage's gradients, from the end of its last B or W on;
  /// the end of the step waits for all of them.
  std::vector<double> gradientReduction = {0};
  /// Where each replica updates all parameters: the gather of what was reduced,
  /// between the reduction over all ranks and the optimizer, which waits.
  std::vector<double> gradientGather = {0};

  /// Transfer times of messages of so many bytes (of each edge, or one for all)
  /// over links of a latency and a bandwidth in bytes a unit of time.
  void setTransfers(const std::vector<double> &bytes, double latency,
                    double bandwidth);

  /// Whether replicas exchange anything.
  bool hasCollectives() const;

  /// Whether the end of the step waits for all ranks.
  bool meetAtEnd() const { return reduction > 0 || hasCollectives(); }

  /// The same for every stage.
  static Costs uniform(int32_t stages, double forward, double inputGradient,
                       double weightGradient, double transfer = 0);
};

/// How long messages of so many bytes each take, one after another over one
/// link: what collectives of layers and of replicas cost.
double messageTime(double messages, double bytes, double latency,
                   double bandwidth);

/// How long an all-gather or a reduce-scatter of so many bytes, all parts
/// together, takes on a ring: a member sends (members - 1) / members of them.
double ringTime(double bytes, int64_t members, double latency,
                double bandwidth);

/// An action and when it ran, predicted or measured.
struct TimedAction {
  Action action;
  double start = 0;
  double end = 0;
  /// When all that it needs was there, where that is known: measured.
  std::optional<double> ready = {};
};

/// Why a rank idles.
enum class IdleReason {
  WarmUp,     ///< waits for a computation, before its first backward
  Transfer,   ///< what it waits for has been computed and is on the way
  Imbalance,  ///< waits for a computation, between warm-up and cool-down
  CoolDown,   ///< waits for a computation or the end, after its last forward
  Parameters, ///< waits for parameters of replicas, and for nothing else
  Gradients,  ///< waits for gradients of replicas, and for nothing else
  Runtime,    ///< all is there, and yet it does not compute; only measured
};
/// `warm-up`, `transfer`, `imbalance`, `cool-down`, `parameters`, `gradients`,
/// `runtime`.
const char *toString(IdleReason reason);

/// Time in which a rank does nothing.
struct Idle {
  IdleReason reason = IdleReason::WarmUp;
  double start = 0;
  double end = 0;
  /// What is computed or on the way, of any rank; none at the end of the step.
  std::optional<Action> waitsFor;
};

/// What a rank does at the end of the step, behind its last action.
struct EndWork {
  enum class Kind { Reduction, Optimizer };
  Kind kind = Kind::Reduction;
  double start = 0;
  double end = 0;
};
/// `reduction`, `optimizer`.
const char *toString(EndWork::Kind kind);

/// A collective of a rank with the same rank of other replicas, from its start
/// to its completion.
struct Collective {
  enum class Kind { Gather, Reduction };
  Kind kind = Kind::Gather; ///< of parameters; all of gradients are reductions
  std::string label;
  double start = 0;
  double end = 0;
  /// In which its rank slept until it was complete; an empty span if it did not
  /// have to.
  double waitStart = 0;
  double waitEnd = 0;
};

/// A part of the makespan.
struct Share {
  const char *name;
  double part; ///< of 1
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
  std::vector<int64_t> peakBytes; ///< of each rank, filled by simulate()
  /// Of each rank in order, where there is any. It counts as busy.
  std::vector<std::vector<EndWork>> ends;
  /// Of each rank in order of their starts, where there are replicas. They do
  /// not count as busy.
  std::vector<std::vector<Collective>> collectives;
  /// Of each rank in order, together what is not busy.
  std::vector<std::vector<Idle>> idle;

  /// Mean over the ranks.
  double meanBubble() const;

  /// Time that a rank idles for the reason.
  double idleTime(int32_t rank, IdleReason reason) const;

  /// Time that collectives of the rank take, idle or not.
  double collectiveTime(int32_t rank) const;

  /// Of that, what the rank slept for while nothing else was missing.
  double exposedTime(int32_t rank, Collective::Kind kind) const;

  /// Where the rank's time went, in parts that add up to 1: `compute`, the
  /// reasons for idling, `reduction`, `optimizer`; always all of them, in that
  /// order. Those of no time at all are 0.
  std::vector<Share> shares(int32_t rank) const;

  /// Their means over the ranks.
  std::vector<Share> meanShares() const;

  /// Fills makespan, busy, bubble, peakActivations and idle from the actions
  /// and spans, which is how a measured timeline gets its numbers. Time starts
  /// at 0, and ends at `until` or with the last of them.
  void summarize(double until = 0);
};

/// Runs the schedule in simulated time: each rank takes its actions in order,
/// each as soon as what it needs has arrived. Errors: costs and sizes whose
/// number differs from the stages or which are out of range, and whatever
/// verify() finds except the order of gradients.
Result<Timeline> simulate(const Schedule &schedule, const Costs &costs,
                          const Memory &memory = {});

} // namespace pp::schedule

#endif // PP_SCHEDULE_SIMULATOR_H
