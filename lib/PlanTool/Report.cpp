//===- Report.cpp - Results as text and JSON ------------------------------===//

#include "Report.h"
#include "pp/Schedule/Picture.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>

using namespace pp::plan;
using namespace pp::schedule;
using Json = nlohmann::ordered_json;

/// The reasons for idling that a simulated timeline can have.
static std::vector<IdleReason> reasonsOf(const Timeline &timeline) {
  std::vector<IdleReason> reasons = {IdleReason::WarmUp, IdleReason::Transfer,
                                     IdleReason::Imbalance,
                                     IdleReason::CoolDown};
  if (!timeline.collectives.empty())
    reasons.insert(reasons.end(),
                   {IdleReason::Parameters, IdleReason::Gradients});
  return reasons;
}

std::string pp::plan::fixed(double value, int digits) {
  char text[400];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string pp::plan::brief(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

std::string
pp::plan::printTable(const std::vector<std::vector<std::string>> &rows) {
  std::vector<size_t> widths;
  for (const auto &row : rows) {
    widths.resize(std::max(widths.size(), row.size()), 0);
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto &row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string blanks(widths[i] - row[i].size(), ' ');
      line += i == 0 ? row[i] + blanks : "  " + blanks + row[i];
    }
    text += line + "\n";
  }
  return text;
}

static std::string nameOf(const Schedule &schedule) {
  return schedule.name.empty() ? "file" : schedule.name;
}

std::string pp::plan::printText(const Outcome &outcome, Semantics semantics) {
  const Schedule &schedule = outcome.schedule;
  const Timeline &timeline = outcome.timeline;
  std::string text =
      nameOf(schedule) + ": " + std::to_string(schedule.numRanks()) +
      " ranks, " + std::to_string(schedule.stages) + " stages, " +
      std::to_string(schedule.microbatches) +
      " micro-batches; no deadlock under " + std::string(toString(semantics)) +
      " semantics\n" + "makespan " + brief(timeline.makespan) +
      "\nlower bound " + brief(outcome.lowerBound) + "\nbubble " +
      fixed(timeline.meanBubble(), 4) + "\n\n";

  const std::vector<IdleReason> reasons = reasonsOf(timeline);
  std::vector<std::vector<std::string>> rows = {{"rank", "busy", "bubble"}};
  for (IdleReason reason : reasons)
    rows.front().push_back(toString(reason));
  rows.front().insert(rows.front().end(), {"activations", "bytes"});
  for (int32_t rank = 0; rank < schedule.numRanks(); ++rank) {
    std::vector<std::string> row = {std::to_string(rank),
                                    brief(timeline.busy[rank]),
                                    fixed(timeline.bubble[rank], 4)};
    for (IdleReason reason : reasons)
      row.push_back(brief(timeline.idleTime(rank, reason)));
    row.push_back(std::to_string(outcome.peakActivations[rank]));
    row.push_back(std::to_string(timeline.peakBytes[rank]));
    rows.push_back(row);
  }
  return text + printTable(rows) + "\n" + drawAscii(timeline);
}

std::string pp::plan::printJson(const Outcome &outcome, Semantics semantics) {
  const Schedule &schedule = outcome.schedule;
  const Timeline &timeline = outcome.timeline;
  Json json;
  json["schedule"] = nameOf(schedule);
  json["ranks"] = schedule.numRanks();
  json["stages"] = schedule.stages;
  json["microbatches"] = schedule.microbatches;
  json["semantics"] = toString(semantics);
  if (outcome.deadlock.empty()) {
    json["makespan"] = timeline.makespan;
    json["lower_bound"] = outcome.lowerBound;
    json["bubble"] = timeline.meanBubble();
    json["peak_activations"] = outcome.peakActivations;
    json["peak_bytes"] = timeline.peakBytes;
    json["rank_bubble"] = timeline.bubble;
    for (int32_t rank = 0; rank < schedule.numRanks(); ++rank) {
      Json reasons;
      for (IdleReason reason : reasonsOf(timeline))
        reasons[toString(reason)] = timeline.idleTime(rank, reason);
      json["idle"].push_back(reasons);
    }
    json["deadlock"] = nullptr;
  } else {
    json["makespan"] = nullptr;
    json["bubble"] = nullptr;
    json["peak_activations"] = outcome.peakActivations;
    for (const Wait &wait : outcome.deadlock) {
      Json entry;
      entry["rank"] = wait.rank;
      entry["action"] = wait.action;
      entry["microbatch"] = wait.microbatch;
      entry["waits_for"] = wait.needs;
      entry["of_rank"] = wait.peer;
      if (!wait.behind.empty())
        entry["behind"] = wait.behind;
      json["deadlock"].push_back(entry);
    }
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}
