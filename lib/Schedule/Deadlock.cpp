//===- Deadlock.cpp - Do all rank programs end? ---------------------------===//
//
// The programs run once, each until it waits for a transfer that is not done.
// Both sides of a transfer are known from the start, and nothing that has been
// posted is ever taken back, so the order in which ranks are taken does not
// matter. Where the run stops, every rank waits for one that waits as well:
// following them leads into the cycle.
//
//===----------------------------------------------------------------------===//

#include "pp/Schedule/Programs.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

using namespace pp::schedule;
using Problems = std::vector<std::string>;

namespace {
struct SemanticsName {
  std::string_view name;
  Semantics semantics;
};
constexpr SemanticsName semanticsNames[] = {
    {"buffered", Semantics::Buffered},
    {"rendezvous", Semantics::Rendezvous},
    {"fifo-per-edge", Semantics::FifoPerEdge},
    {"fifo-shared", Semantics::FifoShared},
};
constexpr size_t kNone = size_t(-1);

class Run {
public:
  Run(const Schedule &schedule, const Programs &programs, Semantics semantics)
      : schedule(schedule), programs(programs), semantics(semantics),
        next(programs.ranks.size(), 0), sides(2 * programs.messages.size()) {
    for (size_t side = 0; side < sides.size(); ++side)
      sides[side].stream = findStream(side);
  }

  bool isFifo() const {
    return semantics == Semantics::FifoPerEdge ||
           semantics == Semantics::FifoShared;
  }
  void checkOrder(Problems &problems) const;
  void run();
  std::vector<Wait> findCycle() const;

private:
  /// One side of a message: twice its number, and one more at the receiver.
  struct Side {
    size_t stream;
    bool posted = false, done = false;
  };
  /// Sides posted on a stream of a rank, and how many of them are done.
  struct Stream {
    std::vector<size_t> posted;
    size_t done = 0;
    size_t head() const { return done == posted.size() ? kNone : posted[done]; }
  };

  const Message &messageOf(size_t side) const {
    return programs.messages[side / 2];
  }
  bool isReceive(size_t side) const { return side % 2; }
  int32_t rankOf(size_t side) const {
    return isReceive(side) ? messageOf(side).to : messageOf(side).from;
  }
  std::string nameOf(size_t side) const {
    return toString(isReceive(side) ? messageOf(side).receive
                                    : messageOf(side).send);
  }
  static size_t sideOf(const Instruction &instruction) {
    return 2 * size_t(instruction.message) +
           (instruction.kind == Instruction::Kind::PostReceive ||
            instruction.kind == Instruction::Kind::WaitReceive);
  }

  size_t findStream(size_t side);
  void complete(size_t side);
  void post(size_t side);
  void advance(size_t rank);
  Wait describe(int32_t rank) const;

