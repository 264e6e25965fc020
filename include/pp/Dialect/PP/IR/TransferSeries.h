//===- TransferSeries.h - Transfers that differ by micro-batch --*- C++ -*-===//

#ifndef PP_DIALECT_PP_IR_TRANSFERSERIES_H
#define PP_DIALECT_PP_IR_TRANSFERSERIES_H

#include "mlir/IR/Block.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

#include <optional>

namespace pp {

/// Of the ops of a program that post or wait for the transfer or the collective
/// of a micro-batch: the series each belongs to. Transfers of a series have the
/// same direction, channel and value; in a program with loops a wait may be for
/// any of them.
class TransferSeries {
public:
  explicit TransferSeries(mlir::Block &program);

  /// Number of series.
  unsigned size() const { return count; }
  /// Nothing for ops without a transfer, and for transfers that a step makes
  /// once.
  std::optional<unsigned> lookup(mlir::Operation *op) const {
    auto it = seriesOf.find(op);
    return it == seriesOf.end() ? std::nullopt
                                : std::optional<unsigned>(it->second);
  }
  bool isWait(mlir::Operation *op) const { return waits.contains(op); }

private:
  llvm::DenseMap<mlir::Operation *, unsigned> seriesOf;
  llvm::DenseSet<mlir::Operation *> waits;
  unsigned count = 0;
};

} // namespace pp

#endif // PP_DIALECT_PP_IR_TRANSFERSERIES_H
