//===- Interleaved.cpp - Interleaved 1F1B ---------------------------------===//
//
// Narayanan et al., "Efficient Large-Scale Language Model Training on GPU
// Clusters Using Megatron-LM", arXiv 2104.04473: stage s is on rank s modulo
// p, so that each rank has v stages. Micro-batches go through in groups: a
// rank runs its first stage on the whole group, then its second stage, and so
// on; backwards take the stages the other way round. Rank r starts backwards
// once (v - 1) groups and 2 (p - 1 - r) more forwards are in flight.
//
// The paper has groups of p and needs m to be a multiple of it. Here there are
// max(1, floor(m / p)) groups of equal size, the first ones larger by one
// where that does not divide: no group is then smaller than p, which would
// stall the way around, and the first one decides the warm-up.
//
// With p ranks, m micro-batches, v stages a rank, F and B of one stage, free
// transfers, and g = ceil(m / max(1, floor(m / p))) the size of the first
// group:
//   makespan          ((v - 1) max(m, p) + m + p - 1) (F + B)
//   bubble            (p - 1) / (v m + p - 1) where m >= p
//   peak activations  min(v m, (v - 1) g + 2 (p - 1 - r) + 1) on rank r
//
//===----------------------------------------------------------------------===//

#include "RowBuilder.h"

#include <algorithm>

using namespace pp::schedule;

Result<Schedule> pp::schedule::makeInterleaved(const Setting &setting) {
  Result<Schedule> schedule =
      detail::emptySchedule("interleaved", setting, detail::Placement::Looped);
  if (!schedule)
    return schedule;
  const int32_t p = setting.ranks, m = setting.microbatches;
  const int32_t v = schedule->stages / p;
  const int32_t groups = std::max(1, m / p);

  // The order of stages, as counted on a rank, for forwards; backwards mirror
  // it.
  std::vector<int32_t> order;
  order.reserve(size_t(m) * v);
  for (int32_t group = 0; group < groups; ++group) {
    int32_t size = m / groups + (group < m % groups);
    for (int32_t turn = 0; turn < v; ++turn)
      order.insert(order.end(), size, turn);
  }
  const int32_t largest = (m + groups - 1) / groups;
  const size_t total = order.size();

  for (int32_t rank = 0; rank < p; ++rank) {
    detail::RowBuilder row(*schedule, rank, setting.splitBackward);
    auto forward = [&](size_t i) {
      if (i < total)
        row.forward(order[i] * p + rank);
    };
    const size_t warmUp =
        std::min(total, size_t(v - 1) * largest + 2 * size_t(p - 1 - rank));
    for (size_t i = 0; i < warmUp; ++i)
      forward(i);
    for (size_t i = 0; i < total; ++i) {
      forward(warmUp + i);
      row.backward((v - 1 - order[i]) * p + rank);
    }
  }
  return schedule;
}
