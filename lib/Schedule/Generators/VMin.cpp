//===- VMin.cpp - A third of the memory of 1F1B ---------------------------===//
//
// Qi et al., "Pipeline Parallelism with Controllable Memory", arXiv 2405.15362:
// a building block in V shape that goes through all ranks without a pause. On
// every rank the lifespans of the two stages add up to about 4 p, that is 2 p/3
// activations in flight.
//
// With p > 1 ranks, m > 1 micro-batches, free transfers and F = I = W of one
// stage:
//   makespan          6 m F + (4 p - 5) F, 2 F more where 3 divides p, whose
//                     block needs a longer turn
//   peak activations  at most 2 floor((p + 1) / 3) + 2, where 1F1B holds 2 p of
//                     this size
// Other ratios cost something for each micro-batch, as in the paper.
//
//===----------------------------------------------------------------------===//

#include "BuildingBlock.h"

using namespace pp::schedule;

Result<Schedule> pp::schedule::makeVMin(const Setting &setting) {
  return detail::repeatBlock("v-min", setting, {1, 1, 1, 1});
}
