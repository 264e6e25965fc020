//===- Improvement.cpp - Better schedules by small changes ----------------===//
//
// Hill climbing: an action moves a few places within its row, never across one
// of the same stage and kind, so that micro-batches stay in order. A move that
// makes the schedule neither slower nor illegal stays, even if it gains
// nothing: plateaus are wide, since most actions have room.
//
//===----------------------------------------------------------------------===//

#include "Improvement.h"
#include "../Execution.h"

#include <algorithm>
#include <limits>

using namespace pp::schedule;
using namespace pp::schedule::detail;

double detail::evaluate(const SearchProblem &problem,
                        const Schedule &schedule) {
  constexpr double never = std::numeric_limits<double>::infinity();
  if (!problem.memoryCap.empty()) {
    const std::vector<Peak> peaks = findPeaks(schedule, problem.memory);
    for (size_t rank = 0; rank < peaks.size(); ++rank)
      if (peaks[rank].bytes > (problem.memoryCap.size() == 1
                                   ? problem.memoryCap.front()
                                   : problem.memoryCap[rank]))
        return never;
  }
  const Execution execution = execute(schedule, problem.costs);
  if (!execution.finished)
    return never;
  std::vector<double> end(schedule.ranks.size(), 0);
  for (size_t rank = 0; rank < end.size(); ++rank)
    if (const auto &row = execution.timeline.ranks[rank]; !row.empty())
      end[rank] = row.back().end;
  const std::vector<double> optimizer =
      optimizerTimes(problem.costs, schedule.placement, schedule.numRanks());
  if (problem.costs.reduction > 0) // All meet first.
    end.assign(end.size(), *std::max_element(end.begin(), end.end()) +
                               problem.costs.reduction);
  for (size_t rank = 0; rank < end.size(); ++rank)
    end[rank] += optimizer[rank];
  return *std::max_element(end.begin(), end.end());
}

/// Moves an action of the row by up to eight places; false if it stays.
static bool moveSome(std::vector<Action> &row, std::mt19937_64 &random) {
  if (row.empty())
    return false;
  size_t i = random() % row.size();
  const bool later = random() % 2;
  bool moved = false;
  for (size_t steps = 1 + random() % 8; steps > 0; --steps) {
    if (later ? i + 1 == row.size() : i == 0)
      break;
    const size_t next = later ? i + 1 : i - 1;
    if (row[i].stage == row[next].stage &&
        (row[i].kind == row[next].kind ||
         row[i].microbatch == row[next].microbatch))
      break;
    std::swap(row[i], row[next]);
    i = next;
    moved = true;
  }
  return moved;
}

double detail::improve(const SearchProblem &problem, Schedule &schedule,
                       double makespan, double goal, int64_t &budget,
                       std::mt19937_64 &random) {
  int64_t size = 0;
  for (const auto &row : schedule.ranks)
    size += static_cast<int64_t>(row.size());
  goal *= 1 + 1e-12; // what rounding leaves
  while (budget > 0 && makespan > goal) {
    std::vector<Action> &row = schedule.ranks[random() % schedule.ranks.size()];
    std::vector<Action> before = row;
    budget -= size;
    if (!moveSome(row, random))
      continue;
    const double found = evaluate(problem, schedule);
    if (found <= makespan)
      makespan = found;
    else
      row = std::move(before);
  }
  return makespan;
}
