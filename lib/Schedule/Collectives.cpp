//===- Collectives.cpp - What replicas exchange, and when -----------------===//
//
// A rank's link does one collective at a time, in the order in which they are
// started. Replicas run the same schedule, so the ranks of a group start theirs
// together. Gathers are all started with the step; a reduction as soon as the
// last action that adds to the stage's gradients has ended.
//
//===----------------------------------------------------------------------===//

#include "Execution.h"
#include "OneForAll.h"

#include <algorithm>

using namespace pp::schedule;
using namespace pp::schedule::detail;

std::vector<std::vector<Collective>>
detail::gatherParameters(const Schedule &schedule, const Costs &costs,
                         std::vector<double> &gathered) {
  std::vector<std::vector<Collective>> gathers(schedule.ranks.size());
  std::vector<bool> seen(schedule.stages, false);
  for (size_t rank = 0; rank < schedule.ranks.size(); ++rank) {
    double link = 0;
    for (const Action &action : schedule.ranks[rank]) {
      if (seen[action.stage])
        continue;
      seen[action.stage] = true;
      const double time = at(costs.parameterGather, action.stage);
      if (time <= 0)
        continue;
      gathers[rank].push_back({Collective::Kind::Gather,
                               "gather, stage " + std::to_string(action.stage),
                               link, link + time});
      link += time;
      gathered[action.stage] = link;
    }
  }
  return gathers;
}

void detail::reduceGradients(const Schedule &schedule, const Costs &costs,
                             Timeline &timeline) {
  timeline.collectives.resize(schedule.ranks.size());
  for (size_t rank = 0; rank < schedule.ranks.size(); ++rank) {
    const std::vector<TimedAction> &row = timeline.ranks[rank];
    std::vector<Collective> &collectives = timeline.collectives[rank];
    std::vector<bool> seen(schedule.stages, false);
    std::vector<const TimedAction *> last; // of each stage, latest first
    for (auto timed = row.rbegin(); timed != row.rend(); ++timed)
      if (timed->action.kind != Kind::Forward && !seen[timed->action.stage]) {
        seen[timed->action.stage] = true;
        last.push_back(&*timed);
      }
    double link = collectives.empty() ? 0 : collectives.back().end;
    for (auto timed = last.rbegin(); timed != last.rend(); ++timed) {
      const int32_t stage = (*timed)->action.stage;
      const double time = at(costs.gradientReduction, stage);
      if (time <= 0)
        continue;
      Collective reduction = {Collective::Kind::Reduction,
                              "reduction, stage " + std::to_string(stage),
                              std::max(link, (*timed)->end)};
      link = reduction.end = reduction.start + time;
      if (link > row.back().end) {
        reduction.waitStart = std::max(reduction.start, row.back().end);
        reduction.waitEnd = link;
      }
      collectives.push_back(std::move(reduction));
    }
  }
}

double detail::gatherGradients(const Schedule &schedule, const Costs &costs,
                               size_t rank, double start, Timeline &timeline) {
  for (int32_t stage = 0; stage < schedule.stages; ++stage) {
    const double time = at(costs.gradientGather, stage);
    if (time <= 0 || schedule.placement[stage] != static_cast<int32_t>(rank))
      continue;
    const double end = start + time;
    timeline.collectives[rank].push_back(
        {Collective::Kind::Reduction,
         "gather of gradients, stage " + std::to_string(stage), start, end,
         start, end});
    start = end;
  }
  return start;
}

double detail::lastEnd(const Timeline &timeline, size_t rank) {
  const std::vector<TimedAction> &row = timeline.ranks[rank];
  double end = row.empty() ? 0 : row.back().end;
  if (rank < timeline.collectives.size())
    for (const Collective &collective : timeline.collectives[rank])
      end = std::max(end, collective.end);
  return end;
}
