//===- Inputs.cpp - Schedules and costs for the options -------------------===//

#include "Inputs.h"
#include "pp/Schedule/Generators.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

using namespace pp::plan;
using namespace pp::schedule;

/// The text of a file; `error` where it cannot be read.
static std::string readFile(const std::string &path, int &error) {
  std::string text;
  errno = 0;
  std::FILE *file = std::fopen(path.c_str(), "rb");
  if (!file) {
    error = errno;
    return text;
  }
  char buffer[1 << 16];
  while (size_t count = std::fread(buffer, 1, sizeof buffer, file))
    text.append(buffer, count);
  error = std::ferror(file) ? errno : 0;
  std::fclose(file);
  return text;
}

static void checkCount(const char *option, int32_t asked, int32_t found) {
  if (asked && asked != found)
    throw Failure{"found '" + std::string(option) + "=" +
                  std::to_string(asked) + "' and a file with " +
                  std::to_string(found) +
                  ", expected the same: leave the option out"};
}

static Schedule readSchedule(const Options &options) {
  int error = 0;
  const std::string text = readFile(options.schedule, error);
  if (error) {
    std::string known;
    for (const std::string &name : names())
      known += (known.empty() ? "" : ", ") + name;
    throw Failure{"found '--schedule=" + options.schedule +
                  "' and no such file (" + std::strerror(error) +
                  "), expected a CSV file, search or one of " + known};
  }
  Result<Schedule> schedule = parseCSV(text);
  if (!schedule)
    throw Failure{options.schedule + ": " + schedule.error()};
  checkCount("--ranks", options.ranks, schedule->numRanks());
  checkCount("--microbatches", options.microbatches, schedule->microbatches);
  if (options.virtualStages)
    for (int32_t rank = 0; rank < schedule->numRanks(); ++rank)
      checkCount(
          "--virtual", options.virtualStages,
          static_cast<int32_t>(std::count(schedule->placement.begin(),
                                          schedule->placement.end(), rank)));
  return std::move(*schedule);
}

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
                : static_cast<int32_t>(std::min<int64_t>(asked, 1 << 22)),
      options.costs);
  problem.memory = options.memory;
  problem.memoryCap = options.memoryCap;
  return search(problem, options.search);
}

Schedule pp::plan::makeSchedule(const Options &options) {
  const bool isSearch = options.schedule == "search";
  if (!isSearch && std::find(names().begin(), names().end(),
                             options.schedule) == names().end())
    return readSchedule(options);
  for (auto [option, count] :
       {std::pair{"--ranks", options.ranks},
        std::pair{"--microbatches", options.microbatches}})
    if (!count)
      throw Failure{"found no '" + std::string(option) +
                        "', expected it with '--schedule=" + options.schedule +
                        "'",
                    2};
  Result<Schedule> schedule =
      isSearch ? searchSchedule(options)
               : generate(options.schedule,
                          {options.ranks, options.microbatches,
                           options.splitBackward, options.virtualStages});
  if (!schedule)
    throw Failure{schedule.error()};
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
