//===- Text.cpp - Schedules as PyTorch's CSV ------------------------------===//
//
// PyTorch writes its schedules with `_PipelineSchedule._dump_csv`: a row a
// rank, an empty cell where the rank idles for a slot. Its dumps after lowering
// also hold transfers (SEND_F, RECV_B, ...), which are read, and actions that
// gather and drop sharded parameters, which are refused with a hint.
//
//===----------------------------------------------------------------------===//

#include "pp/Schedule/Schedule.h"

#include <algorithm>
#include <charconv>
#include <optional>

using namespace pp::schedule;

namespace {
std::string_view trim(std::string_view text) {
  const char *blanks = " \t\r";
  size_t begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos)
    return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

/// Takes a non-negative number off the front of `text`.
bool takeNumber(std::string_view &text, int32_t &number) {
  const char *end = text.data() + text.size();
  if (text.empty() || text.front() < '0' || text.front() > '9')
    return false;
  auto [rest, status] = std::from_chars(text.data(), end, number);
  if (status != std::errc())
    return false;
  text.remove_prefix(static_cast<size_t>(rest - text.data()));
  return true;
}

struct TransferName {
  std::string_view name;
  Transfer::Kind kind;
};
constexpr TransferName transferNames[] = {
    {"SEND_F", Transfer::Kind::SendF},
    {"RECV_F", Transfer::Kind::RecvF},
    {"SEND_B", Transfer::Kind::SendB},
    {"RECV_B", Transfer::Kind::RecvB},
};

/// `2SEND_F0`, or nothing if that is not what it is.
std::optional<Transfer> parseTransfer(std::string_view text) {
  Transfer transfer;
  if (!takeNumber(text, transfer.stage))
    return std::nullopt;
  for (const auto &[name, kind] : transferNames) {
    if (text.substr(0, name.size()) != name)
      continue;
    text.remove_prefix(name.size());
    transfer.kind = kind;
    if (takeNumber(text, transfer.microbatch) && text.empty())
      return transfer;
    return std::nullopt;
  }
  return std::nullopt;
}

bool isSharding(std::string_view text) {
  return text == "UNSHARD" || text == "RESHARD" || text == "REDUCE_GRAD";
}

/// As much as a message can show, also of a file that is no text.
std::string quoted(std::string_view text) {
  constexpr size_t most = 40;
  std::string shown(text.substr(0, most));
  for (char &c : shown)
    if (c < ' ' || c > '~')
      c = '?';
  return "'" + shown + (text.size() > most ? "..." : "") + "'";
}
} // namespace

std::string pp::schedule::toString(const Action &action) {
  return std::to_string(action.stage) + static_cast<char>(action.kind) +
         std::to_string(action.microbatch);
}

Result<Action> pp::schedule::parseAction(std::string_view text) {
  std::string_view rest = trim(text);
  const std::string cell = quoted(rest);
  const char *expected = ", expected stage, kind (F, B, I or W) and "
                         "micro-batch as in '2F0'";
  Action action;
  if (!takeNumber(rest, action.stage) || rest.empty())
    return Error{"found action " + cell + expected};
  if (parseTransfer(trim(text)))
    return Error{"found action " + cell +
                 ", which is no computation: remove "
                 "it, transfers follow from data flow (PyTorch's "
                 "'compute_only' format has none)"};
  if (isSharding(rest))
    return Error{"found action " + cell +
                 ", expected only computations and "
                 "transfers: remove it, parameters are not sharded"};
  switch (rest.front()) {
  case 'F':
  case 'B':
  case 'I':
  case 'W':
    action.kind = static_cast<Kind>(rest.front());
    break;
  default:
    return Error{"found action " + cell + expected};
  }
  rest.remove_prefix(1);
  if (!takeNumber(rest, action.microbatch) || !rest.empty())
    return Error{"found action " + cell + expected};
  return action;
}

std::string pp::schedule::toString(const Transfer &transfer) {
  return std::to_string(transfer.stage) +
         std::string(transferNames[static_cast<size_t>(transfer.kind)].name) +
         std::to_string(transfer.microbatch);
}

std::string pp::schedule::printRow(const std::vector<Action> &row) {
  std::string text;
  for (const Action &action : row) {
    if (!text.empty())
      text += ',';
    text += toString(action);
  }
  return text;
}

/// Reads the cells of a row; transfers only where they have somewhere to go.
static Result<std::vector<Action>>
parseCells(std::string_view text, std::vector<PlacedTransfer> *transfers) {
  std::vector<Action> row;
  for (size_t cell = 1; !text.empty(); ++cell) {
    size_t comma = text.find(',');
    std::string_view content = trim(text.substr(0, comma));
    text.remove_prefix(comma == std::string_view::npos ? text.size()
                                                       : comma + 1);
    if (content.empty())
      continue;
    if (std::optional<Transfer> transfer =
            transfers ? parseTransfer(content) : std::nullopt) {
      transfers->push_back({row.size(), *transfer});
      continue;
    }
    Result<Action> action = parseAction(content);
    if (!action)
      return Error{"cell " + std::to_string(cell) + ": " + action.error()};
    row.push_back(*action);
  }
  return row;
}

