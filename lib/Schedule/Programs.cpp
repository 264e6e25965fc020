//===- Programs.cpp - Rank programs with communication --------------------===//
//
// Where both directions of a pair of ranks share a stream, both sides post the
// messages of the pair in the order in which they are produced when all ranks
// run as soon as they can. It always ends: take the actions in that order. All
// messages before the one that an action waits for were produced by then, each
// sender has posted them, and receives never wait for anything to be posted.
//
//===----------------------------------------------------------------------===//

#include "pp/Schedule/Programs.h"
#include "Execution.h"

#include <algorithm>
#include <array>
#include <map>

using namespace pp::schedule;
using Problems = std::vector<std::string>;

namespace {
constexpr int32_t kNone = -1;

/// Numbers the messages of a schedule by what they carry.
class MessageTable {
public:
  MessageTable(const Schedule &schedule, std::vector<Message> &messages)
      : schedule(schedule),
        number(2 * size_t(schedule.stages) * schedule.microbatches, kNone) {
    for (int32_t stage = 0; stage + 1 < schedule.stages; ++stage) {
      const int32_t here = schedule.placement[stage];
      const int32_t there = schedule.placement[stage + 1];
      if (here == there)
        continue;
      for (int32_t mb = 0; mb < schedule.microbatches; ++mb) {
        at(stage, false, mb) = static_cast<int32_t>(messages.size());
        messages.push_back({{stage, Transfer::Kind::SendF, mb},
                            {stage + 1, Transfer::Kind::RecvF, mb},
                            here,
                            there});
        at(stage + 1, true, mb) = static_cast<int32_t>(messages.size());
        messages.push_back({{stage + 1, Transfer::Kind::SendB, mb},
                            {stage, Transfer::Kind::RecvB, mb},
                            there,
                            here});
      }
    }
  }

  /// Sent by an action, or needed by one; kNone where nothing is.
  int32_t sentBy(const Action &action) const {
    if (action.kind == Kind::WeightGradient)
      return kNone;
    return find(action.stage, action.kind != Kind::Forward, action.microbatch);
  }
  int32_t neededBy(const Action &action) const {
    if (action.kind == Kind::WeightGradient)
      return kNone;
    const bool isGradient = action.kind != Kind::Forward;
    return find(action.stage + (isGradient ? 1 : -1), isGradient,
                action.microbatch);
  }
  int32_t of(const Transfer &transfer) const {
    switch (transfer.kind) {
    case Transfer::Kind::SendF:
    case Transfer::Kind::WaitSendF:
      return find(transfer.stage, false, transfer.microbatch);
    case Transfer::Kind::RecvF:
      return find(transfer.stage - 1, false, transfer.microbatch);
    case Transfer::Kind::SendB:
    case Transfer::Kind::WaitSendB:
      return find(transfer.stage, true, transfer.microbatch);
    case Transfer::Kind::RecvB:
      return find(transfer.stage + 1, true, transfer.microbatch);
    }
    return kNone;
  }

private:
  int32_t &at(int32_t stage, bool isGradient, int32_t microbatch) {
    return number[(size_t(stage) * 2 + isGradient) * schedule.microbatches +
                  microbatch];
  }
  int32_t find(int32_t stage, bool isGradient, int32_t microbatch) const {
    if (stage < 0 || stage >= schedule.stages || microbatch < 0 ||
        microbatch >= schedule.microbatches)
      return kNone;
    return const_cast<MessageTable *>(this)->at(stage, isGradient, microbatch);
  }

  const Schedule &schedule;
  std::vector<int32_t> number; ///< by sending stage, direction, micro-batch
};

/// The messages of each stream in the order in which both sides post them. A
/// stream is a directed edge, or a pair of ranks where both directions share
/// one.
class Streams {
public:
  Streams(const Schedule &schedule, const MessageTable &table,
          const std::vector<Message> &messages, bool isShared)
      : messages(messages), isShared(isShared), streamOf(messages.size()),
        place(messages.size()) {
    auto add = [&](const Action &action) {
      if (int32_t message = table.sentBy(action); message != kNone)
        append(message);
    };
    if (isShared) {
      for (const Position &next : executionOrder(schedule))
        add(schedule.ranks[next.rank][next.action]);
    } else {
      for (const std::vector<Action> &row : schedule.ranks)
        for (const Action &action : row)
          add(action);
    }
    posted.resize(order.size());
  }

