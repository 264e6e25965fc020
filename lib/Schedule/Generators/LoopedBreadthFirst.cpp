//===- LoopedBreadthFirst.cpp - GPipe around a loop -----------------------===//
//
// Lamy-Poirier, "Breadth-First Pipeline Parallelism", arXiv 2211.05953: stage s
// is on rank s modulo p, and a rank runs each of its v stages on all
// micro-batches before the next. All micro-batches of a stage together: its
// weights are needed once forward and once backward, which suits sharded
// parameters.
//
// With p ranks, m micro-batches, v stages a rank, F and B of one stage and free
// transfers:
//   makespan          ((v - 1) max(m, p) + m + p - 1) (F + B)
//   bubble            (p - 1) / (v m + p - 1) where m >= p
//   peak activations  v m on every rank
// With the backward split into I and W:
//   makespan          ((v - 1) max(m, p) + m + p - 1) F
//                     + (v - 1) max(m (I + W), p I) + m (I + W) + (p - 1) I
//
//===----------------------------------------------------------------------===//

#include "RowBuilder.h"

using namespace pp::schedule;

Result<Schedule> pp::schedule::makeLoopedBreadthFirst(const Setting &setting) {
  Result<Schedule> schedule =
      detail::emptySchedule("looped-bfs", setting, detail::Placement::Looped);
  if (!schedule)
    return schedule;
  for (int32_t rank = 0; rank < setting.ranks; ++rank) {
    detail::RowBuilder row(*schedule, rank, setting.splitBackward);
    for (int32_t stage = rank; stage < schedule->stages; stage += setting.ranks)
      for (int32_t i = 0; i < setting.microbatches; ++i)
        row.forward(stage);
    for (int32_t stage = schedule->stages - setting.ranks + rank; stage >= 0;
         stage -= setting.ranks)
      for (int32_t i = 0; i < setting.microbatches; ++i)
        row.backward(stage);
  }
  return schedule;
}
