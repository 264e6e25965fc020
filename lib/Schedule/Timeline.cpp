//===- Timeline.cpp - What each rank did, and why it idled ----------------===//
//
// Everything follows from starts and ends, so that predicted and measured
// timelines are judged alike. A rank that idles before an action waited for
// what the action needs: until that had been computed, it waited for a
// computation, and from then on for the transfer. Where it is known when all
// was there (measured), the rest is the runtime's.
//
// Collectives of replicas are exposed where their rank waits for nothing else:
// a gather while the input of the first forward is there, a reduction when no
// rank computes any more. What lies in the waits for computations is hidden.
//
//===----------------------------------------------------------------------===//

#include "Execution.h"

#include <algorithm>
#include <numeric>

using namespace pp::schedule;
using namespace pp::schedule::detail;

const char *pp::schedule::toString(IdleReason reason) {
  switch (reason) {
  case IdleReason::WarmUp:
    return "warm-up";
  case IdleReason::Transfer:
    return "transfer";
  case IdleReason::Imbalance:
    return "imbalance";
  case IdleReason::CoolDown:
    return "cool-down";
  case IdleReason::Parameters:
    return "parameters";
  case IdleReason::Gradients:
    return "gradients";
  case IdleReason::Runtime:
    return "runtime";
  }
  return "";
}

const char *pp::schedule::toString(EndWork::Kind kind) {
  return kind == EndWork::Kind::Reduction ? "reduction" : "optimizer";
}

double Timeline::meanBubble() const {
  if (bubble.empty())
    return 0;
  return std::accumulate(bubble.begin(), bubble.end(), 0.0) /
         static_cast<double>(bubble.size());
}

double Timeline::idleTime(int32_t rank, IdleReason reason) const {
  double time = 0;
  for (const Idle &span : idle[rank])
    if (span.reason == reason)
      time += span.end - span.start;
  return time;
}

double Timeline::collectiveTime(int32_t rank) const {
  double time = 0;
  if (static_cast<size_t>(rank) < collectives.size())
    for (const Collective &collective : collectives[rank])
      time += collective.end - collective.start;
  return time;
}

/// When the last action of all ranks ended.
static double computeEnd(const Timeline &timeline) {
  double end = 0;
  for (const auto &row : timeline.ranks)
    if (!row.empty())
      end = std::max(end, row.back().end);
  return end;
}

double Timeline::exposedTime(int32_t rank, Collective::Kind kind) const {
  if (kind == Collective::Kind::Gather)
    return idleTime(rank, IdleReason::Parameters);
  const double computed = computeEnd(*this);
  double time = 0;
  if (static_cast<size_t>(rank) < collectives.size())
    for (const Collective &collective : collectives[rank])
      if (collective.kind == kind)
        time += std::max(0.0, collective.waitEnd -
                                  std::max(collective.waitStart, computed));
  return time;
}

std::vector<Share> Timeline::shares(int32_t rank) const {
  constexpr IdleReason reasons[] = {
      IdleReason::WarmUp,   IdleReason::Imbalance,  IdleReason::CoolDown,
      IdleReason::Transfer, IdleReason::Parameters, IdleReason::Gradients,
      IdleReason::Runtime};
  auto part = [&](double time) { return makespan > 0 ? time / makespan : 0; };
  double compute = 0;
  for (const TimedAction &timed : ranks[rank])
    compute += timed.end - timed.start;
  std::vector<Share> result = {{"compute", part(compute)}};
  for (IdleReason reason : reasons)
    result.push_back({toString(reason), part(idleTime(rank, reason))});
  for (EndWork::Kind kind :
       {EndWork::Kind::Reduction, EndWork::Kind::Optimizer}) {
    double time = 0;
    if (static_cast<size_t>(rank) < ends.size())
      for (const EndWork &work : ends[rank])
        if (work.kind == kind)
          time += work.end - work.start;
    result.push_back({toString(kind), part(time)});
  }
  return result;
}

std::vector<Share> Timeline::meanShares() const {
  std::vector<Share> mean;
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    const std::vector<Share> own = shares(static_cast<int32_t>(rank));
    if (mean.empty())
      for (const Share &share : own)
        mean.push_back({share.name, 0});
    for (size_t i = 0; i < own.size(); ++i)
      mean[i].part += own[i].part / static_cast<double>(ranks.size());
  }
  return mean;
}

/// How many micro-batches of one stage a rank held at most.
static int32_t peakOf(const std::vector<TimedAction> &row) {
  int32_t held = 0, peak = 0;
  for (const TimedAction &timed : row) {
    switch (timed.action.kind) {
    case Kind::Forward:
      peak = std::max(peak, ++held);
      break;
    case Kind::Backward:
    case Kind::WeightGradient:
      --held;
      break;
    case Kind::InputGradient:
      break; // W still reads the activations
    }
  }
  return peak;
}

namespace {
/// Finds the reasons for idle times of a timeline with a makespan.
class Explainer {
public:
  explicit Explainer(Timeline &timeline)
      : timeline(timeline), shape(shapeOf(timeline)), index(shape),
        ran(index.size()), computed(computeEnd(timeline)) {
    for (size_t rank = 0; rank < timeline.ranks.size(); ++rank)
      for (const TimedAction &timed : timeline.ranks[rank])
        ran[index(timed.action)] = {&timed, rank};
    for (const auto &row : timeline.collectives)
      for (const Collective &collective : row)
        if (collective.kind == Collective::Kind::Reduction)
          reduced = std::max(reduced, collective.end);
  }

