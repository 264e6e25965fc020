//===- ZeroBubbleV.cpp - No bubble in the memory of 1F1B ------------------===//
//
// Qi et al., "Zero Bubble Pipeline Parallelism", arXiv 2401.10241, and
// "Pipeline Parallelism with Controllable Memory", arXiv 2405.15362 (V-ZB):
// rank r has stages r and 2p - 1 - r, so that the way through the model starts
// and ends on rank 0. The first backward follows the last forward on the same
// rank, and long-lived activations of one stage lie beside short-lived ones of
// the other.
//
// With p ranks, m micro-batches, free transfers and F = I = W of one stage:
//   makespan          6 m F + (p - 1) F where m >= 2 p - 1, below that at most
//                     6 m F + 4 (p - 1) F
//   bubble            (p - 1) / (6 m + p - 1): each rank is busy from its first
//                     to its last action
//   peak activations  2 p on every rank where m >= 2 p - 1, below that at most
//                     2 min(p, m); as much as p of a whole rank under 1F1B
//
//===----------------------------------------------------------------------===//

#include "RowBuilder.h"

#include <algorithm>

using namespace pp::schedule;

Result<Schedule> pp::schedule::makeZeroBubbleV(const Setting &setting) {
  Result<Schedule> schedule =
      detail::emptySchedule("zb-v", setting, detail::Placement::VShape);
  if (!schedule)
    return schedule;
  const int32_t p = setting.ranks, m = setting.microbatches;
  for (int32_t rank = 0; rank < p; ++rank) {
    detail::RowBuilder row(*schedule, rank);
    const int32_t down = rank, up = 2 * p - 1 - rank;

    // Until the first micro-batch comes back, then until its gradient does.
    for (int32_t i = 0; i < std::min(2 * (p - rank) - 1, m); ++i)
      row.forward(down);
    for (int32_t i = 0; i < std::min(rank, m); ++i) {
      row.forward(up);
      row.forward(down);
    }
    for (int32_t i = 0; i < std::min(p - rank, m); ++i) {
      row.forward(up);
      row.backward(up);
    }
    // Steady state, until the last forward. With few micro-batches the warm-up
    // has all forwards of the first stage, not all of the second.
    while (row.numForwards(up) < m) {
      row.forward(down);
      row.backward(down);
      row.forward(up);
      row.backward(up);
    }
    // Input gradients first, the others need them.
    for (int32_t i = 0; i < std::min(rank, m); ++i) {
      row.inputGradient(down);
      row.inputGradient(up);
    }
    while (row.numInputGradients(down) < m) {
      row.inputGradient(down);
      row.weightGradient(down);
    }
    while (row.numWeightGradients(up) < m)
      row.weightGradient(up);
    while (row.numWeightGradients(down) < m)
      row.weightGradient(down);
  }
  return schedule;
}
