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

/// The time of a stage where a rank's share is cut into v.
static Costs divide(const Costs &costs, int32_t v) {
  Costs result = costs;
  for (std::vector<double> *times : {&result.forward, &result.inputGradient,
                                     &result.weightGradient, &result.optimizer})
    for (double &time : *times)
      time /= v;
  return result;
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
  check("--activation-bytes", options.memory.activation.size());
  check("--fixed-bytes", options.memory.fixed.size());
}

/// Nothing where the schedule does not exist for the setting.
static std::optional<Row> judge(const std::string &name, bool splitBackward,
                                const Options &options) {
  // --virtual is for those that have a choice.
  Setting setting{options.ranks, options.microbatches, splitBackward,
                  options.virtualStages};
  Result<Schedule> schedule = generate(name, setting);
  if (!schedule && options.virtualStages) {
    setting.virtualStages = 0;
    schedule = generate(name, setting);
  }
  if (!schedule)
    return std::nullopt;
  // Nothing to split where the halves are apart anyway.
  if (splitBackward) {
    setting.splitBackward = false;
    if (generate(name, setting)->ranks == schedule->ranks)
      return std::nullopt;
  }

  Row row;
  row.name = name;
  row.splitBackward = splitBackward;
  row.stagesPerRank = schedule->stages / options.ranks;
  const Costs costs =
      costsFor(schedule->stages, divide(options.costs, row.stagesPerRank));
  VerifyOptions verify;
  verify.memoryCap = options.memoryCap;
  verify.memory = options.memory;
  // Bytes are whole; so count v times as many and compare with v times the cap.
  for (int64_t &cap : verify.memoryCap)
    cap *= row.stagesPerRank;
  verify.semantics = options.semantics;
  const Verdict verdict = check(*schedule, verify);
  if (!verdict.deadlock.empty())
    row.verdict = "deadlock";
  else if (!verdict.problems.empty())
    row.verdict = "over the cap";
  Result<Timeline> timeline =
      pp::schedule::simulate(*schedule, costs, options.memory);
  if (!timeline)
    throw Failure{timeline.error()};
  row.timeline = std::move(*timeline);
  return row;
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

static std::string printRowsAsText(const std::vector<Row> &rows) {
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
         "micro-batches of its share\n";
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
    for (bool splitBackward : {false, true})
      if (std::optional<Row> row = judge(name, splitBackward, options))
        rows.push_back(std::move(*row));
  if (rows.empty()) // Too large for all of them: let one say so.
    throw Failure{
        generate("1f1b", {options.ranks, options.microbatches}).error()};
  std::fputs(
      (options.json ? printRowsAsJson(rows) : printRowsAsText(rows)).c_str(),
      stdout);
}