  const Schedule &schedule;
  const Programs &programs;
  Semantics semantics;
  std::vector<size_t> next; ///< instruction of each rank
  std::vector<int32_t> runnable;
  std::vector<Side> sides;
  std::vector<Stream> streams;
  std::map<std::tuple<int32_t, int32_t, bool>, size_t> streamNumbers;
};

size_t Run::findStream(size_t side) {
  const int32_t rank = rankOf(side);
  const int32_t peer = rankOf(side ^ 1);
  // Both directions are one stream for the pair, and two for edges.
  const bool own = semantics == Semantics::FifoPerEdge && isReceive(side);
  auto [it, isNew] =
      streamNumbers.try_emplace({rank, peer, own}, streams.size());
  if (isNew)
    streams.emplace_back();
  return it->second;
}

/// The n-th send of an edge meets its n-th receive: they must be one message.
void Run::checkOrder(Problems &problems) const {
  std::map<std::pair<int32_t, int32_t>, std::array<std::vector<size_t>, 2>>
      edges;
  for (const auto &program : programs.ranks)
    for (const Instruction &instruction : program)
      if (instruction.kind == Instruction::Kind::PostSend ||
          instruction.kind == Instruction::Kind::PostReceive) {
        const size_t side = sideOf(instruction);
        const Message &message = messageOf(side);
        edges[{message.from, message.to}][isReceive(side)].push_back(side);
      }
  for (const auto &[edge, posted] : edges) {
    const auto &[sends, receives] = posted;
    for (size_t i = 0; i < sends.size(); ++i) {
      if (receives[i] == sends[i] + 1)
        continue;
      problems.push_back(
          "found '" + nameOf(receives[i]) + "' as message " +
          std::to_string(i) + " from rank " + std::to_string(edge.first) +
          " to rank " + std::to_string(edge.second) + ", expected '" +
          nameOf(sends[i] + 1) + "', whose '" + nameOf(sends[i]) +
          "' is posted there: post both sides in one order");
      break;
    }
  }
}

/// Both sides of a message are done; the ranks that wait for it go on.
void Run::complete(size_t side) {
  for (size_t both : {side, side ^ 1}) {
    sides[both].done = true;
    runnable.push_back(rankOf(both));
  }
}

void Run::post(size_t side) {
  sides[side].posted = true;
  if (isFifo()) {
    Stream &stream = streams[sides[side].stream];
    stream.posted.push_back(side);
    // Transfers end at the head of both sides.
    for (size_t head; (head = stream.head()) != kNone;) {
      Stream &other = streams[sides[head ^ 1].stream];
      if (other.head() != (head ^ 1))
        return;
      complete(head);
      ++stream.done;
      ++other.done;
    }
    return;
  }
  if (semantics == Semantics::Buffered && !isReceive(side))
    sides[side].done = true;
  if (sides[side ^ 1].posted)
    complete(side);
}

/// Runs a program until it waits.
void Run::advance(size_t rank) {
  const std::vector<Instruction> &program = programs.ranks[rank];
  for (; next[rank] != program.size(); ++next[rank]) {
    const Instruction &instruction = program[next[rank]];
    if (instruction.kind == Instruction::Kind::PostSend ||
        instruction.kind == Instruction::Kind::PostReceive)
      post(sideOf(instruction));
    else if (instruction.kind != Instruction::Kind::Compute &&
             !sides[sideOf(instruction)].done)
      return;
  }
}

void Run::run() {
  for (int32_t rank = schedule.numRanks(); rank-- > 0;)
    runnable.push_back(rank);
  while (!runnable.empty()) {
    const int32_t rank = runnable.back();
    runnable.pop_back();
    advance(rank);
  }
}

/// What a stopped rank waits for.
Wait Run::describe(int32_t rank) const {
  const Instruction &instruction = programs.ranks[rank][next[rank]];
  const size_t waited = sideOf(instruction);
  Wait wait;
  wait.rank = rank;
  wait.needs = nameOf(waited);
  const std::vector<Action> &row = schedule.ranks[rank];
  if (instruction.kind != Instruction::Kind::WaitSend) {
    wait.action = toString(row[instruction.action]);
    wait.microbatch = row[instruction.action].microbatch;
  } else {
    wait.action = wait.needs;
    wait.microbatch = messageOf(waited).send.microbatch;
  }
  // What stops a stream is its head, on this side first.
  size_t blocking = waited;
  if (isFifo())
    blocking = streams[sides[waited].stream].head();
  const size_t other = blocking ^ 1;
  wait.peer = rankOf(other);
  if (blocking != waited)
    wait.behind = nameOf(blocking);
  else if (sides[other].posted)
    wait.behind = nameOf(streams[sides[other].stream].head());
  return wait;
}

std::vector<Wait> Run::findCycle() const {
  int32_t rank = 0;
  while (rank < schedule.numRanks() &&
         next[rank] == programs.ranks[rank].size())
    ++rank;
  std::vector<Wait> path;
  if (rank == schedule.numRanks())
    return path;
  auto seen = [&] {
    return std::find_if(path.begin(), path.end(),
                        [&](const Wait &wait) { return wait.rank == rank; });
  };
  while (seen() == path.end()) {
    path.push_back(describe(rank));
    rank = path.back().peer;
  }
  path.erase(path.begin(), seen());
  return path;
}
} // namespace

std::optional<Semantics> pp::schedule::parseSemantics(std::string_view name) {
  for (const SemanticsName &known : semanticsNames)
    if (known.name == name)
      return known.semantics;
  return std::nullopt;
}

std::string_view pp::schedule::toString(Semantics semantics) {
  return semanticsNames[static_cast<size_t>(semantics)].name;
}

std::string pp::schedule::toString(const std::vector<Wait> &cycle) {
  std::string text;
  for (const Wait &wait : cycle)
    text += (text.empty() ? "rank " : "; rank ") + std::to_string(wait.rank) +
            " at '" + wait.action + "' waits for '" + wait.needs +
            "' of rank " + std::to_string(wait.peer) +
            (wait.behind.empty() ? "" : " behind '" + wait.behind + "'");
  return text;
}

std::vector<Wait> pp::schedule::findDeadlock(const Schedule &schedule,
                                             const Programs &programs,
                                             Semantics semantics,
                                             Problems &problems) {
  Run run(schedule, programs, semantics);
  if (run.isFifo()) {
    const size_t before = problems.size();
    run.checkOrder(problems);
    if (problems.size() != before)
      return {};
  }
  run.run();
  return run.findCycle();
}
