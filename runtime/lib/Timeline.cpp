//===- Timeline.cpp - A measured step above its prediction ----------------===//
//
// The schedule library draws; what only a run has, messages in flight, is added
// to the measured panel here. Collectives are the timeline's.
//
//===----------------------------------------------------------------------===//
#include "Reports.h"

#include "pp/Schedule/Picture.h"

#include <algorithm>

using namespace pprt;
using namespace pp::schedule;

int64_t pprt::medianStep(const RankSteps &ranks) {
  std::vector<std::pair<uint64_t, int64_t>> durations;
  for (const StepEvents &step : ranks.front()) {
    uint64_t begin = step.begin, end = step.end;
    bool everywhere = true;
    for (auto &steps : ranks) {
      const StepEvents *other = findStep(steps, step.step);
      everywhere &= other != nullptr;
      if (other) {
        begin = std::min(begin, other->begin);
        end = std::max(end, other->end);
      }
    }
    if (everywhere)
      durations.push_back({end - begin, step.step});
  }
  if (durations.empty())
    return -1;
  std::sort(durations.begin(), durations.end());
  return durations[durations.size() / 2].second;
}

/// `send, micro-batch 3, rank 1, h2`.
static std::string labelOf(const pprt::Action &action) {
  std::string label = action.kind == ActionKind::Send ? "send" : "receive";
  if (action.stage >= 0)
    label += ", stage " + std::to_string(action.stage);
  if (action.microbatch >= 0)
    label += ", micro-batch " + std::to_string(action.microbatch);
  if (action.peer >= 0)
    label += ", rank " + std::to_string(action.peer);
  if (!action.name.empty())
    label += ", " + action.name;
  return label;
}

/// The messages of a rank's step, in ms since the step's begin.
static std::vector<Flight> flightsOf(const Program &program,
                                     const StepEvents &step, uint64_t begin) {
  auto ms = [&](uint64_t time) {
    return double(time - std::min(time, begin)) * 1e-6;
  };
  std::vector<Flight> flights;
  for (const Event &event : step.events)
    if (event.kind == Event::Transfer && event.action >= 0) {
      const pprt::Action &action = program.actions[size_t(event.action)];
      if (action.kind == ActionKind::Collective)
        continue;
      flights.push_back({labelOf(action), action.kind == ActionKind::Receive,
                         ms(event.begin), ms(event.end)});
    }
  return flights;
}

std::string pprt::timelineSvg(const Description &description,
                              const RankSteps &ranks, int64_t step,
                              std::vector<Panel> panels) {
  const uint64_t begin = stepSpan(ranks, step).first;
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    const StepEvents *events = findStep(ranks[rank], step);
    panels.front().flights.push_back(
        events ? flightsOf(description.programs[rank], *events, begin)
               : std::vector<Flight>());
  }
  SvgOptions options;
  options.unit = "ms";
  options.heading =
      description.name + ": step " + std::to_string(step) + ", " +
      description.schedule + ", " +
      (description.replicas() == 1
           ? ""
           : "the first of " + std::to_string(description.replicas()) +
                 " replicas, ") +
      std::to_string(ranks.size()) +
      (ranks.size() == 1 ? " rank, " : " ranks, ") +
      std::to_string(description.stages) + " stages, " +
      std::to_string(description.microbatches) + " micro-batches";
  return drawSvg(panels, options);
}
