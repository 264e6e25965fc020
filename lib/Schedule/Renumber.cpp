//===- Renumber.cpp - Micro-batches of files numbered as ours -------------===//
//
// Two habits of PyTorch's schedules (seen in 2.15):
//
//   - Looped BFS and GPipe take the backwards in descending order. Gradients
//     accumulate in ascending order under every schedule here, so that they
//     have the same bits. All micro-batches are alike, so the i-th backward of
//     each stage may as well be that of micro-batch i: neither times nor memory
//     change. It has to be the same exchange in all stages, and no backward may
//     come before its forward by it.
//   - Schedule1F1B numbers the forwards of the last stage from 1 on. PyTorch
//     never runs that list, but writes it.
//
//===----------------------------------------------------------------------===//

#include "Renumber.h"

#include <algorithm>
#include <numeric>

using namespace pp::schedule;

namespace {
/// A stage's actions, in the order of its row.
struct StageRow {
  std::vector<Action *> forwards;
  std::vector<Action *> backwards; ///< B and I
  std::vector<Action *> gradients; ///< B and W: what accumulates
};
} // namespace

static std::vector<StageRow> rowsOf(Schedule &schedule) {
  std::vector<StageRow> rows(schedule.stages);
  for (std::vector<Action> &row : schedule.ranks)
    for (Action &action : row) {
      StageRow &stage = rows[action.stage];
      if (action.kind == Kind::Forward)
        stage.forwards.push_back(&action);
      if (action.kind == Kind::Backward || action.kind == Kind::InputGradient)
        stage.backwards.push_back(&action);
      if (action.kind == Kind::Backward || action.kind == Kind::WeightGradient)
        stage.gradients.push_back(&action);
    }
  return rows;
}

static std::vector<int32_t>
microbatchesOf(const std::vector<Action *> &actions) {
  std::vector<int32_t> numbers;
  for (const Action *action : actions)
    numbers.push_back(action->microbatch);
  return numbers;
}

/// Whether the numbers are `first` and those after it, in any order.
static bool areFrom(int32_t first, std::vector<int32_t> numbers) {
  std::sort(numbers.begin(), numbers.end());
  std::vector<int32_t> expected(numbers.size());
  std::iota(expected.begin(), expected.end(), first);
  return numbers == expected;
}

static void numberForwardsFrom0(Schedule &schedule) {
  if (!schedule.transfers.empty())
    return; // The sender numbers them, too.
  std::vector<StageRow> rows = rowsOf(schedule);
  for (size_t s = 0; s < rows.size(); ++s) {
    const std::vector<Action *> &forwards = rows[s].forwards;
    if (forwards.empty() || forwards.size() != rows[s].backwards.size() ||
        !areFrom(1, microbatchesOf(forwards)) ||
        !areFrom(0, microbatchesOf(rows[s].backwards)))
      continue;
    for (Action *forward : forwards)
      --forward->microbatch;
    const std::string last = std::to_string(forwards.size() - 1);
    schedule.notes.push_back(
        "found forwards of micro-batches 1 to " +
        std::to_string(forwards.size()) + " in stage " + std::to_string(s) +
        " and backwards of 0 to " + last +
        ", as PyTorch's Schedule1F1B has them in the last stage: the "
        "forwards are read as 0 to " +
        last);
  }
  schedule.microbatches = 0;
  for (const auto &row : schedule.ranks)
    for (const Action &action : row)
      schedule.microbatches =
          std::max(schedule.microbatches, action.microbatch + 1);
}

/// Whether each backward has its forward before it in the row, and gradients
/// ascend, once micro-batch i has number `to[i]`.
static bool isLegalWith(const std::vector<int32_t> &to, const StageRow &stage) {
  // Rows are contiguous, so that places compare as addresses do.
  std::vector<const Action *> forwardOf(to.size(), nullptr);
  for (const Action *forward : stage.forwards)
    forwardOf[forward->microbatch] = forward;
  for (const Action *backward : stage.backwards) {
    const Action *forward = forwardOf[to[backward->microbatch]];
    if (!forward || forward > backward)
      return false;
  }
  int32_t previous = -1;
  for (const Action *gradient : stage.gradients) {
    if (to[gradient->microbatch] < previous)
      return false;
    previous = to[gradient->microbatch];
  }
  return true;
}

static void letBackwardsAscend(Schedule &schedule) {
  std::vector<StageRow> rows = rowsOf(schedule);
  const std::vector<int32_t> order = microbatchesOf(rows.front().backwards);
  if (int64_t(order.size()) != schedule.microbatches || !areFrom(0, order) ||
      std::is_sorted(order.begin(), order.end()))
    return;
  std::vector<int32_t> to(order.size());
  for (size_t i = 0; i < order.size(); ++i)
    to[order[i]] = static_cast<int32_t>(i);
  for (const StageRow &stage : rows)
    if (microbatchesOf(stage.backwards) != order || !isLegalWith(to, stage))
      return;
  for (std::vector<Action> &row : schedule.ranks)
    for (Action &action : row)
      if (action.kind != Kind::Forward)
        action.microbatch = to[action.microbatch];
  for (std::vector<PlacedTransfer> &row : schedule.transfers)
    for (auto &[before, transfer] : row)
      if ((transfer.kind == Transfer::Kind::SendB ||
           transfer.kind == Transfer::Kind::RecvB ||
           transfer.kind == Transfer::Kind::WaitSendB) &&
          transfer.microbatch < schedule.microbatches)
        transfer.microbatch = to[transfer.microbatch];
  schedule.notes.push_back(
      "found backwards that begin with micro-batch " +
      std::to_string(order.front()) +
      ": they are numbered anew to ascend, so that gradients accumulate in the "
      "same order under every schedule; times and memory stay what they are");
}

void detail::renumber(Schedule &schedule) {
  numberForwardsFrom0(schedule);
  letBackwardsAscend(schedule);
}
