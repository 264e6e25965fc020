//===- Execution.cpp - Running a schedule through -------------------------===//
//
// Every rank runs until it waits for an action of another rank that has not
// ended; the end of that action puts the waiting rank back on the work list.
// So each action is looked at once when it starts and at most once when it
// waits. The order in which ranks are taken does not matter: an action's start
// depends only on the ends of what it needs, never on the work list.
//
//===----------------------------------------------------------------------===//

#include "Execution.h"
#include "OneForAll.h"

#include <algorithm>

using namespace pp::schedule;
using namespace pp::schedule::detail;

Needs detail::needsOf(const Schedule &schedule, const Action &action) {
  Needs needs;
  auto add = [&](int32_t stage, Kind kind) {
    needs.actions[needs.count++] = {stage, kind, action.microbatch};
  };
  switch (action.kind) {
  case Kind::Forward:
    if (action.stage > 0)
      add(action.stage - 1, Kind::Forward);
    break;
  case Kind::Backward:
  case Kind::InputGradient:
    add(action.stage, Kind::Forward);
    if (action.stage + 1 < schedule.stages)
      add(action.stage + 1, Kind::Backward);
    break;
  case Kind::WeightGradient:
    add(action.stage, Kind::InputGradient);
    break;
  }
  return needs;
}

static double duration(const Costs &costs, const Action &action) {
  switch (action.kind) {
  case Kind::Forward:
    return costs.forward[action.stage];
  case Kind::Backward:
    return costs.inputGradient[action.stage] +
           costs.weightGradient[action.stage];
  case Kind::InputGradient:
    return costs.inputGradient[action.stage];
  case Kind::WeightGradient:
    return costs.weightGradient[action.stage];
  }
  return 0;
}

/// From the end of an action of one stage to when the other stage, which needs
/// it, can start.
static double transferTime(const Schedule &schedule, const Costs &costs,
                           int32_t from, int32_t to) {
  if (schedule.placement[from] == schedule.placement[to])
    return 0;
  return from < to ? at(costs.forwardTransfer, from)
                   : at(costs.backwardTransfer, to);
}

/// How long the rank is occupied by sending the result of an action.
static double sendingTime(const Schedule &schedule, const Costs &costs,
                          const Action &action) {
  if (costs.overlapTransfers || action.kind == Kind::WeightGradient)
    return 0;
  const int32_t to = action.stage + (action.kind == Kind::Forward ? 1 : -1);
  if (to < 0 || to >= schedule.stages)
    return 0;
  return transferTime(schedule, costs, action.stage, to);
}

/// A rank sleeps from `start` on until its gathers up to that one are complete.
static void waitForGathers(std::vector<Collective> &gathers, double start,
                           double end) {
  for (Collective &gather : gathers)
    if (gather.end > start && gather.end <= end) {
      gather.waitStart = std::max(start, gather.start);
      gather.waitEnd = gather.end;
    }
}

Execution detail::execute(const Schedule &schedule, const Costs &costs) {
  constexpr double never = -1;
  const ActionIndex index(schedule);
  const int32_t ranks = schedule.numRanks();
  Execution execution;
  execution.next.assign(ranks, 0);
  execution.timeline.ranks.resize(ranks);

  std::vector<double> ended(index.size(), never);
  std::vector<int32_t> waiter(index.size(), -1); // rank that waits for it
  std::vector<double> clock(ranks, 0);
  std::vector<int32_t> runnable(ranks);
  std::vector<double> gathered(schedule.stages, 0);
  if (costs.hasCollectives())
    execution.timeline.collectives =
        gatherParameters(schedule, costs, gathered);
  for (int32_t rank = 0; rank < ranks; ++rank) {
    runnable[rank] = ranks - 1 - rank;
    execution.timeline.ranks[rank].reserve(schedule.ranks[rank].size());
  }

  while (!runnable.empty()) {
    int32_t rank = runnable.back();
    runnable.pop_back();
    for (size_t &position = execution.next[rank];
         position < schedule.ranks[rank].size(); ++position) {
      const Action &action = schedule.ranks[rank][position];
      double start = clock[rank];
      const Needs needs = needsOf(schedule, action);
      bool ready = true;
      for (int i = 0; i < needs.count && ready; ++i) {
        const Action &needed = needs.actions[i];
        double end = ended[index(needed)];
        ready = end != never;
        if (ready)
          start =
              std::max(start, end + transferTime(schedule, costs, needed.stage,
                                                 action.stage));
        else
          waiter[index(needed)] = rank;
      }
      if (!ready)
        break;
      if (const double whole = gathered[action.stage]; start < whole) {
        waitForGathers(execution.timeline.collectives[rank], start, whole);
        start = whole;
      }
      const double end = start + duration(costs, action);
      clock[rank] = end + sendingTime(schedule, costs, action);
      execution.timeline.ranks[rank].push_back({action, start, end});
      ended[index(action)] = end;
      if (int32_t other = waiter[index(action)]; other != -1)
        runnable.push_back(other);
    }
  }
  execution.finished = true;
  for (int32_t rank = 0; rank < ranks; ++rank)
    execution.finished &= execution.next[rank] == schedule.ranks[rank].size();
  return execution;
}

std::vector<double>
detail::optimizerTimes(const Costs &costs,
                       const std::vector<int32_t> &placement, int32_t ranks) {
  std::vector<double> times(ranks, 0);
  for (size_t stage = 0; stage < placement.size(); ++stage)
    times[placement[stage]] += costs.optimizer.size() == 1
                                   ? costs.optimizer.front()
                                   : costs.optimizer[stage];
  return times;
}

std::vector<Wait> detail::findWaitCycle(const Schedule &schedule,
                                        const Execution &execution) {
  const ActionIndex index(schedule);
  std::vector<bool> ended(index.size(), false);
  int32_t rank = -1;
  for (int32_t r = schedule.numRanks() - 1; r >= 0; --r) {
    for (size_t i = 0; i < execution.next[r]; ++i)
      ended[index(schedule.ranks[r][i])] = true;
    if (execution.next[r] < schedule.ranks[r].size())
      rank = r;
  }

  // Each stopped rank waits for an action of a stopped rank (perhaps itself),
  // so that following the waits must come back to a rank already seen.
  std::vector<Wait> path;
  auto seen = [&] {
    return std::find_if(path.begin(), path.end(),
                        [&](const Wait &wait) { return wait.rank == rank; });
  };
  while (seen() == path.end()) {
    const Action &action = schedule.ranks[rank][execution.next[rank]];
    const Needs needs = needsOf(schedule, action);
    Wait wait;
    wait.rank = rank;
    wait.action = toString(action);
    wait.microbatch = action.microbatch;
    for (int i = 0; i < needs.count; ++i) {
      if (ended[index(needs.actions[i])])
        continue;
      wait.peer = schedule.placement[needs.actions[i].stage];
      // Name the action as the other rank's list spells it: I for B.
      Action needed = needs.actions[i];
      for (const Action &other : schedule.ranks[wait.peer])
        if (index(other) == index(needed))
          needed = other;
      wait.needs = toString(needed);
      break;
    }
    path.push_back(wait);
    rank = wait.peer;
  }
  path.erase(path.begin(), seen());
  return path;
}
