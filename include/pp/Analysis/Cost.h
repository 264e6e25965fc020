//===- Cost.h - What functions and layers cost ------------------*- C++ -*-===//
//
// Sums CostOpInterface over a body, following calls. Ops of upstream dialects
// have no such interface: one operation an element of their results, every
// operand read and every result written once.
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
};

/// What a computation costs.
struct Cost {
  double flops = 0;   ///< floating-point operations
  double bytes = 0;   ///< bytes read and written
  double seconds = 0; ///< each op bound by the slower of arithmetic and memory

  /// The operations as the number that a profile knows a layer by.
  int64_t wholeFlops() const { return int64_t(std::min(flops, 9e18)); }

  Cost &operator+=(const Cost &other) {
    flops += other.flops;
    bytes += other.bytes;
    seconds += other.seconds;
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
