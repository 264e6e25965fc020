//===- MutationTest.cpp - The verifier against exhaustive exploration -----===//
//
// Ten thousand damaged schedules. What the verifier says is compared with an
// exploration of all interleavings of the rank programs, which knows nothing of
// the verifier's reasons: it posts, transfers, computes, and looks at what has
// been computed from what. Transfers end at any time after they can.
//
//===----------------------------------------------------------------------===//

#include "Support.h"
#include "pp/Schedule/Verifier.h"

#include <gtest/gtest.h>
#include <map>
#include <random>
#include <set>
#include <unordered_set>

using namespace pp::schedule;

namespace {
/// A cell of a row: an action or a transfer.
struct Cell {
  bool isTransfer = false;
  Action action;
  Transfer transfer;
};
using Rows = std::vector<std::vector<Cell>>;

/// All interleavings of small programs. A state is how far each rank is and
/// which transfers are done.
class Explorer {
public:
  Explorer(const Schedule &schedule, const Rows &rows, Semantics semantics)
      : schedule(schedule), rows(rows), semantics(semantics) {
    for (size_t rank = 0; rank < rows.size(); ++rank)
      for (size_t i = 0; i < rows[rank].size(); ++i)
        if (rows[rank][i].isTransfer)
          sides.push_back({rank, i, rows[rank][i].transfer});
  }

  /// Whether every interleaving ends with all work done once, from its data.
  bool isGood() {
    if (sides.size() > 46 || rows.size() > 3)
      ADD_FAILURE() << "too large to explore";
    return visit({std::vector<size_t>(rows.size(), 0),
                  std::vector<bool>(sides.size(), false)});
  }
  size_t numStates() const { return seen.size(); }

private:
  struct Side {
    size_t rank, place;
    Transfer transfer;
    size_t peer(const Schedule &schedule) const {
      int32_t stage = transfer.stage + (isForward() == isSend() ? 1 : -1);
      if (stage < 0 || stage >= schedule.stages)
        return size_t(-1);
      return static_cast<size_t>(schedule.placement[stage]);
    }
    bool isSend() const {
      return transfer.kind == Transfer::Kind::SendF ||
             transfer.kind == Transfer::Kind::SendB;
    }
    bool isForward() const {
      return transfer.kind == Transfer::Kind::SendF ||
             transfer.kind == Transfer::Kind::RecvF;
    }
    /// The stage, direction and micro-batch of the value.
    Action value() const {
      return {transfer.stage - (isSend()      ? 0
                                : isForward() ? 1
                                              : -1),
              isForward() ? Kind::Forward : Kind::InputGradient,
              transfer.microbatch};
    }
  };
  struct State {
    std::vector<size_t> next;
    std::vector<bool> done;
  };

  uint64_t encode(const State &state) const {
    uint64_t code = 0;
    for (size_t next : state.next)
      code = code << 6 | next;
    for (bool done : state.done)
      code = code << 1 | done;
    return code;
  }
  bool isPosted(const State &state, size_t side) const {
    return sides[side].place < state.next[sides[side].rank];
  }
  /// The first transfer of the stream of `side` that is posted and not done.
  bool isHead(const State &state, size_t side) const {
    for (size_t other = 0; other < side; ++other)
      if (sides[other].rank == sides[side].rank && !state.done[other] &&
          sides[other].peer(schedule) == sides[side].peer(schedule) &&
          sides[other].isSend() == sides[side].isSend())
        return false; // transfers are numbered in program order
    return true;
  }

  /// Tries every step; a state without one is the end of an interleaving.
  bool visit(const State &state) {
    if (!seen.insert(encode(state)).second)
      return true; // judged on the other way here
    bool moved = false;
    for (size_t send = 0; send < sides.size(); ++send) {
      if (!sides[send].isSend() || !isPosted(state, send))
        continue;
      if (semantics == Semantics::Buffered && !state.done[send]) {
        State after = state;
        after.done[send] = true;
        moved = true;
        if (!visit(after))
          return false;
      }
      for (size_t receive = 0; receive < sides.size(); ++receive) {
        if (!canMeet(state, send, receive))
          continue;
        if (!(sides[send].value() == sides[receive].value()))
          return false; // a FIFO delivers another value
        State after = state;
        after.done[send] = after.done[receive] = true;
        moved = true;
        if (!visit(after))
          return false;
      }
    }
    for (size_t rank = 0; rank < rows.size(); ++rank) {
      if (state.next[rank] == rows[rank].size() || !canRun(state, rank))
        continue;
      State after = state;
      ++after.next[rank];
      moved = true;
      if (!visit(after))
        return false;
    }
    return moved || isComplete(state);
  }

