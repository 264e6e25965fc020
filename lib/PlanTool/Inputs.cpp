//===- Inputs.cpp - Schedules and costs for the options -------------------===//

#include "Inputs.h"
#include "ProfileCosts.h"
#include "pp/Limits.h"
#include "pp/Schedule/Load.h"

#include <algorithm>
#include <cstdio>

using namespace pp::plan;
using namespace pp::schedule;

/// One time for each stage tells how many there are; else one stage a rank, or
/// as many as are asked for.
static Result<Schedule> searchSchedule(const Options &options) {
  SearchProblem problem;
  problem.ranks = options.ranks;
  problem.microbatches = options.microbatches;
  const size_t given = std::max({options.costs.forward.size(),
                                 options.costs.inputGradient.size(),
                                 options.costs.weightGradient.size()});
  const int64_t asked =
      int64_t(options.ranks) * std::max(options.virtualStages, 1);
  problem.costs = costsFor(
      given > 1 ? static_cast<int32_t>(given)
                : static_cast<int32_t>(std::min(asked, pp::limits::kActions)),
      options);
  problem.memory = options.memory;
  problem.memoryCap = options.memoryCap;
  return search(problem, options.search);
}

Schedule pp::plan::makeSchedule(const Options &options) {
  const bool isSearch = options.schedule == "search";
  const bool isNamed = isSearch || std::find(names().begin(), names().end(),
                                             options.schedule) != names().end();
  for (auto [option, count] :
       {std::pair{"--ranks", options.ranks},
        std::pair{"--microbatches", options.microbatches}})
    if (isNamed && !count)
      throw Failure{"found no '" + std::string(option) +
                        "', expected it with '--schedule=" + options.schedule +
                        "'",
                    2};
  Result<Schedule> schedule =
      isSearch ? searchSchedule(options)
               : load(options.schedule,
                      {options.ranks, options.microbatches,
                       options.splitBackward, options.virtualStages});
  if (!schedule)
    throw Failure{schedule.error()};
  for (const std::string &note : schedule->notes)
    std::fprintf(stderr, "pp-plan: note: %s: %s\n", options.schedule.c_str(),
                 note.c_str());
  return std::move(*schedule);
}

Costs pp::plan::costsFor(int32_t stages, const Costs &costs) {
  Costs result = costs;
  for (auto [option, times] :
       {std::pair{"--forward", &result.forward},
        std::pair{"--backward-input", &result.inputGradient},
        std::pair{"--backward-weight", &result.weightGradient}}) {
    if (times->size() == 1)
      times->resize(stages, times->front());
    if (times->size() != static_cast<size_t>(stages))
      throw Failure{"found " + std::to_string(times->size()) + " times in '" +
                    option + "' for " + std::to_string(stages) +
                    " stages, expected one for each or one for all"};
  }
  return result;
}

Costs pp::plan::costsFor(int32_t stages, const Options &options) {
  return options.profile ? profileCosts(stages, options)
                         : costsFor(stages, options.costs);
}
