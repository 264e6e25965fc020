//===- OpInference.h - Distributions of the results of an op ----*- C++ -*-===//

#ifndef PP_LIB_DIALECT_COMM_ANALYSIS_OPINFERENCE_H
#define PP_LIB_DIALECT_COMM_ANALYSIS_OPINFERENCE_H

#include "pp/Dialect/Comm/Analysis/DistributionInference.h"
#include "pp/Dialect/Comm/IR/CollectiveOpInterface.h"
#include "pp/Dialect/Comm/IR/DistributionOpInterface.h"
#include "pp/Interfaces/ShardableOpInterface.h"

#include "mlir/Interfaces/CallInterfaces.h"

namespace pp::comm {

/// Whether a value is a constant of zeros.
bool isZero(mlir::Value value);

/// The inference of one op.
class OpInference {
public:
  OpInference(DistributionInference &all, mlir::Operation *op)
      : all(all), op(op) {}

  mlir::LogicalResult run();

private:
  mlir::LogicalResult inferOp();

  /// How an op meets its operands on one axis.
  struct Meeting {
    enum class Kind {
      Alike,   ///< all are equal on all coordinates
      Own,     ///< some are a coordinate's own, the rest equal
      Cut,     ///< some are parts along a loop
      Summands ///< some are partial, none is a part
    };
    Kind kind = Kind::Alike;
    Distribution alike = Distribution::constant();
    LoopCut cut; ///< of Kind::Cut
    /// Loops that may be the one instead: parts are of size 1.
    llvm::SmallVector<LoopCut, 2> others;
  };
  /// What a term of the op is on one axis.
  enum class Term { Same, Zero, Own, Cut, Partial };

  Distribution operand(unsigned i) const {
    return all.lookup(op->getOperand(i), axis);
  }
  std::optional<unsigned> findOperand(Distribution::Kind kind) const;
  mlir::InFlightDiagnostic error() const;
  void noteOperand(mlir::InFlightDiagnostic &error, unsigned i) const;

  mlir::LogicalResult inferCollective(CollectiveOpInterface collective);
  mlir::LogicalResult inferCall(mlir::CallOpInterface call);
  void inferConstant();

  mlir::FailureOr<Meeting> meet();
  llvm::SmallVector<LoopCut> findCuts(unsigned operand) const;
  mlir::LogicalResult findLoop(Meeting &meeting);
  std::optional<unsigned> findNamedLoop() const;
  mlir::FailureOr<bool> repeatsAlongNamed(unsigned loop) const;
  bool usesLoop(unsigned operand, unsigned loop) const;
  bool repeatsAlong(unsigned operand, unsigned loop, bool orIsOne) const;
  void inferUniform();
  mlir::LogicalResult applyDeclared();
  mlir::FailureOr<llvm::SmallVector<Term>> judgeTerms(const Meeting &meeting);
  mlir::FailureOr<Distribution> inferResult(const Meeting &meeting,
                                            llvm::ArrayRef<Term> terms,
                                            unsigned result);
  llvm::SmallVector<Distribution> findReadings() const;
  void noteReadings(const Meeting &meeting, unsigned result,
                    Distribution parts);
  mlir::FailureOr<Distribution>
  inferCut(const Meeting &meeting, llvm::ArrayRef<Term> terms, unsigned result);

  DistributionInference &all;
  mlir::Operation *op;
  std::optional<ShardingRule> rule;
  unsigned axis = 0;
  /// The loop that each axis cuts, if it cuts one.
  llvm::SmallVector<std::optional<unsigned>, 3> cuts;
};

} // namespace pp::comm

#endif // PP_LIB_DIALECT_COMM_ANALYSIS_OPINFERENCE_H
