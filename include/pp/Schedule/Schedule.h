//===- Schedule.h - Who computes what in which order ------------*- C++ -*-===//
//
// A schedule is data: for each rank the list of its compute actions in order.
// Verifier, simulator, pictures, code generation and run-time traces all speak
// about these actions. Nothing here knows MLIR.
//
// Its text form is PyTorch's schedule CSV: a row a rank, cells such as `2F0`
// (stage 2, forward, micro-batch 0), `1I3` (input gradient), `1W3` (weight
// gradient) and `1B3` (full backward). It may say where transfers are posted,
// `0SEND_F3` and `1RECV_F3`, `1SEND_B3` and `0RECV_B3`, and where
// sends are waited for: `0WAIT_SEND_F3`, `1WAIT_SEND_B3`.
//
//===----------------------------------------------------------------------===//

#ifndef PP_SCHEDULE_SCHEDULE_H
#define PP_SCHEDULE_SCHEDULE_H

#include "pp/Schedule/Result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace pp::schedule {

/// What an action computes. The values are the letters of the text form.
enum class Kind : char {
  Forward = 'F',
  Backward = 'B',       ///< input gradient, then weight gradient, as one action
  InputGradient = 'I',  ///< the half of the backward that others wait for
  WeightGradient = 'W', ///< the half that only the optimizer waits for
};

/// One computation of one stage on one micro-batch.
struct Action {
  int32_t stage = 0;
  Kind kind = Kind::Forward;
  int32_t microbatch = 0;

  friend bool operator==(const Action &a, const Action &b) {
    return a.stage == b.stage && a.kind == b.kind &&
           a.microbatch == b.microbatch;
  }
  friend bool operator!=(const Action &a, const Action &b) { return !(a == b); }
  friend bool operator<(const Action &a, const Action &b) {
    return std::tie(a.stage, a.kind, a.microbatch) <
           std::tie(b.stage, b.kind, b.microbatch);
  }
};

/// One side of handing a value from a stage to a neighbour on another rank, or
/// the wait for a send.
struct Transfer {
  /// F goes to the next stage, B (the gradient) to the one before.
  enum class Kind { SendF, RecvF, SendB, RecvB, WaitSendF, WaitSendB };
  int32_t stage = 0; ///< the one that sends or receives
  Kind kind = Kind::SendF;
  int32_t microbatch = 0;

  bool isSend() const { return kind == Kind::SendF || kind == Kind::SendB; }
  bool isWait() const {
    return kind == Kind::WaitSendF || kind == Kind::WaitSendB;
  }
  friend bool operator==(const Transfer &a, const Transfer &b) {
    return a.stage == b.stage && a.kind == b.kind &&
           a.microbatch == b.microbatch;
  }
};

/// A transfer that is posted, or waited for, before the action at this place of
/// its row.
struct PlacedTransfer {
  size_t before = 0;
  Transfer transfer;

  friend bool operator==(const PlacedTransfer &a, const PlacedTransfer &b) {
    return a.before == b.before && a.transfer == b.transfer;
  }
};

struct Schedule {
  std::string name; ///< as in `--schedule=NAME`; empty when read from text
  int32_t stages = 0;
  int32_t microbatches = 0;
  std::vector<int32_t> placement;         ///< stage -> rank
  std::vector<std::vector<Action>> ranks; ///< actions of each rank in order
  /// Of each rank in order, where the schedule says so; mostly empty: transfers
  /// then follow from data flow.
  std::vector<std::vector<PlacedTransfer>> transfers;
  /// What of a file is not taken as it stands, for its user.
  std::vector<std::string> notes = {};

  int32_t numRanks() const { return static_cast<int32_t>(ranks.size()); }
};

/// `2F0`.
std::string toString(const Action &action);

/// `2SEND_F0`.
std::string toString(const Transfer &transfer);

/// Reads one cell, e.g. ` 2F0 `.
Result<Action> parseAction(std::string_view text);

/// `0F0,0F1,0B0`: the actions of one rank, without a line end.
std::string printRow(const std::vector<Action> &row);

/// Reads one row. Empty cells, PyTorch's idle slots, carry no order and are
/// dropped.
Result<std::vector<Action>> parseRow(std::string_view text);

/// All rows, each ended by a newline.
std::string printCSV(const Schedule &schedule);

/// Reads all rows. The number of stages and micro-batches and the placement
/// follow from the actions: error where a stage appears on two ranks, or where
/// a stage up to the largest one appears on none. Transfers are read as well;
/// they name no stage that computes nothing. `(0F3;3B1)OVERLAP_F_B` is its
/// actions in order. Cells may be in quotes. Those for sharded parameters
/// (`0UNSHARD`, `0RESHARD`, `0REDUCE_GRAD`, `0WAIT_REDUCE_GRAD`) are left out,
/// with a note. Printing the result gives the same text again, less these, idle
/// slots, blanks, quotes, carriage returns, blank lines at the end and a byte
/// order mark.
/// Whether the actions make a legal schedule is verify()'s question.
Result<Schedule> parseCSV(std::string_view text);

} // namespace pp::schedule

#endif // PP_SCHEDULE_SCHEDULE_H
