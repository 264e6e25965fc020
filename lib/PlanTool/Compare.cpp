//===- Compare.cpp - All schedules that exist for a setting ---------------===//
//
// The same model on the same ranks: what is given as time or bytes of a stage
// is a rank's share of the model, of which a schedule with v stages a rank has
// 1 / v in each.
//
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "Inputs.h"
#include "Report.h"
#include "pp/Schedule/Generators.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <limits>

using namespace pp::plan;
using namespace pp::schedule;
using Json = nlohmann::ordered_json;

namespace {
struct Row {
  std::string name;
  bool splitBackward;
  int32_t stagesPerRank = 1;
  Timeline timeline;
  std::string verdict; ///< empty where it is legal
};
} // namespace

/// The times of stages where a rank's share is cut into v; a profile has layers
/// to cut.
static Costs costsOf(int32_t v, const Options &options) {
  if (options.profile)
    return costsFor(options.ranks * v, options);
  Costs result = options.costs;
  for (std::vector<double> *times :
       {&result.forward, &result.inputGradient, &result.weightGradient,
        &result.optimizer, &result.parameterGather, &result.gradientReduction})
    for (double &time : *times)
      time /= v;
  return costsFor(options.ranks * v, result);
}

/// Bytes are whole; so a rank's v stages count v times as many, and the cap as
/// well.
static std::vector<int64_t> scaleCap(const Options &options, int32_t v) {
  std::vector<int64_t> caps = options.memoryCap;
  for (int64_t &cap : caps)
    cap = std::min(cap, std::numeric_limits<int64_t>::max() / v) * v;
  return caps;
}

static void checkScalars(const Options &options) {
  auto check = [](const char *option, size_t found) {
    if (found != 1)
      throw Failure{"found " + std::to_string(found) + " values in '" + option +
                        "', expected one for every rank's share of the model; "
                        "'pp-plan simulate' takes one for each stage",
                    2};
  };
  check("--forward", options.costs.forward.size());
  check("--backward-input", options.costs.inputGradient.size());
  check("--backward-weight", options.costs.weightGradient.size());
  check("--transfer", options.costs.forwardTransfer.size());
  check("--optimizer", options.costs.optimizer.size());
  check("--parameter-gather", options.costs.parameterGather.size());
  check("--gradient-reduction", options.costs.gradientReduction.size());
  check("--activation-bytes", options.memory.activation.size());
  check("--fixed-bytes", options.memory.fixed.size());
  if (!options.memoryCap.empty())
    check("--memory-cap", options.memoryCap.size());
}

static Row judge(const Schedule &schedule, bool splitBackward,
                 const Options &options) {
  Row row;
  row.name = schedule.name;
  row.splitBackward = splitBackward;
  row.stagesPerRank = schedule.stages / options.ranks;
  VerifyOptions verify;
  verify.memoryCap = scaleCap(options, row.stagesPerRank);
  verify.memory = options.memory;
  verify.semantics = options.semantics;
  const Verdict verdict = check(schedule, verify);
  if (!verdict.deadlock.empty())
    row.verdict = "deadlock";
  else if (!verdict.problems.empty())
    row.verdict = "over the cap";
  Result<Timeline> timeline = pp::schedule::simulate(
      schedule, costsOf(row.stagesPerRank, options), options.memory);
  if (!timeline)
    throw Failure{timeline.error()};
  row.timeline = std::move(*timeline);
  // Every action of every row would be gigabytes for the largest schedules.
  row.timeline.ranks.clear();
  row.timeline.ranks.shrink_to_fit();
  row.timeline.idle.clear();
  row.timeline.idle.shrink_to_fit();
  row.timeline.collectives.clear();
  return row;
}

/// A profile has only so many layers to cut.
static bool hasStages(int32_t stages, const Options &options) {
  return !options.profile ||
         static_cast<size_t>(stages) <= options.profile->layers.size();
}

static void addNamed(const std::string &name, const Options &options,
                     std::vector<Row> &rows) {
  // --virtual is for those that have a choice.
  Setting setting{options.ranks, options.microbatches, false,
                  options.virtualStages};
  Result<Schedule> full = generate(name, setting);
  if (!full && options.virtualStages) {
    setting.virtualStages = 0;
    full = generate(name, setting);
  }
  if (!full || !hasStages(full->stages, options))
    return;
  rows.push_back(judge(*full, false, options));
  setting.splitBackward = true;
  Result<Schedule> split = generate(name, setting);
  if (split->ranks != full->ranks) // There are halves to take apart.
    rows.push_back(judge(*split, true, options));
}