  bool canMeet(const State &state, size_t send, size_t receive) const {
    const Side &from = sides[send], &to = sides[receive];
    if (to.isSend() || !isPosted(state, receive) || state.done[receive] ||
        from.rank == to.rank || from.peer(schedule) != to.rank ||
        to.peer(schedule) != from.rank)
      return false;
    if (semantics == Semantics::Buffered || semantics == Semantics::Rendezvous)
      return from.value() == to.value() &&
             (semantics == Semantics::Buffered || !state.done[send]);
    return !state.done[send] && isHead(state, send) && isHead(state, receive);
  }

  /// Whether the value has been computed on the rank.
  bool has(const State &state, size_t rank, const Action &value) const {
    for (size_t i = 0; i < state.next[rank]; ++i) {
      const Cell &cell = rows[rank][i];
      if (cell.isTransfer || cell.action.stage != value.stage ||
          cell.action.microbatch != value.microbatch)
        continue;
      if (cell.action.kind == value.kind ||
          (cell.action.kind == Kind::Backward && value.kind != Kind::Forward))
        return true;
    }
    return false;
  }
  bool hasOrReceived(const State &state, size_t rank,
                     const Action &value) const {
    if (has(state, rank, value))
      return true;
    for (size_t side = 0; side < sides.size(); ++side)
      if (!sides[side].isSend() && sides[side].rank == rank &&
          state.done[side] && sides[side].value() == value)
        return true;
    return false;
  }

  /// A computation waits for its data, a send needs it.
  bool canRun(const State &state, size_t rank) const {
    const Cell &cell = rows[rank][state.next[rank]];
    if (cell.isTransfer)
      return cell.transfer.kind == Transfer::Kind::RecvF ||
             cell.transfer.kind == Transfer::Kind::RecvB ||
             has(state, rank,
                 {cell.transfer.stage,
                  cell.transfer.kind == Transfer::Kind::SendF
                      ? Kind::Forward
                      : Kind::InputGradient,
                  cell.transfer.microbatch});
    const Action &a = cell.action;
    if (schedule.placement[a.stage] != static_cast<int32_t>(rank))
      return false; // its weights are elsewhere
    switch (a.kind) {
    case Kind::Forward:
      return a.stage == 0 ||
             hasOrReceived(state, rank,
                           {a.stage - 1, Kind::Forward, a.microbatch});
    case Kind::WeightGradient:
      return has(state, rank, {a.stage, Kind::InputGradient, a.microbatch});
    default:
      return has(state, rank, {a.stage, Kind::Forward, a.microbatch}) &&
             (a.stage + 1 == schedule.stages ||
              hasOrReceived(state, rank,
                            {a.stage + 1, Kind::InputGradient, a.microbatch}));
    }
  }

  /// All ended, every work and message once, gradients in order.
  bool isComplete(const State &state) const {
    std::multiset<Action> work;
    std::map<int32_t, int32_t> lastGradient;
    for (size_t rank = 0; rank < rows.size(); ++rank) {
      if (state.next[rank] != rows[rank].size())
        return false;
      for (const Cell &cell : rows[rank]) {
        if (cell.isTransfer)
          continue;
        const Action &a = cell.action;
        if (a.kind == Kind::Forward || a.kind == Kind::InputGradient)
          work.insert(a);
        if (a.kind == Kind::Backward)
          work.insert({a.stage, Kind::InputGradient, a.microbatch});
        if (a.kind == Kind::Backward || a.kind == Kind::WeightGradient) {
          work.insert({a.stage, Kind::WeightGradient, a.microbatch});
          auto [last, isNew] = lastGradient.try_emplace(a.stage, -1);
          if (a.microbatch < last->second)
            return false;
          last->second = a.microbatch;
        }
      }
    }
    for (int32_t stage = 0; stage < schedule.stages; ++stage)
      for (int32_t mb = 0; mb < schedule.microbatches; ++mb)
        for (Kind kind :
             {Kind::Forward, Kind::InputGradient, Kind::WeightGradient})
          if (work.count({stage, kind, mb}) != 1)
            return false;
    std::set<std::pair<Action, bool>> values;
    for (size_t side = 0; side < sides.size(); ++side) {
      if (!state.done[side])
        return false;
      if (!values.insert({sides[side].value(), sides[side].isSend()}).second)
        return false;
    }
    for (const auto &[value, isSend] : values)
      if (!values.count({value, !isSend}))
        return false; // buffered, and never received
    return true;
  }