  /// What a rank posts before one of its messages, and that message: sends of
  /// its own that come before have been posted where they are produced.
  template <typename Post>
  void advance(int32_t message, int32_t rank, Post post) {
    const int32_t stream = streamOf[message];
    const Message &both = messages[message];
    size_t &next = posted[stream][rank == std::min(both.from, both.to)];
    for (; next <= place[message]; ++next)
      if (int32_t other = order[stream][next];
          other == message || messages[other].to == rank)
        post(other);
  }

private:
  void append(int32_t message) {
    const auto &[send, receive, from, to] = messages[message];
    const auto [it, isNew] = numbers.try_emplace(
        isShared ? Pair(std::minmax(from, to)) : Pair(from, to),
        static_cast<int32_t>(order.size()));
    if (isNew)
      order.emplace_back();
    streamOf[message] = it->second;
    place[message] = order[it->second].size();
    order[it->second].push_back(message);
  }

  const std::vector<Message> &messages;
  const bool isShared;
  using Pair = std::pair<int32_t, int32_t>;
  std::map<Pair, int32_t> numbers;
  std::vector<std::vector<int32_t>> order;
  std::vector<int32_t> streamOf;             ///< by message
  std::vector<size_t> place;                 ///< by message
  std::vector<std::array<size_t, 2>> posted; ///< how many, of each side
};

/// Transfers as data flow has them.
void projectTransfers(const Schedule &schedule, const MessageTable &table,
                      bool isShared, Programs &programs) {
  Streams streams(schedule, table, programs.messages, isShared);
  for (int32_t rank = 0; rank < schedule.numRanks(); ++rank) {
    std::vector<Instruction> &program = programs.ranks[rank];
    const std::vector<Action> &row = schedule.ranks[rank];
    program.reserve(5 * row.size()); // posts and waits of at most two messages
    for (int32_t i = 0; i < static_cast<int32_t>(row.size()); ++i) {
      auto postReceive = [&](int32_t message) {
        program.push_back({Instruction::Kind::PostReceive, i, message});
      };
      if (int32_t message = table.neededBy(row[i]); message != kNone) {
        streams.advance(message, rank, postReceive);
        program.push_back({Instruction::Kind::WaitReceive, i, message});
      }
      program.push_back({Instruction::Kind::Compute, i});
      if (int32_t sent = table.sentBy(row[i]); sent != kNone) {
        auto post = [&](int32_t message) {
          program.push_back({message == sent ? Instruction::Kind::PostSend
                                             : Instruction::Kind::PostReceive,
                             i + 1, message});
        };
        if (isShared)
          streams.advance(sent, rank, post);
        else
          post(sent);
      }
    }
  }
}

/// Transfers where the schedule has them, checked against data flow.
class TransferPlacer {
public:
  TransferPlacer(const Schedule &schedule, const MessageTable &table,
                 Programs &programs, Problems &problems)
      : schedule(schedule), table(table), programs(programs),
        problems(problems), sends(programs.messages.size(), false),
        waits(programs.messages.size(), false),
        receives(programs.messages.size(), false),
        produced(programs.messages.size(), false),
        used(programs.messages.size(), false) {}

  void run() {
    for (int32_t rank = 0; rank < schedule.numRanks(); ++rank) {
      const std::vector<Action> &row = schedule.ranks[rank];
      auto next = schedule.transfers[rank].begin();
      const auto end = schedule.transfers[rank].end();
      for (int32_t i = 0; i <= static_cast<int32_t>(row.size()); ++i) {
        for (; next != end && next->before <= static_cast<size_t>(i); ++next)
          place(rank, i, next->transfer);
        if (i < static_cast<int32_t>(row.size()))
          compute(rank, i, row[i]);
      }
    }
    for (size_t message = 0; message < programs.messages.size(); ++message) {
      const Message &both = programs.messages[message];
      if (!sends[message])
        missing(both.send, both.from);
      if (!receives[message])
        missing(both.receive, both.to);
    }
  }

private:
  void compute(int32_t rank, int32_t i, const Action &action) {
    std::vector<Instruction> &program = programs.ranks[rank];
    if (int32_t message = table.neededBy(action); message != kNone) {
      used[message] = true;
      program.push_back({Instruction::Kind::WaitReceive, i, message});
    }
    program.push_back({Instruction::Kind::Compute, i});
    if (int32_t message = table.sentBy(action); message != kNone)
      produced[message] = true;
  }

