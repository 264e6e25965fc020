//===- RowBuilder.cpp - Rows of actions, by micro-batch -------------------===//

#include "RowBuilder.h"

#include "pp/Limits.h"

#include <algorithm>

using namespace pp::schedule;
using namespace pp::schedule::detail;
namespace limits = pp::limits;

/// The stages a rank, checked against what the placement can have.
static Result<int32_t> stagesPerRank(const char *name, const Setting &setting,
                                     Placement placement) {
  const int32_t found = setting.virtualStages;
  const std::string what =
      "found " + std::to_string(found) + " stages a rank for '" + name + "', ";
  switch (placement) {
  case Placement::Single:
    if (found != 0 && found != 1)
      return Error{what + "expected 1; 'interleaved' has several"};
    return 1;
  case Placement::VShape:
    if (found != 0 && found != 2)
      return Error{what + "expected 2; 'interleaved' has any number"};
    return 2;
  case Placement::Looped:
    if (found < 0)
      return Error{what + "expected at least 1"};
    return found == 0 ? 2 : found;
  }
  return 1;
}

Result<Schedule> detail::emptySchedule(const char *name, const Setting &setting,
                                       Placement placement) {
  if (setting.ranks < 1)
    return Error{"found " + std::to_string(setting.ranks) +
                 " ranks, expected at least 1"};
  if (setting.microbatches < 1)
    return Error{"found " + std::to_string(setting.microbatches) +
                 " micro-batches, expected at least 1"};
  if (setting.microbatches > limits::kMicrobatches)
    return Error{"found " + std::to_string(setting.microbatches) +
                 " micro-batches, expected at most " +
                 std::to_string(limits::kMicrobatches)};
  Result<int32_t> perRank = stagesPerRank(name, setting, placement);
  if (!perRank)
    return Error{perRank.error()};
  if (double(setting.ranks) * *perRank * setting.microbatches >
      double(limits::kActions))
    return Error{"found " + std::to_string(setting.ranks) + " ranks with " +
                 std::to_string(*perRank) + " stages each and " +
                 std::to_string(setting.microbatches) +
                 " micro-batches, expected a product of at most " +
                 std::to_string(limits::kActions)};

  Schedule schedule;
  schedule.name = name;
  schedule.stages = setting.ranks * *perRank;
  schedule.microbatches = setting.microbatches;
  for (int32_t stage = 0; stage < schedule.stages; ++stage)
    schedule.placement.push_back(
        placement == Placement::VShape
            ? std::min(stage, schedule.stages - 1 - stage)
            : stage % setting.ranks);
  schedule.ranks.resize(setting.ranks);
  return schedule;
}

void detail::addInTurn(Schedule &schedule, int32_t rank, int32_t ahead,
                       int32_t delay) {
  RowBuilder row(schedule, rank);
  for (int32_t i = 1; i < std::min(ahead, schedule.microbatches); ++i)
    row.forward(rank);
  for (int32_t i = 0; i < schedule.microbatches; ++i) {
    row.forward(rank);
    row.inputGradient(rank);
    if (i >= delay)
      row.weightGradient(rank);
  }
  while (row.numWeightGradients(rank) < schedule.microbatches)
    row.weightGradient(rank);
}
