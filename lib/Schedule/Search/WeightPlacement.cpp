//===- WeightPlacement.cpp - Weight gradients where ranks idle ------------===//
//
// Nobody waits for a weight gradient, so the order of forwards and input
// gradients is what a schedule is about; the rest follows from times: event
// driven, a rank that would wait runs a weight gradient instead. This is how
// schedules whose formulas hold for F = I = W are fitted to other ratios.
//
//===----------------------------------------------------------------------===//

#include "WeightPlacement.h"
#include "../OneForAll.h"

#include <deque>
#include <functional>
#include <limits>
#include <queue>

using namespace pp::schedule;
using namespace pp::schedule::detail;

namespace {
constexpr double kNever = std::numeric_limits<double>::infinity();

class WeightPlacer {
public:
  WeightPlacer(const SearchProblem &problem, const Schedule &order,
               const WeightPolicy &policy)
      : problem(problem), order(order), policy(policy),
        ranks(order.ranks.size()),
        forwardArrives(size_t(order.stages) * order.microbatches, kNever),
        gradientArrives(forwardArrives) {
    schedule = {order.name,      order.stages, order.microbatches,
                order.placement, {},           {}};
    schedule.ranks.resize(order.ranks.size());
    for (int32_t mb = 0; mb < order.microbatches; ++mb)
      forwardArrives[place(0, mb)] = 0;
    for (int32_t s = 0; s < order.stages; ++s)
      ranks[order.placement[s]].held += at(problem.memory.fixed, s);
    for (int32_t r = 0; r < order.numRanks(); ++r) {
      ranks[r].cap = problem.memoryCap.empty()
                         ? std::numeric_limits<int64_t>::max()
                         : at(problem.memoryCap, r);
      if (!problem.memoryCap.empty())
        ranks[r].cap -= problem.memory.duringHalves(order.placement, r);
      schedule.ranks[r].reserve(order.ranks[r].size());
      skipWeights(r);
      events.push({0, r});
    }
  }

  std::optional<Schedule> run() {
    while (!events.empty()) {
      const auto [time, rank] = events.top();
      events.pop();
      if (ranks[rank].freeAt <= time)
        decide(rank, time);
    }
    for (size_t r = 0; r < ranks.size(); ++r)
      if (ranks[r].next != order.ranks[r].size() || !ranks[r].putOff.empty())
        return std::nullopt;
    return std::move(schedule);
  }

private:
  struct Rank {
    size_t next = 0; ///< in the given order
    std::deque<Action> putOff;
    double freeAt = 0;
    int64_t held = 0, cap = 0;
  };

  size_t place(int32_t stage, int32_t microbatch) const {
    return size_t(stage) * order.microbatches + microbatch;
  }
  void skipWeights(int32_t r) {
    const std::vector<Action> &row = order.ranks[r];
    size_t &next = ranks[r].next;
    while (next < row.size() && row[next].kind == Kind::WeightGradient)
      ++next;
  }
  int64_t kept(int32_t s) const {
    return problem.memory.afterInputGradient.empty()
               ? at(problem.memory.activation, s)
               : at(problem.memory.afterInputGradient, s);
  }

  void decide(int32_t r, double time) {
    Rank &rank = ranks[r];
    const std::vector<Action> &row = order.ranks[r];
    double arrives = kNever;
    bool fits = true;
    if (rank.next != row.size()) {
      const Action &action = row[rank.next];
      const bool isForward = action.kind == Kind::Forward;
      arrives =
          (isForward ? forwardArrives
                     : gradientArrives)[place(action.stage, action.microbatch)];
      fits =
          !isForward ||
          rank.held + at(problem.memory.activation, action.stage) <= rank.cap;
    }
    const bool ready = arrives <= time && fits;
    const bool tooMany = static_cast<int64_t>(rank.putOff.size()) > policy.most;
    if (ready && !tooMany)
      return startNext(r, time);
    if (rank.putOff.empty())
      return;
    const double weight =
        problem.costs.weightGradient[rank.putOff.front().stage];
    if (!ready && fits && time + weight * (1 - policy.patience) > arrives)
      return;
    const Action action = rank.putOff.front();
    rank.putOff.pop_front();
    rank.held -= kept(action.stage);
    finish(r, action, time + weight, 0);
  }

  void startNext(int32_t r, double time) {
    Rank &rank = ranks[r];
    Action action = order.ranks[r][rank.next++];
    skipWeights(r);
    const Costs &costs = problem.costs;
    const int32_t s = action.stage;
    const int64_t whole = at(problem.memory.activation, s);
    if (action.kind == Kind::Forward) {
      rank.held += whole;
      const double end = time + costs.forward[s];
      if (s + 1 == order.stages)
        gradientArrives[place(s, action.microbatch)] = end;
      finish(r, action, end,
             s + 1 == order.stages
                 ? 0
                 : deliver(r, s, s + 1, end, costs.forwardTransfer,
                           forwardArrives[place(s + 1, action.microbatch)]));
      return;
    }
    action.kind = Kind::InputGradient;
    rank.held += kept(s) - whole;
    const double end = time + costs.inputGradient[s];
    rank.putOff.push_back({s, Kind::WeightGradient, action.microbatch});
    finish(r, action, end,
           s == 0 ? 0
                  : deliver(r, s - 1, s - 1, end, costs.backwardTransfer,
                            gradientArrives[place(s - 1, action.microbatch)]));
  }

  void finish(int32_t r, const Action &action, double end, double sending) {
    schedule.ranks[r].push_back(action);
    ranks[r].freeAt = end + sending;
    events.push({ranks[r].freeAt, r});
  }

  /// How long the rank is occupied by sending.
  double deliver(int32_t from, size_t edge, int32_t toStage, double end,
                 const std::vector<double> &times, double &arrives) {
    const int32_t to = order.placement[toStage];
    const double time = from == to ? 0 : at(times, edge);
    arrives = end + time;
    events.push({arrives, to});
    return problem.costs.overlapTransfers ? 0 : time;
  }

  const SearchProblem &problem;
  const Schedule &order;
  const WeightPolicy policy;
  Schedule schedule;
  std::vector<Rank> ranks;
  std::vector<double> forwardArrives, gradientArrives; ///< by place()
  using Event = std::pair<double, int32_t>;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events;
};
} // namespace

std::optional<Schedule> detail::placeWeights(const SearchProblem &problem,
                                             const Schedule &order,
                                             const WeightPolicy &policy) {
  return WeightPlacer(problem, order, policy).run();
}
