//===- Search.h - A schedule for given times and memory ---------*- C++ -*-===//

#ifndef PP_SCHEDULE_SEARCH_H
#define PP_SCHEDULE_SEARCH_H

#include "pp/Schedule/Simulator.h"

namespace pp::schedule {

/// What a schedule is searched for. The stages are those that have times; their
/// number is a multiple of the ranks. Where they are is part of the answer.
struct SearchProblem {
  int32_t ranks = 1;
  int32_t microbatches = 1;
  Costs costs;
  Memory memory;
  /// Bytes that a rank may hold, one entry for each rank or one for all; empty
  /// for no limit.
  std::vector<int64_t> memoryCap;
};

struct SearchOptions {
  uint64_t seed = 1;
  /// Bounds the search: actions looked at, over all schedules that are tried.
  /// A bound on time would give other answers on other machines.
  int64_t effort = 10'000'000;
};

/// The fastest schedule found, named `search`: never slower than the fastest
/// named schedule with as many stages that fits the memory. The same for the
/// same arguments. Errors: counts below 1 or too large, times and sizes whose
/// number differs, no schedule found that fits.
Result<Schedule> search(const SearchProblem &problem,
                        const SearchOptions &options = {});

/// Where a search puts stages: looped, and in V shape where there are two a
/// rank.
std::vector<std::vector<int32_t>> searchedPlacements(int32_t ranks,
                                                     int32_t stages);

/// A makespan that no schedule with this placement of stages can beat; infinite
/// if a rank has no room for a micro-batch in each of its stages. A rank has
/// its work to do, few forwards before its first gradient can be there, input
/// gradients of earlier stages behind its own, and no more activations at once
/// than memory has room for; and what data flow and memory force to come first
/// comes first. Needs a problem without fault.
double lowerBound(const SearchProblem &problem,
                  const std::vector<int32_t> &placement);

/// The least of all searched placements.
double lowerBound(const SearchProblem &problem);

} // namespace pp::schedule

#endif // PP_SCHEDULE_SEARCH_H
