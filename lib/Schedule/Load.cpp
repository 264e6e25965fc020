//===- Load.cpp - Schedules by name or from a file ------------------------===//

#include "pp/Schedule/Load.h"
#include "Renumber.h"
#include "pp/Schedule/ReadFile.h"

#include <algorithm>

using namespace pp::schedule;

static bool isName(const std::string &name) {
  return std::find(names().begin(), names().end(), name) != names().end();
}

static Error noSchedule(const std::string &path, const std::string &reason) {
  std::string known;
  for (const std::string &name : names())
    known += (known.empty() ? "" : ", ") + name;
  return Error{"found schedule '" + path + "', which is no name and no file (" +
               reason + "), expected a CSV file or one of " + known};
}

static std::string mismatch(const std::string &path, const char *what,
                            int64_t found, int64_t expected) {
  if (expected == 0 || found == expected)
    return "";
  return "found a schedule of " + std::to_string(found) + " " + what + " in '" +
         path + "', expected " + std::to_string(expected) +
         ": ask for as many as the file has, or write another file";
}

static Result<Schedule> loadFile(const std::string &path,
                                 const Setting &setting) {
  Result<std::string> text = readFile(path);
  if (!text)
    return noSchedule(path, text.error());
  Result<Schedule> schedule = parseCSV(*text);
  if (!schedule)
    return Error{path + ": " + schedule.error()};
  detail::renumber(*schedule);
  std::string error =
      mismatch(path, "ranks", schedule->numRanks(), setting.ranks);
  if (error.empty())
    error = mismatch(path, "micro-batches", schedule->microbatches,
                     setting.microbatches);
  if (error.empty() && setting.virtualStages && schedule->numRanks())
    error = mismatch(path, "stages", schedule->stages,
                     int64_t(setting.virtualStages) * schedule->numRanks());
  if (!error.empty())
    return Error{error};
  return schedule;
}

Result<Schedule> pp::schedule::load(const std::string &name,
                                    const Setting &setting) {
  return isName(name) ? generate(name, setting) : loadFile(name, setting);
}

Result<Schedule> pp::schedule::loadForStages(const std::string &name,
                                             int32_t stages,
                                             const Setting &setting) {
  Setting complete = setting;
  complete.ranks = 0; // a file says how many
  if (isName(name)) {
    int32_t each = hasOneStageARank(name)  ? 1
                   : setting.virtualStages ? setting.virtualStages
                                           : 2;
    if (each > 0 && stages % each != 0)
      return Error{"found " + std::to_string(stages) + " stages and " +
                   std::to_string(each) + " of them a rank with '" + name +
                   "', expected a multiple of that"};
    complete.ranks = each > 0 ? stages / each : 0;
  }
  Result<Schedule> schedule = load(name, complete);
  if (schedule && schedule->stages != stages)
    return Error{"found a schedule for " + std::to_string(schedule->stages) +
                 " stages, expected the " + std::to_string(stages) +
                 " stages of the plan"};
  return schedule;
}
