//===- Programs.h - Rank programs with communication ------------*- C++ -*-===//
//
// What the ranks do with the transfers of a schedule: post, wait, compute. The
// model is that of pp-project-ranks and pp-verify-communication, without MLIR.
//
//===----------------------------------------------------------------------===//

#ifndef PP_SCHEDULE_PROGRAMS_H
#define PP_SCHEDULE_PROGRAMS_H

#include "pp/Communication/Semantics.h"
#include "pp/Schedule/Schedule.h"

namespace pp::schedule {

using communication::Semantics;

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

/// The programs of a schedule that ends where sends never block (see check()).
/// Without transfers of its own, receives are posted right before the action
/// that needs them, in the order in which the sender produces (so that
/// messages needed later may be posted with them), and sends behind the action
/// that produces; otherwise where the schedule has them. A receive is waited
/// for right before the action that needs it, sends at the end or where the
/// schedule says so.
/// Appends to `problems` what is wrong with the schedule's own transfers: one
/// side missing, duplicated, superfluous, a send before its value exists, a
/// receive after its use, a wait before its send.
Programs makePrograms(const Schedule &schedule,
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
/// a FIFO do not post in the same order. The proof is that of
/// communication::Execution.
std::vector<Wait> findDeadlock(const Schedule &schedule,
                               const Programs &programs, Semantics semantics,
                               std::vector<std::string> &problems);

} // namespace pp::schedule

#endif // PP_SCHEDULE_PROGRAMS_H