  void place(int32_t rank, int32_t i, const Transfer &transfer) {
    const std::string where =
        "found '" + toString(transfer) + "' on rank " + std::to_string(rank);
    const int32_t message = table.of(transfer);
    if (message == kNone) {
      problems.push_back(where + ", expected a transfer between neighbouring "
                                 "stages on two ranks: remove it");
      return;
    }
    const Message &both = programs.messages[message];
    const bool isSend = transfer.isSend(), isWait = transfer.isWait();
    if (const int32_t home = isSend || isWait ? both.from : both.to;
        home != rank) {
      problems.push_back(where + ", expected it on rank " +
                         std::to_string(home) + ", where stage " +
                         std::to_string(transfer.stage) + " is placed");
      return;
    }
    std::vector<bool> &seen = isSend ? sends : isWait ? waits : receives;
    if (seen[message]) {
      problems.push_back(where + " a second time, expected every transfer "
                                 "once");
      return;
    }
    seen[message] = true;
    if (isSend && !produced[message])
      problems.push_back(where + " before the action that produces its value, "
                                 "expected it behind");
    if (isWait) {
      if (!sends[message])
        problems.push_back(where + " before '" + toString(both.send) +
                           "', expected it behind");
      programs.ranks[rank].push_back({Instruction::Kind::WaitSend, i, message});
      return;
    }
    if (!isSend && used[message])
      problems.push_back(where + " after the action that needs its value, "
                                 "expected it before");
    programs.ranks[rank].push_back(
        {isSend ? Instruction::Kind::PostSend : Instruction::Kind::PostReceive,
         i, message});
  }

  void missing(const Transfer &transfer, int32_t rank) {
    problems.push_back("missing '" + toString(transfer) + "' on rank " +
                       std::to_string(rank));
  }

  const Schedule &schedule;
  const MessageTable &table;
  Programs &programs;
  Problems &problems;
  std::vector<bool> sends, waits, receives, produced, used; ///< by message
};
} // namespace

std::vector<Position> pp::schedule::executionOrder(const Schedule &schedule) {
  const detail::Execution execution =
      detail::execute(schedule, Costs::uniform(schedule.stages, 1, 1, 1));
  std::vector<Position> order;
  for (int32_t rank = 0; rank < schedule.numRanks(); ++rank)
    for (size_t i = 0; i < execution.timeline.ranks[rank].size(); ++i)
      order.push_back({rank, static_cast<int32_t>(i)});
  auto key = [&](const Position &position) {
    return std::tuple(
        execution.timeline.ranks[position.rank][position.action].end,
        position.rank, position.action);
  };
  std::sort(
      order.begin(), order.end(),
      [&](const Position &a, const Position &b) { return key(a) < key(b); });
  return order;
}

Programs pp::schedule::makePrograms(const Schedule &schedule,
                                    Semantics semantics, Problems &problems) {
  Programs programs;
  programs.ranks.resize(schedule.ranks.size());
  const MessageTable table(schedule, programs.messages);
  if (schedule.transfers.empty())
    projectTransfers(schedule, table, semantics == Semantics::FifoShared,
                     programs);
  else
    TransferPlacer(schedule, table, programs, problems).run();
  std::vector<bool> waited(programs.messages.size(), false);
  for (size_t rank = 0; rank < programs.ranks.size(); ++rank) {
    std::vector<Instruction> &program = programs.ranks[rank];
    const int32_t end = static_cast<int32_t>(schedule.ranks[rank].size());
    for (const Instruction &instruction : program)
      if (instruction.kind == Instruction::Kind::WaitSend)
        waited[instruction.message] = true;
    for (size_t i = 0, size = program.size(); i < size; ++i)
      if (program[i].kind == Instruction::Kind::PostSend &&
          !waited[program[i].message])
        program.push_back(
            {Instruction::Kind::WaitSend, end, program[i].message});
  }
  return programs;
}
