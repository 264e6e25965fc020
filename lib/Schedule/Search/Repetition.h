//===- Repetition.h - A block repeated, for any times -----------*- C++ -*-===//

#ifndef PP_LIB_SCHEDULE_SEARCH_REPETITION_H
#define PP_LIB_SCHEDULE_SEARCH_REPETITION_H

#include "pp/Schedule/Search.h"

namespace pp::schedule::detail {

struct RepetitionPolicy {
  double period = 1; ///< in units of the least one
  double pause = 0;  ///< between a forward and the next stage's, in forwards
  bool withWeights = false; ///< keep room for W behind each I
};

/// An order of forwards and input gradients, without weight gradients: the way
/// of one micro-batch through all stages, repeated at equal distances. The
/// least distance is the longest work of a rank, or longer where memory has no
/// room for as many micro-batches as are then on their way.
Schedule repeatWay(const SearchProblem &problem,
                   const std::vector<int32_t> &placement,
                   const RepetitionPolicy &policy);

} // namespace pp::schedule::detail

#endif // PP_LIB_SCHEDULE_SEARCH_REPETITION_H
