//===- PrecedenceBound.h - A bound from who must go first -------*- C++ -*-===//

#ifndef PP_LIB_SCHEDULE_SEARCH_PRECEDENCEBOUND_H
#define PP_LIB_SCHEDULE_SEARCH_PRECEDENCEBOUND_H

#include "pp/Schedule/Search.h"

namespace pp::schedule::detail {

/// A time before which no schedule with this placement ends, the reduction and
/// what follows it left out; 0 for schedules too large to look at (see there).
/// Infinite if nothing fits the memory.
double precedenceBound(const SearchProblem &problem,
                       const std::vector<int32_t> &placement);

} // namespace pp::schedule::detail

#endif // PP_LIB_SCHEDULE_SEARCH_PRECEDENCEBOUND_H
