//===- VHalf.cpp - Half the memory of 1F1B --------------------------------===//
//
// Qi et al., "Pipeline Parallelism with Controllable Memory", arXiv 2405.15362:
// a building block in V shape whose forward takes 2 units a rank on the way
// down and 1 back, and its backward the same. On every rank the lifespans of
// the two stages add up to about 6 p, that is p activations in flight.
//
// With p ranks, m micro-batches, free transfers and F = I = W of one stage:
//   makespan          at most 6 m F + 4 (p - 1) F; 1F1B takes 6 (p - 1) F more
//                     than the work
//   peak activations  at most p + 3, where 1F1B holds 2 p of this size
// Other ratios cost a little for each micro-batch, since ranks with different
// places of W then wait for each other.
//
//===----------------------------------------------------------------------===//

#include "BuildingBlock.h"

using namespace pp::schedule;

Result<Schedule> pp::schedule::makeVHalf(const Setting &setting) {
  return detail::repeatBlock("v-half", setting, {2, 1, 2, 1});
}
