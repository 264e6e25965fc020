//===- Repetition.cpp - A block repeated, for any times -------------------===//
//
// Qi et al., "Pipeline Parallelism with Controllable Memory", arXiv 2405.15362,
// for any times (Generators/BuildingBlock.cpp has the one for F = I = W): each
// action of the block takes the first time at which it does not collide with
// the rank's other actions or their copies. How long activations live, and so
// the memory, follows from that; where it is too much, a longer period helps.
//
//===----------------------------------------------------------------------===//

#include "Repetition.h"
#include "../OneForAll.h"

#include <algorithm>
#include <cmath>
#include <tuple>

using namespace pp::schedule;
using namespace pp::schedule::detail;

namespace {
/// The times modulo a period at which a rank is taken.
class Table {
public:
  explicit Table(double period) : period(period) {}

  /// The first start from `time` on that leaves the rank to each action; that
  /// of a crowded rank is `time`.
  double take(double time, double duration) {
    double start = time;
    for (size_t tries = 0; tries <= 2 * taken.size(); ++tries) {
      double next = start;
      for (const auto &[begin, length] : taken) {
        // From the start of the taken time to ours, modulo the period.
        const double behind = wrap(start - begin);
        if (behind < length * (1 - kSlack))
          next = std::max(next, start + length - behind);
        else if (behind + duration * (1 - kSlack) > period)
          next = std::max(next, start + period - behind + length);
      }
      if (next == start || next > time + 2 * period)
        break;
      start = next;
    }
    taken.push_back({wrap(start), duration});
    return start;
  }

private:
  static constexpr double kSlack = 1e-9; ///< of rounding
  double wrap(double time) const {
    const double rest = time - period * std::floor(time / period);
    return period - rest < kSlack * period ? 0 : rest;
  }

  double period;
  std::vector<std::pair<double, double>> taken; ///< start and duration
};
} // namespace

/// The least period: work, or what lives on average over the room for it.
static double leastPeriod(const SearchProblem &problem,
                          const std::vector<int32_t> &placement) {
  const Costs &costs = problem.costs;
  std::vector<double> work(problem.ranks, 0), area(problem.ranks, 0);
  std::vector<double> room(problem.ranks, 0);
  double back = 0; // from the end of a stage's F to the start of its I
  for (size_t s = placement.size(); s-- > 0;) {
    const int32_t rank = placement[s];
    const double whole = costs.forward[s] + costs.inputGradient[s];
    work[rank] += whole + costs.weightGradient[s];
    area[rank] += static_cast<double>(at(problem.memory.activation, s)) *
                  (whole + back + costs.weightGradient[s]);
    room[rank] -= static_cast<double>(at(problem.memory.fixed, s));
    back += whole;
    if (s > 0 && placement[s - 1] != rank)
      back +=
          at(costs.forwardTransfer, s - 1) + at(costs.backwardTransfer, s - 1);
  }
  double period = *std::max_element(work.begin(), work.end());
  if (!problem.memoryCap.empty())
    for (int32_t rank = 0; rank < problem.ranks; ++rank) {
      room[rank] += static_cast<double>(at(problem.memoryCap, rank));
      if (room[rank] > 0)
        period = std::max(period, area[rank] / room[rank]);
    }
  return period > 0 ? period : 1;
}

Schedule detail::repeatWay(const SearchProblem &problem,
                           const std::vector<int32_t> &placement,
                           const RepetitionPolicy &policy) {
  const Costs &costs = problem.costs;
  const auto stages = static_cast<int32_t>(placement.size());
  const double period = policy.period * leastPeriod(problem, placement);
  std::vector<Table> tables(problem.ranks, Table(period));
  struct Timed {
    double time;
    Action action;
  };
  std::vector<std::vector<Timed>> block(problem.ranks);
  double clock = 0;
  auto add = [&](int32_t s, Kind kind, double duration, double occupied) {
    const double start = tables[placement[s]].take(clock, occupied);
    block[placement[s]].push_back({start, {s, kind, 0}});
    clock = start + duration;
  };
  for (int32_t s = 0; s < stages; ++s) {
    add(s, Kind::Forward, costs.forward[s], costs.forward[s]);
    if (s + 1 < stages && placement[s] != placement[s + 1])
      clock += at(costs.forwardTransfer, s) + policy.pause * costs.forward[s];
  }
  for (int32_t s = stages; s-- > 0;) {
    add(s, Kind::InputGradient, costs.inputGradient[s],
        costs.inputGradient[s] +
            (policy.withWeights ? costs.weightGradient[s] : 0));
    if (s > 0 && placement[s] != placement[s - 1])
      clock += at(costs.backwardTransfer, s - 1);
  }

  Schedule schedule{"search", stages, problem.microbatches, placement, {}, {}};
  schedule.ranks.resize(problem.ranks);
  for (int32_t rank = 0; rank < problem.ranks; ++rank) {
    std::vector<Timed> timed;
    timed.reserve(block[rank].size() * problem.microbatches);
    for (int32_t mb = 0; mb < problem.microbatches; ++mb)
      for (const auto &[time, action] : block[rank])
        timed.push_back({time + mb * period, {action.stage, action.kind, mb}});
    std::sort(timed.begin(), timed.end(), [](const Timed &a, const Timed &b) {
      return std::tie(a.time, a.action) < std::tie(b.time, b.action);
    });
    for (const Timed &next : timed)
      schedule.ranks[rank].push_back(next.action);
  }
  return schedule;
}
