//===- Text.cpp - Schedules as PyTorch's CSV ------------------------------===//
//
// PyTorch writes its schedules with `_PipelineSchedule._dump_csv`: a row a
// rank, an empty cell where the rank idles for a slot. Its dumps after lowering
// also hold transfers (SEND_F, RECV_B, WAIT_SEND_F, ...), which are read, and
// actions that gather, drop and reduce sharded parameters, which are left out:
// they change nothing where no parameter is sharded.
//
// A row of an action list in the IR (`parseRow`) is stricter: computations
// only.
//
//===----------------------------------------------------------------------===//

#include "pp/Limits.h"
#include "pp/Schedule/Schedule.h"

#include <algorithm>
#include <charconv>
#include <optional>

using namespace pp::schedule;
namespace limits = pp::limits;

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
    {"WAIT_SEND_F", Transfer::Kind::WaitSendF},
    {"WAIT_SEND_B", Transfer::Kind::WaitSendB},
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

/// `2UNSHARD` and the like; PyTorch's own reader allows a micro-batch behind.
bool isSharding(std::string_view text) {
  int32_t number;
  if (!takeNumber(text, number))
    return false;
  while (!text.empty() && text.back() >= '0' && text.back() <= '9')
    text.remove_suffix(1);
  return text == "UNSHARD" || text == "RESHARD" || text == "REDUCE_GRAD" ||
         text == "WAIT_REDUCE_GRAD";
}

/// What stands between the parentheses of `(0F3;3B1)OVERLAP_F_B`.
std::optional<std::string_view> partsOfOverlap(std::string_view text) {
  constexpr std::string_view name = ")OVERLAP_F_B";
  if (text.size() < name.size() + 1 || text.front() != '(' ||
      text.substr(text.size() - name.size()) != name)
    return std::nullopt;
  return text.substr(1, text.size() - name.size() - 1);
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
  if (isSharding(trim(text)))
    return Error{"found action " + cell +
                 ", which is no computation: remove it, parameters are not "
                 "sharded"};
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

namespace {
/// Reads the cells of a row.
class RowReader {
public:
  explicit RowReader(bool onlyActions = false) : onlyActions(onlyActions) {}

  std::vector<Action> actions;
  std::vector<PlacedTransfer> transfers;
  std::vector<std::string> left; ///< cells for sharded parameters
  std::string error;

  void read(std::string_view text) {
    for (size_t cell = 1; !text.empty() && error.empty(); ++cell) {
      std::string content = takeCell(text);
      if (error.empty())
        error = add(trim(content));
      if (!error.empty())
        error = "cell " + std::to_string(cell) + ": " + error;
    }
  }

private:
  /// Takes a cell and the comma behind it off the front of `text`.
  std::string takeCell(std::string_view &text) {
    const size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos || text[begin] != '"')
      return std::string(takeUpToComma(text));
    const std::string whole = quoted(trim(text));
    text.remove_prefix(begin + 1);
    std::string content;
    bool isClosed = false;
    while (!text.empty() && !isClosed) {
      // Within quotes a quote is written twice.
      const size_t length = text.substr(0, 2) == "\"\"" ? 2 : 1;
      isClosed = length == 1 && text.front() == '"';
      if (!isClosed)
        content += text.front();
      text.remove_prefix(length);
    }
    if (!trim(takeUpToComma(text)).empty() || !isClosed)
      error = "found " + whole +
              ", expected a comma or the end of the line behind a cell in "
              "quotes";
    return content;
  }

  static std::string_view takeUpToComma(std::string_view &text) {
    const size_t comma = text.find(',');
    const std::string_view taken = text.substr(0, comma);
    text.remove_prefix(std::min(taken.size() + 1, text.size()));
    return taken;
  }

  /// Says what is wrong with the cell.
  std::string add(std::string_view cell) {
    if (cell.empty())
      return "";
    std::optional<std::string_view> parts = partsOfOverlap(cell);
    if (!parts || onlyActions)
      return addOne(cell);
    for (std::string_view rest = *parts;;) {
      const size_t end = rest.find(';');
      if (std::string wrong = addOne(trim(rest.substr(0, end))); !wrong.empty())
        return wrong + ", in " + quoted(cell);
      if (end == std::string_view::npos)
        return "";
      rest.remove_prefix(end + 1);
    }
  }

  std::string addOne(std::string_view text) {
    if (std::optional<Transfer> transfer = parseTransfer(text);
        transfer && !onlyActions) {
      transfers.push_back({actions.size(), *transfer});
      return "";
    }
    if (isSharding(text) && !onlyActions) {
      left.emplace_back(text);
      return "";
    }
    Result<Action> action = parseAction(text);
    if (action)
      actions.push_back(*action);
    return action.error();
  }

  bool onlyActions;
};
} // namespace

