#include "Prediction.h"

#include <algorithm>
#include <cstdio>

using namespace pprt;
using namespace pp::schedule;
using ScheduleAction = pp::schedule::Action;
using ScheduleCollective = pp::schedule::Collective;

static std::optional<Kind> computeKind(ActionKind kind) {
  switch (kind) {
  case ActionKind::Forward:
    return Kind::Forward;
  case ActionKind::Backward:
    return Kind::Backward;
  case ActionKind::BackwardInput:
    return Kind::InputGradient;
  case ActionKind::BackwardWeight:
    return Kind::WeightGradient;
  default:
    return std::nullopt;
  }
}

Schedule pprt::scheduleOf(const Description &description) {
  Schedule schedule;
  schedule.name = description.schedule;
  schedule.stages = description.stages;
  schedule.microbatches = description.microbatches;
  schedule.placement.assign(description.placement.begin(),
                            description.placement.end());
  for (const Program &program : description.programs) {
    std::vector<ScheduleAction> row;
    for (const pprt::Action &action : program.actions) {
      std::optional<Kind> kind = computeKind(action.kind);
      if (!kind)
        continue;
      // An I that computes nothing takes no time, and is what W waits for.
      if (*kind == Kind::WeightGradient &&
          description.hasEmptyInputGradient[size_t(action.stage)])
        row.push_back({action.stage, Kind::InputGradient, action.microbatch});
      row.push_back({action.stage, *kind, action.microbatch});
    }
    schedule.ranks.push_back(std::move(row));
  }
  return schedule;
}

RankSteps pprt::firstPipeline(const Description &description,
                              const RankSteps &ranks) {
  RankSteps result;
  for (int pipe = 0; pipe < int(description.programs.size()); ++pipe)
    result.push_back(ranks[size_t(description.mesh.rankWith(0, "pipe", pipe))]);
  return result;
}

const StepEvents *pprt::findStep(const std::vector<StepEvents> &steps,
                                 int64_t step) {
  for (const StepEvents &candidate : steps)
    if (candidate.step == step)
      return &candidate;
  return nullptr;
}

std::pair<uint64_t, uint64_t> pprt::stepSpan(const RankSteps &ranks,
                                             int64_t step) {
  uint64_t begin = UINT64_MAX, end = 0;
  for (const std::vector<StepEvents> &rank : ranks)
    if (const StepEvents *events = findStep(rank, step)) {
      begin = std::min(begin, events->begin);
      end = std::max(end, events->end);
    }
  return {std::min(begin, end), end};
}

namespace {
/// Times of a step in ms since its first rank began.
struct StepClock {
  StepClock(const RankSteps &ranks, int64_t step)
      : begin(stepSpan(ranks, step).first), end(stepSpan(ranks, step).second) {}
  double operator()(uint64_t time) const {
    return double(time - std::min(time, begin)) * 1e-6;
  }
  uint64_t begin, end;
};
} // namespace

/// When the last rank came to the all-reduce of the report.
static uint64_t lastArrival(const RankSteps &ranks, int64_t step) {
  uint64_t last = 0;
  for (const std::vector<StepEvents> &rank : ranks)
    if (const StepEvents *events = findStep(rank, step))
      for (const Event &event : events->events)
        if (event.kind == Event::Report)
          last = std::max(last, event.begin);
  return last;
}

static bool isCollective(const Program &program, const Event &event) {
  return event.action >= 0 &&
         program.actions[size_t(event.action)].kind == ActionKind::Collective;
}

/// A collective from the wait for it, when it was posted not being known yet.
/// Parameters are gathered before each stage's first forward, and so before the
/// rank's first backward.
static ScheduleCollective collectiveOf(const Program &program,
                                       const Event &wait,
                                       const std::vector<TimedAction> &row,
                                       const StepClock &clock) {
  ScheduleCollective collective;
  collective.label = program.actions[size_t(wait.action)].name;
  collective.start = collective.waitStart = clock(wait.begin);
  collective.end = collective.waitEnd = clock(wait.end);
  for (const TimedAction &timed : row)
    if (timed.action.kind != Kind::Forward)
      collective.kind = ScheduleCollective::Kind::Reduction;
  return collective;
}

