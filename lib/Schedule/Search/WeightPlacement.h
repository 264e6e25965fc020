//===- WeightPlacement.h - Weight gradients where ranks idle ----*- C++ -*-===//

#ifndef PP_LIB_SCHEDULE_SEARCH_WEIGHTPLACEMENT_H
#define PP_LIB_SCHEDULE_SEARCH_WEIGHTPLACEMENT_H

#include "pp/Schedule/Search.h"

#include <optional>

namespace pp::schedule::detail {

struct WeightPolicy {
  /// A weight gradient is not started if what stands next is known to arrive
  /// within this share of its time; 0 waits for anything that would have to
  /// wait, 1 never waits.
  double patience = 1;
  /// Weight gradients that a rank puts off while it has something else to run.
  int32_t most = 0;
};

/// The forwards and input gradients of a schedule in its order (a full backward
/// is both halves), and the weight gradients where there is time: while a rank
/// waits, where its memory is full, or when more than `most` are put off. The
/// micro-batches of each stage must ascend. Nothing if the ranks get stuck.
std::optional<Schedule> placeWeights(const SearchProblem &problem,
                                     const Schedule &order,
                                     const WeightPolicy &policy);

} // namespace pp::schedule::detail

#endif // PP_LIB_SCHEDULE_SEARCH_WEIGHTPLACEMENT_H