  void run() {
    timeline.idle.assign(timeline.ranks.size(), {});
    for (size_t rank = 0; rank < timeline.ranks.size(); ++rank)
      explain(rank);
  }

private:
  static Schedule shapeOf(const Timeline &timeline) {
    Schedule shape;
    for (const auto &row : timeline.ranks)
      for (const TimedAction &timed : row) {
        shape.stages = std::max(shape.stages, timed.action.stage + 1);
        shape.microbatches =
            std::max(shape.microbatches, timed.action.microbatch + 1);
      }
    return shape;
  }

  void add(size_t rank, IdleReason reason, double start, double end,
           std::optional<Action> waitsFor) {
    if (end > start)
      timeline.idle[rank].push_back({reason, start, end, waitsFor});
  }

  /// The same where the rank waits for no computation: the part in which it
  /// slept for collectives is theirs.
  void addBeside(size_t rank, IdleReason reason, double start, double end,
                 std::optional<Action> waitsFor) {
    if (rank < timeline.collectives.size())
      for (const Collective &collective : timeline.collectives[rank]) {
        const double from = std::max(start, collective.waitStart);
        const double to = std::min(end, collective.waitEnd);
        if (from >= to)
          continue;
        add(rank, reason, start, from, waitsFor);
        add(rank,
            collective.kind == Collective::Kind::Gather ? IdleReason::Parameters
                                                        : IdleReason::Gradients,
            from, to, {});
        start = to;
      }
    add(rank, reason, start, end, waitsFor);
  }

  /// Behind the last action: until the last rank has computed, and until the
  /// last one has its gradients.
  void addEnd(size_t rank, double start, double end) {
    const double computes = std::clamp(computed, start, end);
    const double reduces = std::clamp(reduced, computes, end);
    add(rank, IdleReason::CoolDown, start, computes, {});
    add(rank, IdleReason::Gradients, computes, reduces, {});
    add(rank, IdleReason::CoolDown, reduces, end, {});
  }

  void explain(size_t rank) {
    const std::vector<TimedAction> &row = timeline.ranks[rank];
    size_t firstBackward = row.size(), lastForward = row.size();
    for (size_t i = 0; i < row.size(); ++i) {
      if (row[i].action.kind == Kind::Forward)
        lastForward = i;
      else
        firstBackward = std::min(firstBackward, i);
    }
    double clock = 0;
    for (size_t i = 0; i < row.size(); ++i) {
      // What the action needs of another rank, of which there is one; a rank
      // that idles without has sent the result of its last action.
      const TimedAction *needed = i ? &row[i - 1] : nullptr;
      const Needs needs = needsOf(shape, row[i].action);
      for (int n = 0; n < needs.count; ++n)
        if (const Ran &other = ran[index(needs.actions[n])];
            other.timed && other.rank != rank)
          needed = other.timed;
      const double start = std::max(clock, row[i].start);
      const double arrives =
          std::clamp(needed ? needed->end : clock, clock, start);
      const double ready =
          std::clamp(row[i].ready.value_or(start), arrives, start);
      std::optional<Action> waitsFor;
      if (needed)
        waitsFor = needed->action;
      const IdleReason phase = i <= firstBackward ? IdleReason::WarmUp
                               : i > lastForward  ? IdleReason::CoolDown
                                                  : IdleReason::Imbalance;
      add(rank, phase, clock, arrives, waitsFor);
      addBeside(rank, IdleReason::Transfer, arrives, ready, waitsFor);
      addBeside(rank, IdleReason::Runtime, ready, start, {});
      clock = std::max(clock, row[i].end);
    }
    if (rank < timeline.ends.size())
      for (const EndWork &work : timeline.ends[rank]) {
        addEnd(rank, clock, std::max(clock, work.start));
        clock = std::max(clock, work.end);
      }
    addEnd(rank, clock, std::max(clock, timeline.makespan));
  }

  Timeline &timeline;
  const Schedule shape; ///< stages and micro-batches alone
  const ActionIndex index;
  struct Ran {
    const TimedAction *timed = nullptr;
    size_t rank = 0;
  };
  std::vector<Ran> ran;  ///< by action
  const double computed; ///< when the last action of all ranks ended
  double reduced = 0;    ///< when the last reduction of all ranks ended
};
} // namespace

void Timeline::summarize(double until) {
  makespan = until;
  busy.assign(ranks.size(), 0);
  bubble.assign(ranks.size(), 0);
  peakActivations.assign(ranks.size(), 0);
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    auto add = [&](double start, double end) {
      makespan = std::max(makespan, end);
      busy[rank] += end - start;
    };
    for (const TimedAction &timed : ranks[rank])
      add(timed.start, timed.end);
    if (rank < ends.size())
      for (const EndWork &work : ends[rank])
        add(work.start, work.end);
    if (rank < collectives.size())
      for (const Collective &collective : collectives[rank])
        makespan = std::max(makespan, collective.end);
    peakActivations[rank] = peakOf(ranks[rank]);
  }
  for (size_t rank = 0; rank < ranks.size(); ++rank)
    bubble[rank] = makespan > 0 ? 1 - busy[rank] / makespan : 0;
  Explainer(*this).run();
}