  const Schedule &schedule;
  const Rows &rows;
  Semantics semantics;
  std::vector<Side> sides; ///< in program order within a rank
  std::unordered_set<uint64_t> seen;
};

/// The rows with the transfers that data flow asks for.
Rows rowsOf(const Schedule &schedule) {
  std::vector<std::string> problems;
  const Programs programs = makePrograms(schedule, problems);
  Rows rows(schedule.ranks.size());
  for (size_t rank = 0; rank < rows.size(); ++rank)
    for (const Instruction &instruction : programs.ranks[rank]) {
      Cell cell;
      if (instruction.kind == Instruction::Kind::Compute) {
        cell.action = schedule.ranks[rank][instruction.action];
      } else if (instruction.kind == Instruction::Kind::PostSend ||
                 instruction.kind == Instruction::Kind::PostReceive) {
        const Message &message = programs.messages[instruction.message];
        cell.isTransfer = true;
        cell.transfer = instruction.kind == Instruction::Kind::PostSend
                            ? message.send
                            : message.receive;
      } else {
        continue;
      }
      rows[rank].push_back(cell);
    }
  return rows;
}

void setRows(Schedule &schedule, const Rows &rows) {
  schedule.transfers.assign(rows.size(), {});
  for (size_t rank = 0; rank < rows.size(); ++rank) {
    schedule.ranks[rank].clear();
    for (const Cell &cell : rows[rank])
      if (cell.isTransfer)
        schedule.transfers[rank].push_back(
            {schedule.ranks[rank].size(), cell.transfer});
      else
        schedule.ranks[rank].push_back(cell.action);
  }
}

void mutate(Rows &rows, std::mt19937 &random) {
  auto &row = rows[random() % rows.size()];
  if (row.empty())
    return;
  const size_t at = random() % row.size(), to = random() % row.size();
  const Cell cell = row[at];
  auto place = [&](size_t i) { return row.begin() + static_cast<long>(i); };
  switch (random() % 8) {
  case 0: // drop
    row.erase(place(at));
    break;
  case 1: // duplicate
    row.insert(place(to), cell);
    break;
  case 2: // to another rank
    row.erase(place(at));
    rows[random() % rows.size()].push_back(cell);
    break;
  case 3:
  case 4: // swap
    std::swap(row[at], row[to]);
    break;
  case 5: // swap neighbours
    std::swap(row[at], row[(at + 1) % row.size()]);
    break;
  default: { // move a transfer, here at the one found next
    size_t i = at;
    while (i < row.size() && !row[i].isTransfer)
      ++i;
    if (i == row.size())
      break;
    const Cell moved = row[i];
    row.erase(place(i));
    row.insert(place(random() % (row.size() + 1)), moved);
  }
  }
}
} // namespace

TEST(Verifier, AgreesWithExplorationOnMutations) {
  std::mt19937 random(11);
  std::map<std::pair<Semantics, bool>, int> verdicts;
  for (int round = 0; round < 10000; ++round) {
    constexpr std::pair<int, int> sizes[] = {{1, 2}, {2, 2}, {2, 3}, {3, 2}};
    const auto [p, m] = sizes[random() % 4];
    Result<Schedule> schedule =
        generate(existingName(random(), p, m), {p, m, random() % 2 == 0});
    ASSERT_TRUE(schedule);
    VerifyOptions options;
    options.semantics = static_cast<Semantics>(random() % 3);
    Rows rows = rowsOf(*schedule);
    for (size_t count = random() % 3; count-- > 0;)
      mutate(rows, random);
    setRows(*schedule, rows);

    const std::vector<std::string> problems = verify(*schedule, options);
    Explorer explorer(*schedule, rows, *options.semantics);
    const bool isGood = explorer.isGood();
    ASSERT_EQ(problems.empty(), isGood)
        << toString(*options.semantics) << ", " << explorer.numStates()
        << " states\n"
        << printCSV(*schedule) << (problems.empty() ? "" : problems.front());
    ++verdicts[{*options.semantics, isGood}];
  }
  for (int semantics = 0; semantics < 3; ++semantics)
    for (bool isGood : {false, true})
      EXPECT_GT((verdicts[{static_cast<Semantics>(semantics), isGood}]), 200)
          << "both verdicts are tested";
}