/// Whether the effort lasts for more than the named schedules, which a search
/// starts with.
static bool hasEffort(int32_t v, const Options &options) {
  const double actions =
      3.0 * options.ranks * v * static_cast<double>(options.microbatches);
  return actions * static_cast<double>(names().size()) <
         static_cast<double>(options.search.effort);
}

static void addSearched(int32_t v, const Options &options,
                        std::vector<Row> &rows) {
  if (!hasStages(options.ranks * v, options) || !hasEffort(v, options) ||
      !generate("interleaved", {options.ranks, options.microbatches, true, v}))
    return; // Too large.
  SearchProblem problem;
  problem.ranks = options.ranks;
  problem.microbatches = options.microbatches;
  problem.costs = costsOf(v, options);
  problem.memory = options.memory;
  problem.memoryCap = scaleCap(options, v);
  if (Result<Schedule> schedule = search(problem, options.search))
    rows.push_back(judge(*schedule, false, options));
}

static double peakOf(const Row &row) {
  return double(*std::max_element(row.timeline.peakBytes.begin(),
                                  row.timeline.peakBytes.end())) /
         row.stagesPerRank;
}

static int32_t peakActivationsOf(const Row &row) {
  return *std::max_element(row.timeline.peakActivations.begin(),
                           row.timeline.peakActivations.end());
}

static std::string printRowsAsText(const std::vector<Row> &rows,
                                   bool isSearched) {
  std::vector<std::vector<std::string>> table = {
      {"schedule", "stages/rank", "makespan", "bubble", "activations", "bytes",
       "legal"}};
  for (const Row &row : rows)
    table.push_back(
        {row.name + (row.splitBackward ? ", split backward" : ""),
         std::to_string(row.stagesPerRank), brief(row.timeline.makespan),
         fixed(row.timeline.meanBubble(), 4),
         brief(double(peakActivationsOf(row)) / row.stagesPerRank),
         brief(peakOf(row)), row.verdict.empty() ? "yes" : row.verdict});
  return printTable(table) +
         "\ntimes and bytes are of a rank's share of the model, cut into "
         "stages/rank stages;\nactivations is the most that a rank holds, in "
         "micro-batches of its share\n" +
         (isSearched
              ? ""
              : "no search: schedules of this size need more --effort\n");
}

static std::string printRowsAsJson(const std::vector<Row> &rows) {
  Json json = Json::array();
  for (const Row &row : rows) {
    Json entry;
    entry["schedule"] = row.name;
    entry["split_backward"] = row.splitBackward;
    entry["stages_per_rank"] = row.stagesPerRank;
    entry["makespan"] = row.timeline.makespan;
    entry["bubble"] = row.timeline.meanBubble();
    entry["peak_activations"] = row.timeline.peakActivations;
    entry["peak_bytes"] = peakOf(row);
    entry["legal"] = row.verdict.empty();
    if (!row.verdict.empty())
      entry["why"] = row.verdict;
    json.push_back(entry);
  }
  return json.dump(2) + "\n";
}

void pp::plan::compare(const Options &options) {
  for (auto [option, count] :
       {std::pair{"--ranks", options.ranks},
        std::pair{"--microbatches", options.microbatches}})
    if (!count)
      throw Failure{"found no '" + std::string(option) +
                        "', expected it: pp-plan compare --ranks=8 "
                        "--microbatches=24",
                    2};
  checkScalars(options);
  std::vector<Row> rows;
  for (const std::string &name : names())
    addNamed(name, options, rows);
  if (rows.empty() && !hasStages(options.ranks, options))
    costsFor(options.ranks, options); // says so
  if (rows.empty()) // Too large for all of them: let one say so.
    throw Failure{
        generate("1f1b", {options.ranks, options.microbatches}).error()};
  addSearched(1, options, rows);
  const int32_t v = options.virtualStages ? options.virtualStages : 2;
  if (v > 1)
    addSearched(v, options, rows);
  std::fputs((options.json ? printRowsAsJson(rows)
                           : printRowsAsText(rows, hasEffort(v, options)))
                 .c_str(),
             stdout);
}
