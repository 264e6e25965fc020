//===- GPipe.cpp - All forwards, then all backwards -----------------------===//
//
// Huang et al., "GPipe: Efficient Training of Giant Neural Networks using
// Pipeline Parallelism", arXiv 1811.06965. The paper runs the backwards in
// descending micro-batch order; here they ascend as in every schedule of this
// project. Makespan and memory do not change by that.
//
// With p ranks, m micro-batches, uniform stages and free transfers:
//   makespan          (m + p - 1) (F + B)
//   bubble            (p - 1) / (m + p - 1)
//   peak activations  m on every rank
// With the backward split into I and W, the last gradient travels upstream in
// p - 1 steps of I instead of B:
//   makespan          (m + p - 1) F + m B + (p - 1) I
//
//===----------------------------------------------------------------------===//

#include "RowBuilder.h"

using namespace pp::schedule;

Result<Schedule> pp::schedule::makeGPipe(const Setting &setting) {
  Result<Schedule> schedule =
      detail::emptySchedule("gpipe", setting, detail::Placement::Single);
  if (!schedule)
    return schedule;
  for (int32_t rank = 0; rank < setting.ranks; ++rank) {
    detail::RowBuilder row(*schedule, rank, setting.splitBackward);
    for (int32_t i = 0; i < setting.microbatches; ++i)
      row.forward(rank);
    for (int32_t i = 0; i < setting.microbatches; ++i)
      row.backward(rank);
  }
  return schedule;
}
