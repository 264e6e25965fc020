//===- Verifier.h - Is a schedule legal? ------------------------*- C++ -*-===//

#ifndef PP_SCHEDULE_VERIFIER_H
#define PP_SCHEDULE_VERIFIER_H

#include "pp/Schedule/Memory.h"
#include "pp/Schedule/Programs.h"

namespace pp::schedule {

struct VerifyOptions {
  /// Every stage's B (or W) in ascending micro-batch order: without it results
  /// are still right, but not bit-identical to those of other schedules.
  bool ascendingGradients = true;
  /// Bytes that a rank may hold, one entry for each rank or one for all; empty
  /// for no limit.
  std::vector<int64_t> memoryCap;
  Memory memory; ///< what the cap is compared with
  /// Also prove that the rank programs end under these.
  std::optional<Semantics> semantics;
};

struct Verdict {
  std::vector<std::string> problems; ///< empty when the schedule is legal
  std::vector<Wait> deadlock;        ///< empty unless ranks wait in a circle
};

/// Everything that is wrong with a schedule, one message each. Checked, in this
/// order, and each only where the former hold:
///  1. shape: as many placements as stages, ranks in range;
///  2. work: F once, and B once or I and W once each, for every stage and
///     micro-batch, on the rank where the stage is placed, and nothing else;
///  3. gradient order and memory (see the options);
///  4. progress: every rank gets through its list when an action starts after
///     the ones it needs have ended and sends never block. Otherwise the
///     message is the wait cycle;
///  5. transfers, where the schedule has its own or the options name semantics:
///     both sides of each once and where data flow allows, and all rank
///     programs end (under buffered semantics if the options name none).
///     Otherwise the message is the wait cycle.
/// F of a stage needs F of the stage before, B or I needs the stage's F and
/// the B or I of the stage behind, W needs its I. A skip connection adds no
/// other order: it goes from a stage to a later one, which this order implies.
Verdict check(const Schedule &schedule, const VerifyOptions &options = {});

/// The problems of check().
std::vector<std::string> verify(const Schedule &schedule,
                                const VerifyOptions &options = {});

} // namespace pp::schedule

#endif // PP_SCHEDULE_VERIFIER_H