Result<std::vector<Action>> pp::schedule::parseRow(std::string_view text) {
  RowReader row(/*onlyActions=*/true);
  row.read(text);
  if (!row.error.empty())
    return Error{row.error};
  return std::move(row.actions);
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
  return stage >= limits::kStages || microbatch >= limits::kMicrobatches;
}
static std::string tooLarge() {
  return "', expected stages below " + std::to_string(limits::kStages) +
         " and micro-batches below " + std::to_string(limits::kMicrobatches);
}

/// Where the stages are, from the rows they are in.
static std::string placeStages(Schedule &schedule) {
  for (int32_t rank = 0; rank < schedule.numRanks(); ++rank) {
    for (const Action &action : schedule.ranks[rank]) {
      // A typing error such as 1000000000F0 must not ask for gigabytes.
      if (isTooLarge(action.stage, action.microbatch))
        return "found action '" + toString(action) + tooLarge();
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
        return "found transfer '" + toString(placed.transfer) + tooLarge();
  if (schedule.stages == 0)
    return "found no action, expected a row of actions for each rank";
  for (int32_t stage = 0; stage < schedule.stages; ++stage)
    if (schedule.placement[stage] == -1)
      return "found stages up to " + std::to_string(schedule.stages - 1) +
             " but no action of stage " + std::to_string(stage) +
             ", expected every stage in some row";
  return {};
}

/// How `count` cells, the first of which is `first`, are spoken of.
static std::string cellsText(const std::string &first, size_t count) {
  return "'" + first + "'" +
         (count == 1 ? "" : " and " + std::to_string(count - 1) + " more");
}

Result<Schedule> pp::schedule::parseCSV(std::string_view text) {
  Schedule schedule;
  std::vector<std::string> left;
  bool hasTransfers = false;
  constexpr std::string_view byteOrderMark = "\xef\xbb\xbf";
  if (text.substr(0, byteOrderMark.size()) == byteOrderMark)
    text.remove_prefix(byteOrderMark.size());
  for (size_t line = 1; !text.empty(); ++line) {
    const size_t newline = text.find('\n');
    RowReader row;
    row.read(text.substr(0, newline));
    text.remove_prefix(newline == std::string_view::npos ? text.size()
                                                         : newline + 1);
    if (!row.error.empty())
      return Error{"line " + std::to_string(line) + ", " + row.error};
    schedule.ranks.push_back(std::move(row.actions));
    hasTransfers |= !row.transfers.empty();
    schedule.transfers.push_back(std::move(row.transfers));
    left.insert(left.end(), row.left.begin(), row.left.end());
  }
  if (!left.empty())
    schedule.notes.push_back("found " + cellsText(left.front(), left.size()) +
                             " for sharded parameters, which are left out: "
                             "no parameter is sharded");
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
  if (int64_t(schedule.stages) * schedule.microbatches > limits::kActions)
    return Error{"found " + std::to_string(schedule.stages) + " stages and " +
                 std::to_string(schedule.microbatches) +
                 " micro-batches, expected a product of at most " +
                 std::to_string(limits::kActions)};
  return schedule;
}
