//===- Simulator.cpp - How long a schedule takes --------------------------===//

#include "Execution.h"
#include "pp/Limits.h"
#include "pp/Schedule/Verifier.h"

#include <algorithm>
#include <cstdio>
#include <tuple>

using namespace pp::schedule;
namespace limits = pp::limits;

Costs Costs::uniform(int32_t stages, double forward, double inputGradient,
                     double weightGradient, double transfer) {
  Costs costs;
  costs.forward.assign(stages, forward);
  costs.inputGradient.assign(stages, inputGradient);
  costs.weightGradient.assign(stages, weightGradient);
  costs.forwardTransfer = {transfer};
  costs.backwardTransfer = {transfer};
  return costs;
}

void Costs::setTransfers(const std::vector<double> &bytes, double latency,
                         double bandwidth) {
  forwardTransfer.clear();
  for (double size : bytes)
    forwardTransfer.push_back(latency + size / bandwidth);
  backwardTransfer = forwardTransfer;
}

bool Costs::hasCollectives() const {
  auto isSome = [](double time) { return time > 0; };
  auto hasSome = [&](const std::vector<double> &times) {
    return std::any_of(times.begin(), times.end(), isSome);
  };
  return hasSome(parameterGather) || hasSome(gradientReduction) ||
         hasSome(gradientGather);
}

double pp::schedule::messageTime(double messages, double bytes, double latency,
                                 double bandwidth) {
  return messages * (latency + bytes / bandwidth);
}

double pp::schedule::ringTime(double bytes, int64_t members, double latency,
                              double bandwidth) {
  return messageTime(static_cast<double>(members - 1),
                     bytes / static_cast<double>(members), latency, bandwidth);
}

static std::string checkTime(const char *what, double time) {
  if (time >= 0 && time <= limits::kTime) // false for NaN
    return "";
  char text[96];
  std::snprintf(text, sizeof text, "found %g as %s time, expected 0 to %g",
                time, what, limits::kTime);
  return text;
}

static std::string checkCosts(const Schedule &schedule, const Costs &costs) {
  const size_t stages = static_cast<size_t>(schedule.stages);
  auto count = [&](const char *what, size_t found, size_t edges) {
    if (found == stages || (edges && (found == 1 || found == edges)))
      return std::string();
    return "found " + std::to_string(found) + " " + what + " times for " +
           std::to_string(stages) + " stages, expected one for each";
  };
  std::string error;
  for (auto [what, times, edges] :
       {std::tuple{"forward", &costs.forward, size_t(0)},
        std::tuple{"input-gradient", &costs.inputGradient, size_t(0)},
        std::tuple{"weight-gradient", &costs.weightGradient, size_t(0)},
        std::tuple{"forward transfer", &costs.forwardTransfer,
                   std::max<size_t>(stages, 2) - 1},
        std::tuple{"backward transfer", &costs.backwardTransfer,
                   std::max<size_t>(stages, 2) - 1},
        std::tuple{"optimizer", &costs.optimizer, size_t(1)},
        std::tuple{"parameter gather", &costs.parameterGather, size_t(1)},
        std::tuple{"gradient reduction", &costs.gradientReduction, size_t(1)},
        std::tuple{"gradient gather", &costs.gradientGather, size_t(1)}}) {
    if (error.empty())
      error = count(what, times->size(), edges);
    for (double time : *times)
      if (error.empty())
        error = checkTime(what, time);
  }
  return error.empty() ? checkTime("reduction", costs.reduction) : error;
}

/// The end of the step, behind all gradients: reduction over all ranks, gathers
/// of gradients, then optimizer.
static void addEnd(const Schedule &schedule, const Costs &costs,
                   Timeline &timeline) {
  double last = 0;
  for (size_t rank = 0; rank < timeline.ranks.size(); ++rank)
    last = std::max(last, detail::lastEnd(timeline, rank));
  const std::vector<double> optimizer =
      detail::optimizerTimes(costs, schedule.placement, schedule.numRanks());
  const bool hasOptimizer =
      *std::max_element(optimizer.begin(), optimizer.end()) > 0;
  timeline.ends.resize(schedule.ranks.size());
  for (size_t rank = 0; rank < schedule.ranks.size(); ++rank) {
    std::vector<EndWork> &end = timeline.ends[rank];
    double start = detail::lastEnd(timeline, rank);
    if (costs.reduction > 0)
      end.push_back({EndWork::Kind::Reduction, last, last + costs.reduction});
    if (costs.meetAtEnd())
      start = last + costs.reduction;
    start = detail::gatherGradients(schedule, costs, rank, start, timeline);
    if (hasOptimizer)
      end.push_back({EndWork::Kind::Optimizer, start, start + optimizer[rank]});
  }
}

Result<Timeline> pp::schedule::simulate(const Schedule &schedule,
                                        const Costs &costs,
                                        const Memory &memory) {
  VerifyOptions options;
  options.ascendingGradients = false;
  if (std::vector<std::string> problems = verify(schedule, options);
      !problems.empty())
    return Error{problems.front()};
  if (std::string error = checkCosts(schedule, costs); !error.empty())
    return Error{error};
  if (std::string error = checkMemory(schedule, memory); !error.empty())
    return Error{error};
  Timeline timeline = detail::execute(schedule, costs).timeline;
  if (costs.hasCollectives())
    detail::reduceGradients(schedule, costs, timeline);
  addEnd(schedule, costs, timeline);
  timeline.summarize();
  for (const Peak &peak : findPeaks(schedule, memory))
    timeline.peakBytes.push_back(peak.bytes);
  return timeline;
}
