//===- Programs.h - Rank programs with communication ------------*- C++ -*-===//
//
// What the ranks do with the transfers of a schedule: post, wait, compute. The
// model is that of pp-project-ranks and pp-verify-communication, without MLIR.
//
//===----------------------------------------------------------------------===//

#ifndef PP_SCHEDULE_PROGRAMS_H
#define PP_SCHEDULE_PROGRAMS_H

#include "pp/Schedule/Schedule.h"

#include <optional>

namespace pp::schedule {

/// When a transfer that both sides wait for is done.
enum class Semantics {
  Buffered,    ///< a send at once, a receive when its send is posted
  Rendezvous,  ///< when both sides are posted
  FifoPerEdge, ///< as rendezvous, in posted order on each directed edge
  FifoShared,  ///< as rendezvous, in posted order for both directions together
};

/// `buffered`, `rendezvous`, `fifo-per-edge`, `fifo-shared`.
std::optional<Semantics> parseSemantics(std::string_view name);
std::string_view toString(Semantics semantics);

/// A value that goes from one rank to another.
struct Message {
  Transfer send, receive;
  int32_t from = 0, to = 0; ///< ranks
};

struct Instruction {
  enum class Kind { Compute, PostSend, PostReceive, WaitSend, WaitReceive };
  Kind kind;
  /// The action of the rank's row that is computed, or that stands next; the
  /// length of the row behind the last.
  int32_t action;
  int32_t message = -1; ///< unless Compute
};

struct Programs {
  std::vector<Message> messages;
  std::vector<std::vector<Instruction>> ranks;
};

/// An action, by its place in the rows of a schedule.
struct Position {
  int32_t rank = 0;
  int32_t action = 0;
};

/// All actions of a schedule that ends, in an order that respects rows and data
/// flow: that of their ends when each takes one unit of time (B two) and starts
/// as soon as it can.
std::vector<Position> executionOrder(const Schedule &schedule);

/// The programs of a schedule that ends where sends never block (see check()).
/// Without transfers of its own, receives are posted right before the action
/// that needs them, in the order in which the sender produces (so that
/// messages needed later may be posted with them), and sends behind the action
/// that produces; otherwise where the schedule has them. A receive is waited
/// for right before the action that needs it, sends at the end or where the
/// schedule says so. Under
/// FifoShared both ranks of a pair post its messages in executionOrder() of the
/// actions that produce them, and so some receives before a send.
/// Appends to `problems` what is wrong with the schedule's own transfers: one
/// side missing, duplicated, superfluous, a send before its value exists, a
/// receive after its use, a wait before its send.
Programs makePrograms(const Schedule &schedule, Semantics semantics,
                      std::vector<std::string> &problems);

/// A rank that waits for ever, and for whom.
struct Wait {
  int32_t rank = 0;
  std::string action;     ///< `2F0`, or the send waited for
  int32_t microbatch = 0; ///< of the action
  std::string needs;      ///< action or transfer that has not ended
  int32_t peer = 0;       ///< rank that has to go on first
  std::string behind;     ///< transfer in the way on a stream; mostly empty
};

/// `rank 0 at '0I0' waits for '1I0' of rank 1; rank 1 at ...`.
std::string toString(const std::vector<Wait> &cycle);

/// The ranks that wait for each other in a circle when the programs run under
/// the semantics; empty when all end. Appends to `problems` where two sides of
/// a FIFO do not post in the same order. Matching is deterministic, so that one
/// interleaving speaks for all.
std::vector<Wait> findDeadlock(const Schedule &schedule,
                               const Programs &programs, Semantics semantics,
                               std::vector<std::string> &problems);

} // namespace pp::schedule

#endif // PP_SCHEDULE_PROGRAMS_H
