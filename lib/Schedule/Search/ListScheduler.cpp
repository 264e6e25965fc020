//===- ListScheduler.cpp - Schedules by local decisions -------------------===//
//
// Event driven: a rank decides when it becomes free and when something arrives.
// It knows what is on the way to it, since ends are known from the start of an
// action; so it can rather wait a moment for an input gradient, which others
// wait for, than start a weight gradient, which nobody waits for.
//
// A forward takes memory that only the micro-batch's way to the end and back
// sets free. On a rank with several stages it may start only if the later ones
// could still run for the same micro-batch: the one that is furthest then
// always gets through.
//
//===----------------------------------------------------------------------===//

#include "ListScheduler.h"
#include "../OneForAll.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <queue>

using namespace pp::schedule;
using namespace pp::schedule::detail;

namespace {
constexpr double kNever = std::numeric_limits<double>::infinity();

class ListScheduler {
public:
  ListScheduler(const SearchProblem &problem,
                const std::vector<int32_t> &placement, const Policy &policy)
      : problem(problem), policy(policy) {
    schedule.name = "search";
    schedule.stages = static_cast<int32_t>(placement.size());
    schedule.microbatches = problem.microbatches;
    schedule.placement = placement;
    schedule.ranks.resize(problem.ranks);
    stages.resize(schedule.stages);
    ranks.resize(problem.ranks);
    for (int32_t s = 0; s < schedule.stages; ++s) {
      stages[s].forwardArrives.assign(problem.microbatches,
                                      s == 0 ? 0 : kNever);
      stages[s].gradientArrives.assign(problem.microbatches, kNever);
      Rank &rank = ranks[placement[s]];
      rank.stages.push_back(s);
      rank.held += at(problem.memory.fixed, s);
    }
    for (int32_t r = 0; r < problem.ranks; ++r) {
      Rank &rank = ranks[r];
      rank.cap = problem.memoryCap.empty() ? std::numeric_limits<int64_t>::max()
                                           : at(problem.memoryCap, r);
      if (!problem.memoryCap.empty())
        rank.cap -= problem.memory.duringHalves(placement, r);
      // What the later stages of a rank need for one micro-batch.
      int64_t reserve = 0;
      for (size_t i = rank.stages.size(); i-- > 0;) {
        stages[rank.stages[i]].reserve = reserve;
        reserve += at(problem.memory.activation, rank.stages[i]);
      }
      if (policy.lateStagesFirst)
        std::reverse(rank.stages.begin(), rank.stages.end());
      wake(r, 0);
    }
  }

  std::optional<Schedule> run() {
    while (!events.empty()) {
      const auto [time, rank] = events.top();
      events.pop();
      if (ranks[rank].freeAt <= time)
        decide(rank, time);
    }
    for (const Stage &stage : stages)
      if (stage.nextWeight != problem.microbatches)
        return std::nullopt;
    return std::move(schedule);
  }

private:
  struct Stage {
    int32_t nextForward = 0, nextInput = 0, nextWeight = 0;
    int64_t reserve = 0;
    std::vector<double> forwardArrives, gradientArrives; ///< by micro-batch
  };
  struct Rank {
    std::vector<int32_t> stages; ///< the more urgent first
    double freeAt = 0;
    int64_t held = 0, cap = 0;
  };

  void wake(int32_t rank, double time) { events.push({time, rank}); }

  double gradientTime(int32_t s) const {
    const Stage &stage = stages[s];
    if (stage.nextInput >= stage.nextForward)
      return kNever;
    return s + 1 == schedule.stages ? 0
                                    : stage.gradientArrives[stage.nextInput];
  }
  double forwardTime(int32_t s, const Rank &rank) const {
    const Stage &stage = stages[s];
    if (stage.nextForward == problem.microbatches)
      return kNever;
    if (policy.aheadLimit &&
        stage.nextForward - stage.nextInput >=
            int64_t(policy.aheadLimit) * (schedule.stages - s))
      return kNever;
    if (rank.held + at(problem.memory.activation, s) + stage.reserve > rank.cap)
      return kNever;
    return stage.forwardArrives[stage.nextForward];
  }

  void decide(int32_t r, double time) {
    const Rank &rank = ranks[r];
    int32_t input = -1, forward = -1, weight = -1;
    double nextInput = kNever, nextForward = kNever;
    for (int32_t s : rank.stages) {
      if (double arrives = gradientTime(s); arrives > time)
        nextInput = std::min(nextInput, arrives);
      else if (input == -1)
        input = s;
      if (double arrives = forwardTime(s, rank); arrives > time)
        nextForward = std::min(nextForward, arrives);
      else if (forward == -1)
        forward = s;
      if (weight == -1 && stages[s].nextWeight < stages[s].nextInput)
        weight = s;
    }
    // Whether to start rather than to wait for the next arrival.
    auto pays = [&](double duration, double patience, double next) {
      return time + duration * (1 - patience) <= next;
    };
    const Costs &costs = problem.costs;
    if (input != -1 && !(policy.forwardFirst && forward != -1))
      start(r, {input, Kind::InputGradient, stages[input].nextInput++}, time);
    else if (forward != -1 &&
             pays(costs.forward[forward], policy.patienceForward, nextInput))
      start(r, {forward, Kind::Forward, stages[forward].nextForward++}, time);
    else if (weight != -1 &&
             pays(costs.weightGradient[weight], policy.patienceWeight,
                  std::min(nextInput, nextForward)))
      start(r, {weight, Kind::WeightGradient, stages[weight].nextWeight++},
            time);
  }

  void start(int32_t r, const Action &action, double time) {
    Rank &rank = ranks[r];
    const Costs &costs = problem.costs;
    const int32_t s = action.stage;
    const int64_t whole = at(problem.memory.activation, s);
    const int64_t kept = problem.memory.afterInputGradient.empty()
                             ? whole
                             : at(problem.memory.afterInputGradient, s);
    double end = time;
    switch (action.kind) {
    case Kind::Forward:
      end += costs.forward[s];
      rank.held += whole;
      rank.freeAt = end;
      if (s + 1 < schedule.stages)
        deliver(r, s, s + 1, end, costs.forwardTransfer,
                stages[s + 1].forwardArrives[action.microbatch]);
      break;
    case Kind::InputGradient:
      end += costs.inputGradient[s];
      rank.held += kept - whole;
      rank.freeAt = end;
      if (s > 0)
        deliver(r, s - 1, s - 1, end, costs.backwardTransfer,
                stages[s - 1].gradientArrives[action.microbatch]);
      break;
    default:
      end += costs.weightGradient[s];
      rank.held -= kept;
      rank.freeAt = end;
    }
    schedule.ranks[r].push_back(action);
    wake(r, rank.freeAt);
  }

  void deliver(int32_t from, size_t edge, int32_t toStage, double end,
               const std::vector<double> &times, double &arrives) {
    const int32_t to = schedule.placement[toStage];
    const double time = from == to ? 0 : at(times, edge);
    if (!problem.costs.overlapTransfers)
      ranks[from].freeAt += time;
    arrives = end + time;
    wake(to, arrives);
  }

  const SearchProblem &problem;
  const Policy &policy;
  Schedule schedule;
  std::vector<Stage> stages;
  std::vector<Rank> ranks;
  using Event = std::pair<double, int32_t>;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events;
};
} // namespace

std::optional<Schedule>
detail::scheduleList(const SearchProblem &problem,
                     const std::vector<int32_t> &placement,
                     const Policy &policy) {
  return ListScheduler(problem, placement, policy).run();
}
