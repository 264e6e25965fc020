//===- ListScheduler.h - Schedules by local decisions -----------*- C++ -*-===//

#ifndef PP_LIB_SCHEDULE_SEARCH_LISTSCHEDULER_H
#define PP_LIB_SCHEDULE_SEARCH_LISTSCHEDULER_H

#include "pp/Schedule/Search.h"

#include <optional>

namespace pp::schedule::detail {

/// How a rank decides what to run.
struct Policy {
  /// An action is not started if something more urgent is known to arrive
  /// within this share of its time; 0 waits for anything that would have to
  /// wait, 1 never waits.
  double patienceWeight = 1;  ///< of W, for F and I
  double patienceForward = 1; ///< of F, for I
  /// Micro-batches of stage s (of S) in flight: at most this times S - s; no
  /// limit if 0.
  int32_t aheadLimit = 0;
  bool forwardFirst = false; ///< within the limit, before I
  bool lateStagesFirst = true;
};

/// Runs the ranks in simulated time, each choosing what to run next under the
/// policy and its memory. Nothing if they get stuck, which only memory can
/// cause.
std::optional<Schedule> scheduleList(const SearchProblem &problem,
                                     const std::vector<int32_t> &placement,
                                     const Policy &policy);

} // namespace pp::schedule::detail

#endif // PP_LIB_SCHEDULE_SEARCH_LISTSCHEDULER_H
