//===- DualPipeV.cpp - DualPipe cut in half -------------------------------===//
//
// DeepSeek-AI, "DeepSeek-V3 Technical Report", arXiv 2412.19437 (DualPipe), in
// the V shape that Sea AI Lab derived from it ("DualPipe could be better
// without the Dual", 2025) and DeepSeek published beside the original: rank r
// has stages r and 2p - 1 - r. In the steady state every forward stands before
// a backward of the other stage, so that their communication can overlap with
// each other's computation. Weight gradients are split off only where they fill
// a bubble. Exists for m >= 2p.
//
// With p ranks, m micro-batches, free transfers and F = I = W of one stage (the
// paper's formulas count an overlapped F and B as one action of its own time):
//   makespan          6 m F + (p - 1) F
//   bubble            (p - 1) / (6 m + p - 1)
//   peak activations  2 p + 1 on every rank
//
//===----------------------------------------------------------------------===//

#include "RowBuilder.h"

#include <deque>

using namespace pp::schedule;

Result<Schedule> pp::schedule::makeDualPipeV(const Setting &setting) {
  Result<Schedule> schedule =
      detail::emptySchedule("dualpipe-v", setting, detail::Placement::VShape);
  if (!schedule)
    return schedule;
  const int32_t p = setting.ranks, m = setting.microbatches;
  if (m / 2 < p)
    return Error{
        "found " + std::to_string(m) + " micro-batches for " +
        std::to_string(p) +
        " ranks, expected at least 2 a rank under 'dualpipe-v': take " +
        std::to_string(2 * int64_t(p)) + " micro-batches" +
        (m < 2   ? ""
         : m < 4 ? " or 1 rank"
                 : " or " + std::to_string(m / 2) + " ranks")};

  for (int32_t rank = 0; rank < p; ++rank) {
    detail::RowBuilder row(*schedule, rank, setting.splitBackward);
    const int32_t down = rank, up = 2 * p - 1 - rank;
    const int32_t behind = p - 1 - rank; ///< ranks
    std::deque<int32_t> postponed;       // stages whose W is still to come

    for (int32_t i = 0; i < 2 * behind; ++i)
      row.forward(down);
    for (int32_t i = 0; i <= rank; ++i) {
      row.forward(down);
      row.forward(up);
    }
    for (int32_t i = 0; i < behind; ++i) {
      row.inputGradient(up);
      row.weightGradient(up);
      row.forward(up);
    }
    for (int32_t i = 0; i < m - 2 * p + rank + 1; ++i) {
      row.forward(down);
      row.backward(up);
      row.forward(up);
      row.backward(down);
    }
    for (int32_t i = 0; i < behind; ++i) {
      row.backward(up);
      row.forward(up);
      row.backward(down);
    }
    // The second half of these leaves its weight gradients for later.
    auto half = [&](int32_t stage) {
      row.inputGradient(stage);
      postponed.push_back(stage);
    };
    bool split = false;
    for (int32_t i = 0; i <= rank; ++i) {
      split |= i == (rank + 1) / 2 && rank % 2 == 1;
      split ? half(up) : row.backward(up);
      split |= i == (rank + 1) / 2;
      split ? half(down) : row.backward(down);
    }
    auto catchUp = [&] {
      row.weightGradient(postponed.front());
      postponed.pop_front();
    };
    for (int32_t i = 0; i < behind; ++i) {
      catchUp();
      half(down);
    }
    while (!postponed.empty())
      catchUp();
  }
  return schedule;
}
