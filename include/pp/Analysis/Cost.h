//===- Cost.h - What functions and layers cost ------------------*- C++ -*-===//
//
// Sums CostOpInterface over a body, following calls. Ops of upstream dialects
// have no such interface: one operation an element of their results, every
// operand read and every result written once. A collective takes as long as its
// messages do on the wire, by the formula of collectives of replicas.
//
//===----------------------------------------------------------------------===//

#ifndef PP_ANALYSIS_COST_H
#define PP_ANALYSIS_COST_H

#include "mlir/IR/Operation.h"
#include "mlir/IR/Region.h"
#include "mlir/IR/SymbolTable.h"

#include <algorithm>

namespace pp {

/// Sustained rates of the machine that a program will run on, for one rank.
struct MachineRates {
  /// Floating-point operations a second.
  double flops = 1e11;
  /// Bytes a second from and to memory.
  double bytes = 2e10;
  /// Bytes a second from rank to rank.
  double transfer = 5e9;
  /// Seconds of a message beside its bytes.
  double latency = 0;
};

/// What a computation costs.
struct Cost {
  double flops = 0; ///< floating-point operations
  double bytes = 0; ///< bytes read and written
  /// Each op bound by the slowest of arithmetic, memory and wire.
  double seconds = 0;

  int64_t collectives = 0;      ///< that send anything
  double sent = 0;              ///< bytes that a rank sends in them
  double collectiveSeconds = 0; ///< of `seconds`, those of collectives
  /// Of these, those of collectives that the backward makes once more.
  double madeAgainSeconds = 0;

  /// The operations as the number that a profile knows a layer by.
  int64_t wholeFlops() const { return int64_t(std::min(flops, 9e18)); }

  Cost &operator+=(const Cost &other) {
    flops += other.flops;
    bytes += other.bytes;
    seconds += other.seconds;
    collectives += other.collectives;
    sent += other.sent;
    collectiveSeconds += other.collectiveSeconds;
    madeAgainSeconds += other.madeAgainSeconds;
    return *this;
  }
};

/// Cost of one op without its regions; constants, views and terminators are
/// free.
Cost costOf(mlir::Operation *op, const MachineRates &rates);

/// Cost of all ops in `region`; a call costs what the body of its callee
/// costs, found through `symbols` (null: calls are free).
Cost costOf(mlir::Region &region, const MachineRates &rates,
            mlir::SymbolTableCollection *symbols = nullptr);

} // namespace pp

#endif // PP_ANALYSIS_COST_H