/// The rows of one rank.
static void addRank(const Program &program,
                    const std::vector<bool> &hasEmptyInputGradient,
                    const StepEvents &events, const StepClock &clock,
                    uint64_t report, std::vector<TimedAction> &row,
                    std::vector<EndWork> &ends,
                    std::vector<ScheduleCollective> &collectives) {
  double ready = 0;
  bool joins = false; // the last work was the optimizer's, too
  for (const Event &event : events.events) {
    double begin = clock(event.begin), end = clock(event.end);
    if (event.kind == Event::Transfer) {
      // Noted behind the wait for it.
      if (isCollective(program, event) && !collectives.empty()) {
        collectives.back().start = begin;
        collectives.back().end = end;
      }
      continue;
    }
    if (event.kind == Event::Report) {
      ends.push_back({EndWork::Kind::Reduction,
                      std::clamp(clock(report), begin, end), end});
      joins = false;
      continue;
    }
    if (event.kind == Event::Wait) {
      if (isCollective(program, event))
        collectives.push_back(collectiveOf(program, event, row, clock));
      ready = end;
      joins = false;
      continue;
    }
    const pprt::Action &action = program.actions[size_t(event.action)];
    if (std::optional<Kind> kind = computeKind(action.kind)) {
      if (*kind == Kind::WeightGradient &&
          hasEmptyInputGradient[size_t(action.stage)])
        row.push_back({{action.stage, Kind::InputGradient, action.microbatch},
                       begin,
                       begin,
                       ready});
      row.push_back(
          {{action.stage, *kind, action.microbatch}, begin, end, ready});
      ready = end;
      // What came before was not the end of the step.
      ends.clear();
      joins = false;
    } else if (action.kind == ActionKind::Reduce ||
               action.kind == ActionKind::Update) {
      if (joins)
        ends.back().end = end;
      else
        ends.push_back({EndWork::Kind::Optimizer, begin, end});
      joins = true;
    }
  }
}

Timeline pprt::measuredTimeline(const Description &description,
                                const RankSteps &ranks, int64_t step) {
  const StepClock clock(ranks, step);
  const uint64_t report = lastArrival(ranks, step);
  Timeline timeline;
  timeline.ranks.resize(ranks.size());
  timeline.ends.resize(ranks.size());
  timeline.collectives.resize(ranks.size());
  for (size_t rank = 0; rank < ranks.size(); ++rank)
    if (const StepEvents *events = findStep(ranks[rank], step))
      addRank(description.programs[rank], description.hasEmptyInputGradient,
              *events, clock, report, timeline.ranks[rank], timeline.ends[rank],
              timeline.collectives[rank]);
  timeline.summarize(clock(clock.end));
  return timeline;
}

namespace {
struct Mean {
  double sum = 0;
  int count = 0;
  void add(double value) {
    sum += value;
    ++count;
  }
  double operator()() const { return count ? sum / count : 0; }
};
} // namespace

Costs pprt::ownCosts(const Schedule &schedule, const Timeline &measured) {
  const size_t stages = size_t(schedule.stages);
  std::vector<Mean> forward(stages), whole(stages), input(stages),
      weight(stages);
  for (const std::vector<TimedAction> &row : measured.ranks)
    for (const TimedAction &timed : row) {
      std::vector<Mean> &means = timed.action.kind == Kind::Forward    ? forward
                                 : timed.action.kind == Kind::Backward ? whole
                                 : timed.action.kind == Kind::InputGradient
                                     ? input
                                     : weight;
      means[size_t(timed.action.stage)].add(timed.end - timed.start);
    }
  Costs costs;
  costs.optimizer.assign(stages, 0);
  for (size_t stage = 0; stage < stages; ++stage) {
    costs.forward.push_back(forward[stage]());
    costs.inputGradient.push_back(input[stage]());
    // A stage of which only whole backwards ran: their time may stand in either
    // half.
    costs.weightGradient.push_back(weight[stage].count ? weight[stage]()
                                                       : whole[stage]());
  }
  Mean reduction;
  for (size_t rank = 0; rank < measured.ends.size(); ++rank) {
    auto first = std::find(schedule.placement.begin(), schedule.placement.end(),
                           int32_t(rank));
    for (const EndWork &work : measured.ends[rank]) {
      if (work.kind == EndWork::Kind::Reduction)
        reduction.add(work.end - work.start);
      else if (first != schedule.placement.end())
        costs.optimizer[size_t(first - schedule.placement.begin())] +=
            work.end - work.start;
    }
  }
  costs.reduction = reduction();
  return costs;
}

/// The times of stages in ms; `scale` is for computations alone.
static Costs costsOf(const StageTimes &times, double scale) {
  auto ms = [](const std::vector<double> &seconds, double factor) {
    std::vector<double> result;
    for (double value : seconds)
      result.push_back(1e3 * factor * value);
    return result;
  };
  Costs costs;
  costs.forward = ms(times.forward, scale);
  costs.inputGradient = ms(times.inputGradient, scale);
  costs.weightGradient = ms(times.weightGradient, scale);
  costs.forwardTransfer = costs.backwardTransfer = ms(times.transfer, 1);
  costs.parameterGather = ms(times.parameterGather, 1);
  costs.gradientReduction = ms(times.gradientReduction, 1);
  costs.gradientGather = ms(times.gradientGather, 1);
  return costs;
}

