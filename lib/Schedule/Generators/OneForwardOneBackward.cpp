//===- OneForwardOneBackward.cpp - 1F1B -----------------------------------===//
//
// Narayanan et al., "PipeDream: Generalized Pipeline Parallelism for DNN
// Training", arXiv 1806.03377, in its synchronous form (PipeDream-Flush,
// arXiv 2006.09503): rank r runs min(p - 1 - r, m) forwards as warm-up, then
// one forward and one backward in turn, then the remaining backwards.
//
// With p ranks, m micro-batches, uniform stages and free transfers:
//   makespan          (m + p - 1) (F + B)
//   bubble            (p - 1) / (m + p - 1)
//   peak activations  min(p - r, m) on rank r
// With the backward split into I and W, and W at once after I, the gradient
// leaves before W:
//   makespan          m (F + B) + (p - 1) (F + I)
//
//===----------------------------------------------------------------------===//

#include "RowBuilder.h"

#include <algorithm>

using namespace pp::schedule;

Result<Schedule>
pp::schedule::makeOneForwardOneBackward(const Setting &setting) {
  Result<Schedule> schedule =
      detail::emptySchedule("1f1b", setting, detail::Placement::Single);
  if (!schedule)
    return schedule;
  for (int32_t rank = 0; rank < setting.ranks; ++rank) {
    detail::RowBuilder row(*schedule, rank, setting.splitBackward);
    const int32_t warmUp =
        std::min(setting.ranks - 1 - rank, setting.microbatches);
    for (int32_t i = 0; i < warmUp; ++i)
      row.forward(rank);
    for (int32_t i = 0; i < setting.microbatches; ++i) {
      row.forward(rank);
      row.backward(rank);
    }
  }
  return schedule;
}