Result<std::vector<Action>> pp::schedule::parseRow(std::string_view text) {
  return parseCells(text, nullptr);
}

std::string pp::schedule::printCSV(const Schedule &schedule) {
  std::string text;
  for (size_t rank = 0; rank < schedule.ranks.size(); ++rank) {
    const std::vector<Action> &row = schedule.ranks[rank];
    if (schedule.transfers.empty()) {
      text += printRow(row) + "\n";
      continue;
    }
    std::string line;
    auto next = schedule.transfers[rank].begin();
    const auto end = schedule.transfers[rank].end();
    for (size_t i = 0; i <= row.size(); ++i) {
      for (; next != end && next->before <= i; ++next)
        line += "," + toString(next->transfer);
      if (i < row.size())
        line += "," + toString(row[i]);
    }
    text += (line.empty() ? line : line.substr(1)) + "\n";
  }
  return text;
}

static bool isTooLarge(int32_t stage, int32_t microbatch) {
  return stage >= 1 << 20 || microbatch >= 1 << 20;
}
constexpr const char *kTooLarge =
    "', expected stages and micro-batches below 1048576";

/// Where the stages are, from the rows they are in.
static std::string placeStages(Schedule &schedule) {
  for (int32_t rank = 0; rank < schedule.numRanks(); ++rank) {
    for (const Action &action : schedule.ranks[rank]) {
      // A typing error such as 1000000000F0 must not ask for gigabytes.
      if (isTooLarge(action.stage, action.microbatch))
        return "found action '" + toString(action) + kTooLarge;
      schedule.stages = std::max(schedule.stages, action.stage + 1);
      schedule.microbatches =
          std::max(schedule.microbatches, action.microbatch + 1);
      schedule.placement.resize(schedule.stages, -1);
      int32_t &home = schedule.placement[action.stage];
      if (home != -1 && home != rank)
        return "found stage " + std::to_string(action.stage) + " on rank " +
               std::to_string(home) + " and on rank " + std::to_string(rank) +
               " ('" + toString(action) +
               "'), expected all its actions in one row";
      home = rank;
    }
  }
  for (const auto &row : schedule.transfers)
    for (const PlacedTransfer &placed : row)
      if (isTooLarge(placed.transfer.stage, placed.transfer.microbatch))
        return "found transfer '" + toString(placed.transfer) + kTooLarge;
  if (schedule.stages == 0)
    return "found no action, expected a row of actions for each rank";
  for (int32_t stage = 0; stage < schedule.stages; ++stage)
    if (schedule.placement[stage] == -1)
      return "found stages up to " + std::to_string(schedule.stages - 1) +
             " but no action of stage " + std::to_string(stage) +
             ", expected every stage in some row";
  return {};
}

Result<Schedule> pp::schedule::parseCSV(std::string_view text) {
  Schedule schedule;
  bool hasTransfers = false;
  constexpr std::string_view byteOrderMark = "\xef\xbb\xbf";
  if (text.substr(0, byteOrderMark.size()) == byteOrderMark)
    text.remove_prefix(byteOrderMark.size());
  for (size_t line = 1; !text.empty(); ++line) {
    size_t newline = text.find('\n');
    std::vector<PlacedTransfer> &transfers = schedule.transfers.emplace_back();
    Result<std::vector<Action>> row =
        parseCells(text.substr(0, newline), &transfers);
    text.remove_prefix(newline == std::string_view::npos ? text.size()
                                                         : newline + 1);
    if (!row)
      return Error{"line " + std::to_string(line) + ", " + row.error()};
    schedule.ranks.push_back(std::move(*row));
    hasTransfers |= !transfers.empty();
  }
  // Blank lines at the end are no ranks.
  while (!schedule.ranks.empty() && schedule.ranks.back().empty() &&
         schedule.transfers.back().empty()) {
    schedule.ranks.pop_back();
    schedule.transfers.pop_back();
  }
  if (!hasTransfers)
    schedule.transfers.clear();
  if (std::string error = placeStages(schedule); !error.empty())
    return Error{error};
  // The verifier keeps a table of stages and micro-batches.
  if (size_t(schedule.stages) * schedule.microbatches > size_t(1) << 22)
    return Error{"found " + std::to_string(schedule.stages) + " stages and " +
                 std::to_string(schedule.microbatches) +
                 " micro-batches, expected a product of at most 4194304"};
  return schedule;
}