/// The time of all computations in ms.
static double computeTime(const Timeline &timeline) {
  double time = 0;
  for (const std::vector<TimedAction> &row : timeline.ranks)
    for (const TimedAction &timed : row)
      time += timed.end - timed.start;
  return time;
}

static std::string text(const char *pattern, double a, double b = 0) {
  char buffer[256];
  std::snprintf(buffer, sizeof buffer, pattern, a, b);
  return buffer;
}

/// Whether replicas or layers exchange anything.
static bool hasCollectives(const StageTimes &times) {
  auto isSome = [](const std::vector<double> &seconds) {
    return std::any_of(seconds.begin(), seconds.end(),
                       [](double time) { return time > 0; });
  };
  return costsOf(times, 1).hasCollectives() ||
         isSome(times.forwardCollectives) || isSome(times.inputCollectives) ||
         isSome(times.weightCollectives);
}

/// Of the measured step: how long ranks of the pipeline are in collectives of
/// layers, which is a part of their actions; empty where none was noted.
static std::string noteCollectives(const RankSteps &ranks, int64_t step) {
  double count = 0, ms = 0;
  for (const std::vector<StepEvents> &rank : ranks)
    if (const StepEvents *events = findStep(rank, step))
      for (const TimedCollective &timed : events->collectives) {
        ++count;
        ms += double(timed.end - timed.begin) * 1e-6;
      }
  const double each = double(ranks.size());
  return count == 0 ? ""
                    : text("; of it %.4g ms in %.4g collectives of layers, "
                           "means over the ranks shown",
                           ms / each, count / each);
}

// Measured, predicted from its own times or, if these were emulated, from
// those, and planned. Only the first where the ranks do not follow a schedule;
// the reason is in its notes.
std::vector<Panel>
pprt::timelinePanels(const Description &description, const RankSteps &ranks,
                     int64_t step, const std::optional<StageTimes> &emulated) {
  const Timeline measured = measuredTimeline(description, ranks, step);
  const double makespan = measured.makespan;
  std::vector<Panel> panels = {
      {emulated ? "measured, emulated compute" : "measured",
       measured,
       text("makespan %.4g ms", makespan) + noteCollectives(ranks, step),
       {}}};

  const Schedule schedule = scheduleOf(description);
  Costs own = ownCosts(schedule, measured);
  // What a rank sees of a collective is how long other replicas let it wait.
  const std::optional<StageTimes> &planned = description.times;
  if (planned) {
    const Costs costs = costsOf(*planned, 1);
    own.parameterGather = costs.parameterGather;
    own.gradientReduction = costs.gradientReduction;
    own.gradientGather = costs.gradientGather;
  }
  // Adds a panel; false and a note if the schedule cannot be simulated.
  auto predict = [&](const char *title, Costs costs, std::string notes) {
    // An emulated step should end with its last action.
    if (!emulated) {
      costs.reduction = own.reduction;
      costs.optimizer = own.optimizer;
    }
    Result<Timeline> timeline = simulate(schedule, costs);
    if (!timeline) {
      panels.front().notes += "; no prediction: " + timeline.error();
      return false;
    }
    panels.push_back({title, std::move(*timeline), {}, {}});
    const double predicted = panels.back().timeline.makespan;
    panels.back().notes =
        predicted > 0 ? text("makespan %.4g ms, measured / predicted %.3f; ",
                             predicted, makespan / predicted) +
                            notes
                      : "nothing to compute";
    return true;
  };
  if (emulated) {
    predict("predicted from the emulated times", costsOf(*emulated, 1),
            std::string("free transfers and updates") +
                (hasCollectives(*emulated) ? ", planned collectives" : "") +
                ": what is more is the runtime's");
    return panels;
  }
  if (!predict("predicted from this step's times", own,
               std::string("mean time of each stage and kind, free transfers") +
                   (own.hasCollectives() ? ", planned collectives" : "") +
                   ": what is more is the runtime's or jitter"))
    return panels;
  if (!planned)
    return panels;
  Result<Timeline> plan = simulate(schedule, costsOf(*planned, 1));
  if (!plan || computeTime(*plan) <= 0)
    return panels;
  const double scale = computeTime(measured) / computeTime(*plan);
  predict("planned by the compiler", costsOf(*planned, scale),
          text("its cost model's times x %.3g, for the compute that was "
               "measured; planned transfers",
               scale) +
              (own.hasCollectives() ? " and collectives" : ""));
  return panels;
}
