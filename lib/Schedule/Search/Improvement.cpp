//===- Improvement.cpp - Better schedules by small changes ----------------===//
//
// Hill climbing: an action moves a few places within its row, never across one
// of the same stage and kind, so that micro-batches stay in order. A schedule
// only becomes faster by changes on its critical path, where an action starts
// when its rank has finished the one before: most moves are there. A move that
// makes the schedule neither slower nor illegal stays, even if it gains
// nothing: plateaus are wide, since most actions have room.
//
//===----------------------------------------------------------------------===//

#include "Improvement.h"
#include "../Execution.h"

#include <algorithm>
#include <limits>
#include <optional>

using namespace pp::schedule;
using namespace pp::schedule::detail;

/// The makespan; `execution` is how it comes about.
static double run(const SearchProblem &problem, const Schedule &schedule,
                  Execution &execution) {
  constexpr double never = std::numeric_limits<double>::infinity();
  if (!problem.memoryCap.empty()) {
    const std::vector<Peak> peaks = findPeaks(schedule, problem.memory);
    for (size_t rank = 0; rank < peaks.size(); ++rank)
      if (peaks[rank].bytes > (problem.memoryCap.size() == 1
                                   ? problem.memoryCap.front()
                                   : problem.memoryCap[rank]))
        return never;
  }
  execution = execute(schedule, problem.costs);
  if (!execution.finished)
    return never;
  if (problem.costs.hasCollectives())
    reduceGradients(schedule, problem.costs, execution.timeline);
  std::vector<double> end(schedule.ranks.size(), 0);
  for (size_t rank = 0; rank < end.size(); ++rank)
    end[rank] = lastEnd(execution.timeline, rank);
  const std::vector<double> optimizer =
      optimizerTimes(problem.costs, schedule.placement, schedule.numRanks());
  if (problem.costs.meetAtEnd())
    end.assign(end.size(), *std::max_element(end.begin(), end.end()) +
                               problem.costs.reduction);
  for (size_t rank = 0; rank < end.size(); ++rank)
    end[rank] = gatherGradients(schedule, problem.costs, rank, end[rank],
                                execution.timeline) +
                optimizer[rank];
  return *std::max_element(end.begin(), end.end());
}

double detail::evaluate(const SearchProblem &problem,
                        const Schedule &schedule) {
  Execution execution;
  return run(problem, schedule, execution);
}

namespace {
/// The place of an action.
struct Spot {
  size_t rank, place;
};
} // namespace

/// The actions of the critical path that wait for the action before them in
/// their row, not for a result.
static std::vector<Spot> findCritical(const Schedule &schedule,
                                      const Execution &execution) {
  const ActionIndex index(schedule);
  const auto &rows = execution.timeline.ranks;
  std::vector<Spot> spots(index.size());
  std::optional<Spot> at;
  double latest = -1;
  for (size_t rank = 0; rank < rows.size(); ++rank)
    for (size_t i = 0; i < rows[rank].size(); ++i) {
      const TimedAction &timed = rows[rank][i];
      spots[index(timed.action)] = {rank, i};
      if (timed.end > latest) {
        latest = timed.end;
        at = {rank, i};
      }
    }
  std::vector<Spot> critical;
  while (at) {
    const auto &row = rows[at->rank];
    const TimedAction &timed = row[at->place];
    // What ended last of what had to: the action before, or a result. The rank
    // may also have been sending, or the result on its way.
    const Needs needs = needsOf(schedule, timed.action);
    std::optional<Spot> before;
    double ended = -1;
    for (int i = 0; i < needs.count; ++i) {
      const Spot &spot = spots[index(needs.actions[i])];
      if (double end = rows[spot.rank][spot.place].end;
          spot.rank != at->rank && end > ended) {
        ended = end;
        before = spot;
      }
    }
    const bool isFollower =
        at->place > 0 && row[at->place - 1].end >= timed.start;
    if (isFollower)
      critical.push_back(*at);
    if (isFollower || (!before && at->place > 0))
      before = Spot{at->rank, at->place - 1};
    at = before;
  }
  return critical;
}

/// Moves an action of the row by up to eight places; false if it stays.
static bool move(std::vector<Action> &row, size_t i, bool later,
                 std::mt19937_64 &random) {
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
  Execution execution;
  run(problem, schedule, execution);
  std::vector<Spot> critical = findCritical(schedule, execution);
  budget -= 2 * size;
  while (budget > 0 && makespan > goal) {
    Spot spot;
    bool later = random() % 2;
    if (!critical.empty() && random() % 4 != 0) {
      // The action itself comes earlier, or the one before it later.
      spot = critical[random() % critical.size()];
      spot.place -= later;
    } else {
      spot.rank = random() % schedule.ranks.size();
      if (schedule.ranks[spot.rank].empty()) {
        --budget;
        continue;
      }
      spot.place = random() % schedule.ranks[spot.rank].size();
    }
    std::vector<Action> &row = schedule.ranks[spot.rank];
    std::vector<Action> before = row;
    if (!move(row, spot.place, later, random)) {
      --budget;
      continue;
    }
    const double found = run(problem, schedule, execution);
    budget -= size;
    if (found > makespan) {
      row = std::move(before);
      continue;
    }
    makespan = found;
    critical = findCritical(schedule, execution);
    budget -= size / 4;
  }
  return makespan;
}
