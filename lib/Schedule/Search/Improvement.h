//===- Improvement.h - Better schedules by small changes --------*- C++ -*-===//

#ifndef PP_LIB_SCHEDULE_SEARCH_IMPROVEMENT_H
#define PP_LIB_SCHEDULE_SEARCH_IMPROVEMENT_H

#include "pp/Schedule/Search.h"

#include <random>

namespace pp::schedule::detail {

/// The makespan; infinite if the schedule does not end or does not fit. Needs a
/// schedule of the right shape and work.
double evaluate(const SearchProblem &problem, const Schedule &schedule);

/// Moves actions within their ranks as long as the budget of actions lasts and
/// `goal` is not reached, and keeps what does not make it slower. Returns the
/// makespan.
double improve(const SearchProblem &problem, Schedule &schedule,
               double makespan, double goal, int64_t &budget,
               std::mt19937_64 &random);

} // namespace pp::schedule::detail

#endif // PP_LIB_SCHEDULE_SEARCH_IMPROVEMENT_H
