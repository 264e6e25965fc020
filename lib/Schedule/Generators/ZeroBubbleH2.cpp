//===- ZeroBubbleH2.cpp - No bubble for twice the memory ------------------===//
//
// Qi et al., "Zero Bubble Pipeline Parallelism", arXiv 2401.10241: rank i (from
// 0) runs 2 (p - i) - 1 forwards before its first input gradient, which fills
// the time until that can start, and weight gradients 2 i micro-batches behind.
// Each rank is then busy from its first to its last action; ranks end one
// after the other as they started, so that no bubble remains if the next step
// starts on rank 0 before this one has ended on the last (the paper validates
// the optimizer's step afterwards).
//
// With p ranks, m >= 2 p - 1 micro-batches, uniform stages and free transfers:
//   makespan          m (F + I + W) + (p - 1) max(F, F + I - 2 W)
//                     where W <= F, I
//   idle in a rank between its first and last action
//                     (p - 1) (F + I - 2 W) where that is not negative
//   peak activations  min(2 p - 1, m) on every rank
//
//===----------------------------------------------------------------------===//

#include "RowBuilder.h"

using namespace pp::schedule;

Result<Schedule> pp::schedule::makeZeroBubbleH2(const Setting &setting) {
  Result<Schedule> schedule =
      detail::emptySchedule("zb-h2", setting, detail::Placement::Single);
  if (!schedule)
    return schedule;
  for (int32_t rank = 0; rank < setting.ranks; ++rank)
    detail::addInTurn(*schedule, rank,
                      /*ahead=*/2 * (setting.ranks - rank) - 1,
                      /*delay=*/2 * rank);
  return schedule;
}
