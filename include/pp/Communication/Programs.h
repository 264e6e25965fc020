//===- Programs.h - Do programs that communicate end? -----------*- C++ -*-===//
//
// The model of communication that every proof uses, without MLIR: programs of
// events, messages between two programs, collectives of a group of programs.
// pp-plan fills it from a schedule, pp-verify-communication from IR.
//
// Both sides of a message and all members of a collective are known from the
// start, and what has been posted is never taken back. So the execution is
// monotone: the order in which programs are advanced does not matter, and one
// execution decides. If it ends, every real execution ends; if it stops, every
// real one stops there, in a circle of waits.
//
//===----------------------------------------------------------------------===//

#ifndef PP_COMMUNICATION_PROGRAMS_H
#define PP_COMMUNICATION_PROGRAMS_H

#include "pp/Communication/Semantics.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace pp::communication {

/// A value that goes from one program to another, once.
struct Message {
  int32_t from = 0, to = 0; ///< programs, different ones
};

/// One event of a program. Each message is posted and waited for once on both
/// sides, each collective started and waited for once by each member of its
/// group, the wait behind.
struct Event {
  enum class Kind : uint8_t {
    PostSend,
    PostReceive,
    WaitSend,
    WaitReceive,
    StartCollective,
    WaitCollective,
  };
  Kind kind;
  uint32_t index; ///< of the message or the collective

  bool isCollective() const { return kind >= Kind::StartCollective; }
  bool isPost() const {
    return kind == Kind::PostSend || kind == Kind::PostReceive ||
           kind == Kind::StartCollective;
  }
  bool isReceive() const {
    return kind == Kind::PostReceive || kind == Kind::WaitReceive;
  }
};

struct Programs {
  std::vector<Message> messages;
  std::vector<std::vector<int32_t>> groups; ///< members, ascending
  std::vector<uint32_t> collectives;        ///< the group of each
  std::vector<std::vector<Event>> programs;
};

/// One side of a message.
struct Side {
  uint32_t message = 0;
  bool isReceive = false;

  bool operator==(const Side &other) const {
    return message == other.message && isReceive == other.isReceive;
  }
};

/// The n-th send of a directed edge meets the n-th receive, and they are not
/// one message. There may be none such send, or receive.
struct Mismatch {
  int32_t from = 0, to = 0;
  size_t position = 0; ///< n, from 0
  std::optional<uint32_t> send, receive;
};

/// The n-th collective that two members of a group start is not the same; one
/// of them may start none.
struct CollectiveMismatch {
  uint32_t group = 0;
  size_t position = 0;                     ///< n, from 0
  int32_t first = 0, other = 0;            ///< programs
  std::optional<uint32_t> expected, found; ///< collectives
};

/// A program that waits for ever, and for whom.
struct Stop {
  int32_t program = 0;
  size_t event = 0; ///< of the program: the wait
  int32_t peer = 0; ///< program that has to go on first
  /// What the peer has not posted; nothing where it has posted all, but behind
  /// something else on its stream.
  std::optional<Side> missing;
  /// The transfer in the way: the head of a stream, of either side.
  std::optional<Side> behind;
};

/// One execution of all programs under the semantics.
class Execution {
public:
  Execution(const Programs &programs, Semantics semantics);

  /// Where two sides of an edge post in different orders; only FifoPerEdge has
  /// an order to keep. Such programs cannot be run.
  std::vector<Mismatch> findMismatches() const;
  /// Where members of a group start other collectives, or in another order.
  /// Such programs cannot be run.
  std::vector<CollectiveMismatch> findCollectiveMismatches() const;

  /// Runs all programs as far as they get: true if all end.
  bool run();

  /// After a run that stopped: programs that wait for each other in a circle.
  std::vector<Stop> findCycle() const;

private:
  /// Sides are numbered: twice the message, and one more at the receiver.
  struct SideState {
    size_t stream = 0;
    bool posted = false, done = false;
  };
  /// Sides posted on a stream of a program, and how many of them are done.
  struct Stream {
    std::vector<size_t> posted;
    size_t done = 0;
  };
  /// How many members have started a collective.
  struct CollectiveState {
    uint32_t started = 0;
  };

  bool isFifo() const { return semantics == Semantics::FifoPerEdge; }
  int32_t programOf(size_t side) const {
    const Message &message = programs.messages[side / 2];
    return side % 2 ? message.to : message.from;
  }
  const std::vector<int32_t> &membersOf(uint32_t collective) const {
    return programs.groups[programs.collectives[collective]];
  }
  bool isDone(uint32_t collective) const {
    return collectives[collective].started == membersOf(collective).size();
  }
  std::optional<size_t> headOf(const Stream &stream) const;
  bool isBlocked(const Event &event) const;
  void complete(size_t side);
  void post(size_t side);
  void start(uint32_t collective);
  void advance(int32_t program);
  Stop describe(int32_t program) const;

  const Programs &programs;
  const Semantics semantics;
  std::vector<size_t> next; ///< event of each program
  std::vector<int32_t> runnable;
  std::vector<SideState> sides;
  std::vector<Stream> streams;
  std::vector<CollectiveState> collectives;
};

} // namespace pp::communication

#endif // PP_COMMUNICATION_PROGRAMS_H
