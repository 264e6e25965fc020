//===- Simulator.cpp - How long a schedule takes --------------------------===//

#include "Execution.h"
#include "pp/Schedule/Verifier.h"

#include <algorithm>
#include <numeric>

using namespace pp::schedule;

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

double Timeline::meanBubble() const {
  if (bubble.empty())
    return 0;
  return std::accumulate(bubble.begin(), bubble.end(), 0.0) /
         static_cast<double>(bubble.size());
}

void Timeline::summarize() {
  makespan = 0;
  busy.assign(ranks.size(), 0);
  bubble.assign(ranks.size(), 0);
  peakActivations.assign(ranks.size(), 0);
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    int32_t held = 0;
    for (const TimedAction &timed : ranks[rank]) {
      makespan = std::max(makespan, timed.end);
      busy[rank] += timed.end - timed.start;
      switch (timed.action.kind) {
      case Kind::Forward:
        peakActivations[rank] = std::max(peakActivations[rank], ++held);
        break;
      case Kind::Backward:
      case Kind::WeightGradient:
        --held;
        break;
      case Kind::InputGradient:
        break; // W still reads the activations
      }
    }
  }
  for (size_t rank = 0; rank < ranks.size(); ++rank)
    bubble[rank] = makespan > 0 ? 1 - busy[rank] / makespan : 0;
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
                   std::max<size_t>(stages, 2) - 1}}) {
    if (error.empty())
      error = count(what, times->size(), edges);
    for (double time : *times)
      if (error.empty() && !(time >= 0))
        error = "found " + std::to_string(time) + " as " + what +
                " time, expected none below 0";
  }
  return error;
}

Result<Timeline> pp::schedule::simulate(const Schedule &schedule,
                                        const Costs &costs) {
  VerifyOptions options;
  options.ascendingGradients = false;
  if (std::vector<std::string> problems = verify(schedule, options);
      !problems.empty())
    return Error{problems.front()};
  if (std::string error = checkCosts(schedule, costs); !error.empty())
    return Error{error};
  Timeline timeline = detail::execute(schedule, costs).timeline;
  timeline.summarize();
  return timeline;
}
