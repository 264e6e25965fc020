//===- DistributionInference.h - Distributions of all values ----*- C++ -*-===//
//
// Runs over a block once, forwards, and finds the distribution of each value on
// each axis of the mesh. The rules are those of docs/Comm.md.
//
//===----------------------------------------------------------------------===//

#ifndef PP_DIALECT_COMM_ANALYSIS_DISTRIBUTIONINFERENCE_H
#define PP_DIALECT_COMM_ANALYSIS_DISTRIBUTIONINFERENCE_H

#include "pp/Dialect/Comm/IR/CommAttributes.h"
#include "pp/Interfaces/MeshOpInterface.h"

#include "mlir/IR/Block.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/DenseMap.h"

namespace pp::comm {

class DistributionInference {
public:
  /// Axes of size 1 are left out: there all distributions are one; and those on
  /// which functions differ.
  explicit DistributionInference(MeshOpInterface mesh);
  virtual ~DistributionInference() = default;

  /// The axes that values are inferred on.
  llvm::ArrayRef<mlir::StringAttr> getAxes() const { return axes; }

  /// Sets a value that no op of the block defines; null: invariant everywhere.
  void set(mlir::Value value, DistributionAttr distribution);

  /// Sets the arguments of `function`, of one block, as its attributes say, and
  /// infers its values.
  mlir::LogicalResult inferFunction(mlir::FunctionOpInterface function);

  /// Infers the results of `op` from its operands. Fails after emitting an
  /// error that names the axis, what was found and expected, and the remedy.
  mlir::LogicalResult infer(mlir::Operation *op);

  /// Infers the results of `call` as `callee` declares them, and proves that
  /// `arguments` are what it takes.
  mlir::LogicalResult inferCall(mlir::Operation *call,
                                mlir::FunctionOpInterface callee,
                                mlir::ValueRange arguments);

  /// Infers all ops of `block` but the terminator, up to the first error.
  mlir::LogicalResult infer(mlir::Block &block);

  /// The distribution on axis number `axis` of getAxes(). The value has been
  /// set or inferred.
  Distribution lookup(mlir::Value value, unsigned axis) const;
  bool isKnown(mlir::Value value) const { return states.contains(value); }

  /// The attribute with the distributions of `value` that are not invariant;
  /// null if all are, or nothing is known of the value.
  DistributionAttr getAttribute(mlir::Value value) const;

  /// Where `value` is sharded and its cotangent `cotangent` repeats along that
  /// dimension on every coordinate, or can be read as the same parts: takes the
  /// cotangent for these from now on, and returns what to declare on the op
  /// that makes it. Null if there is nothing to declare.
  DistributionAttr declareParts(mlir::Value cotangent, mlir::Value value);

  /// The same where it is known what `value` is, on each of getAxes().
  DistributionAttr declareParts(mlir::Value value,
                                llvm::ArrayRef<Distribution> parts);

  /// Proves that `value` may stand where `expected` was declared, for which
  /// `what` is the name in the error ("result #0").
  mlir::LogicalResult check(mlir::Value value, DistributionAttr expected,
                            mlir::Operation *user,
                            const llvm::Twine &what) const;

protected:
  /// What takes a value from one distribution to the other, for errors: "sum it
  /// with comm.all_reduce sum over [\"tensor\"]".
  virtual std::string getRemedy(Distribution found, Distribution expected,
                                mlir::StringAttr axis) const;

  llvm::SmallVector<mlir::StringAttr> axes;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<Distribution, 3>> states;

private:
  friend class OpInference;

  bool isUniform(mlir::Value value, int64_t dim) const {
    return uniform.lookup(value) >> dim & 1;
  }
  /// Also of a whole dimension of size 1: beside parts of size 1 the types of a
  /// coordinate do not tell it from one that is broadcast.
  bool repeatsAlong(mlir::Value value, int64_t dim) const;

  /// The dimensions, a bit each, along which all elements of a value are equal:
  /// those of constants and broadcasts. Such a value is part of a larger one
  /// along them, whatever the size of that.
  llvm::DenseMap<mlir::Value, unsigned> uniform;
  /// Of a value and an axis, other readings of the same tensors: parts of size
  /// 1 that a reshape left between two dimensions.
  llvm::DenseMap<std::pair<mlir::Value, unsigned>,
                 llvm::SmallVector<Distribution, 2>>
      alternatives;
  llvm::ArrayRef<Distribution> getAlternatives(mlir::Value value,
                                               unsigned axis) const {
    auto found = alternatives.find({value, axis});
    return found == alternatives.end() ? llvm::ArrayRef<Distribution>()
                                       : found->second;
  }
  bool mayBe(mlir::Value value, unsigned axis, Distribution reading) const {
    return llvm::is_contained(getAlternatives(value, axis), reading);
  }
};

/// The attribute of an argument or a result of `function`; null if it has none.
DistributionAttr getArgumentDistribution(mlir::FunctionOpInterface function,
                                         unsigned argument);
DistributionAttr getResultDistribution(mlir::FunctionOpInterface function,
                                       unsigned result);

/// Whether an argument or a result of `function` has one, or there are
/// collectives between them.
bool hasDistributions(mlir::FunctionOpInterface function);

/// The attribute with the dual of each distribution; null for null.
DistributionAttr getDual(DistributionAttr distribution);

} // namespace pp::comm

#endif // PP_DIALECT_COMM_ANALYSIS_DISTRIBUTIONINFERENCE_H
