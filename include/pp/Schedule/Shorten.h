//===- Shorten.h - Schedules without their repetitions ----------*- C++ -*-===//
//
// Most schedules repeat a round again and again between warm-up and cool-down,
// with other micro-batches each time. Leaving most rounds out gives a schedule
// for fewer micro-batches of the same shape, whose size does not depend on how
// many there are; all that is costly is done for that one.
//
//===----------------------------------------------------------------------===//

#ifndef PP_SCHEDULE_SHORTEN_H
#define PP_SCHEDULE_SHORTEN_H

#include "pp/Schedule/Schedule.h"

#include <optional>

namespace pp::schedule {

/// Rounds that follow each other in a row: `rounds` times `period` actions, the
/// same ones in each round with micro-batches that grow by the step.
struct Section {
  size_t begin, period, rounds;
};

/// A schedule from which rounds are left out.
struct Shortened {
  /// Legal; has `rounds * step` micro-batches less than the whole one.
  Schedule schedule;
  int32_t step = 0;   ///< micro-batches of a round
  int32_t rounds = 0; ///< left out of each section
  /// Of each rank, in order. Each forward, and each backward, of a stage is in
  /// one section; a schedule of all forwards first has two a rank.
  std::vector<std::vector<Section>> sections;
};

/// Leaves out as many rounds as possible, such that `keptRounds` stay in each
/// section, and of them as many as `keptMicrobatches` need. Nothing if fewer
/// than two can go: where nothing repeats on all ranks in the same step, or
/// where the schedule places its own transfers. stretch() gives the same
/// schedule again.
std::optional<Shortened> shorten(const Schedule &schedule, int32_t keptRounds,
                                 int32_t keptMicrobatches = 0);

/// Puts the rounds back, behind the first of each section.
Schedule stretch(const Shortened &shortened);

} // namespace pp::schedule

#endif // PP_SCHEDULE_SHORTEN_H
