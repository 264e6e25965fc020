//===- ZeroBubbleH1.cpp - 1F1B with delayed weight gradients --------------===//
//
// Qi et al., "Zero Bubble Pipeline Parallelism", arXiv 2401.10241: the order of
// 1F1B, the backward split, and the weight gradient of rank i (from 0) i
// micro-batches behind the input gradient. Those left over fill the cool-down.
//
// With p ranks, m micro-batches, uniform stages and free transfers:
//   makespan          m (F + I + W) + (p - 1) max(F, I, F + I - W)
//                     where m >= p; where W <= min(F, I) also below that, with
//                     m (F + I + W) + (p - 1) (F + I) - (min(p, m) - 1) W
//   bubble            (p - 1) (F + I - W) over the makespan, where W <= F, I
//   peak activations  min(p, m) on every rank
//
//===----------------------------------------------------------------------===//

#include "RowBuilder.h"

using namespace pp::schedule;

Result<Schedule> pp::schedule::makeZeroBubbleH1(const Setting &setting) {
  Result<Schedule> schedule =
      detail::emptySchedule("zb-h1", setting, detail::Placement::Single);
  if (!schedule)
    return schedule;
  for (int32_t rank = 0; rank < setting.ranks; ++rank)
    detail::addInTurn(*schedule, rank, /*ahead=*/setting.ranks - rank,
                      /*delay=*/rank);
  return schedule;
}
