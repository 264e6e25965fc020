//===- ProfileCosts.cpp - Stages of a measured model ----------------------===//
//
// The cut is that of pp-partition. A profile knows what each layer returns, not
// who reads it: a cut is taken to send what the layer before it returns.
//
//===----------------------------------------------------------------------===//

#include "ProfileCosts.h"
#include "pp/Partitioning/Partitioning.h"

#include <algorithm>

using namespace pp::plan;
using namespace pp::schedule;

Costs pp::plan::profileCosts(int32_t stages, const Options &options) {
  const pp::profile::Profile &profile = *options.profile;
  const size_t applies = profile.layers.size();
  if (static_cast<size_t>(stages) > applies)
    throw Failure{"found " + std::to_string(applies) + " layers in '" +
                  profile.path + "' for " + std::to_string(stages) +
                  " stages, expected at least one a stage: take fewer ranks or "
                  "stages a rank"};
  pp::partitioning::Problem problem;
  problem.stages = stages;
  for (size_t i = 0; i < applies; ++i)
    problem.items.push_back(
        {profile.secondsOf(i, 'F') + profile.secondsOf(i, 'B') +
             profile.secondsOf(i, 'R'),
         i ? static_cast<double>(profile.layers[i - 1].outputBytes) : 0, -1});
  const std::vector<size_t> ends = pp::partitioning::cut(problem);

  Costs costs = options.costs;
  for (std::vector<double> *times : {&costs.forward, &costs.inputGradient,
                                     &costs.weightGradient, &costs.optimizer})
    times->assign(stages, 0);
  if (options.replicas > 1)
    costs.parameterGather.assign(stages, 0);
  std::vector<double> cutBytes;
  size_t next = 0;
  for (size_t stage = 0; stage < ends.size(); ++stage) {
    for (; next != ends[stage]; ++next) {
      // A backward that was measured as a whole counts as input gradient, and
      // the forward again belongs to the half that needs it first.
      const double weight = profile.secondsOf(next, 'W');
      costs.forward[stage] += profile.secondsOf(next, 'F');
      costs.inputGradient[stage] +=
          std::max(profile.secondsOf(next, 'B') - weight, 0.0) +
          profile.secondsOf(next, 'R');
      costs.weightGradient[stage] += weight;
      const auto parameters =
          static_cast<double>(profile.layers[next].parameterBytes);
      // Each replica updates its piece.
      costs.optimizer[stage] +=
          parameters * profile.updatePerByte / options.replicas;
      if (options.replicas > 1 && parameters > 0)
        costs.parameterGather[stage] += ringTime(
            parameters, options.replicas, profile.latency, profile.bandwidth);
    }
    cutBytes.push_back(
        static_cast<double>(profile.layers[next - 1].outputBytes));
  }
  // The first stage hands no gradient on: its W is the whole backward.
  costs.weightGradient.front() += costs.inputGradient.front();
  costs.inputGradient.front() = 0;
  costs.reduction = profile.exchange;
  if (options.replicas > 1)
    costs.gradientReduction = costs.parameterGather;
  if (profile.hasTransfers && !options.hasTransfer) {
    if (cutBytes.size() > 1)
      cutBytes.pop_back(); // the loss goes nowhere
    costs.setTransfers(cutBytes, profile.latency, profile.bandwidth);
  }
  return costs;
}
