//===- Programs.cpp - Rank programs with communication --------------------===//
//
// Data flow says who sends what to whom; both sides post the messages of an
// edge in the order in which the sender produces them. A schedule may also have
// transfers of its own, which are checked against data flow.
//
//===----------------------------------------------------------------------===//

#include "pp/Schedule/Programs.h"

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

/// Where a receiver is in the messages of each directed edge, which it posts in
/// the order in which the sender produces them.
class Edges {
public:
  Edges(const Schedule &schedule, const MessageTable &table,
        const std::vector<Message> &messages)
      : edgeOf(messages.size()), place(messages.size()) {
    for (const std::vector<Action> &row : schedule.ranks)
      for (const Action &action : row)
        if (int32_t message = table.sentBy(action); message != kNone)
          append(message, messages[message]);
    posted.resize(order.size());
  }

  /// What its receiver posts up to a message of an edge, and that message.
  template <typename Post> void advance(int32_t message, Post post) {
    const int32_t edge = edgeOf[message];
    for (size_t &next = posted[edge]; next <= place[message]; ++next)
      post(order[edge][next]);
  }

private:
  void append(int32_t message, const Message &ends) {
    const auto [it, isNew] = numbers.try_emplace(
        {ends.from, ends.to}, static_cast<int32_t>(order.size()));
    if (isNew)
      order.emplace_back();
    edgeOf[message] = it->second;
    place[message] = order[it->second].size();
    order[it->second].push_back(message);
  }

  std::map<std::pair<int32_t, int32_t>, int32_t> numbers;
  std::vector<std::vector<int32_t>> order; ///< messages of each edge
  std::vector<int32_t> edgeOf;             ///< by message
  std::vector<size_t> place;               ///< by message, on its edge
  std::vector<size_t> posted;              ///< how many, of each edge
};

/// Transfers as data flow has them.
void projectTransfers(const Schedule &schedule, const MessageTable &table,
                      Programs &programs) {
  Edges edges(schedule, table, programs.messages);
  for (int32_t rank = 0; rank < schedule.numRanks(); ++rank) {
    std::vector<Instruction> &program = programs.ranks[rank];
    const std::vector<Action> &row = schedule.ranks[rank];
    program.reserve(5 * row.size()); // posts and waits of at most two messages
    for (int32_t i = 0; i < static_cast<int32_t>(row.size()); ++i) {
      if (int32_t message = table.neededBy(row[i]); message != kNone) {
        edges.advance(message, [&](int32_t next) {
          program.push_back({Instruction::Kind::PostReceive, i, next});
        });
        program.push_back({Instruction::Kind::WaitReceive, i, message});
      }
      program.push_back({Instruction::Kind::Compute, i});
      if (int32_t sent = table.sentBy(row[i]); sent != kNone)
        program.push_back({Instruction::Kind::PostSend, i + 1, sent});
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

Programs pp::schedule::makePrograms(const Schedule &schedule,
                                    Problems &problems) {
  Programs programs;
  programs.ranks.resize(schedule.ranks.size());
  const MessageTable table(schedule, programs.messages);
  if (schedule.transfers.empty())
    projectTransfers(schedule, table, programs);
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
