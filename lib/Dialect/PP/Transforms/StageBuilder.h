//===- StageBuilder.h - A function of a stage under construction *- C++ -*-===//

#ifndef PP_LIB_DIALECT_PP_TRANSFORMS_STAGEBUILDER_H
#define PP_LIB_DIALECT_PP_TRANSFORMS_STAGEBUILDER_H

#include "pp/Dialect/Comm/IR/CommAttributes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/MapVector.h"

namespace pp {

/// Builds a function whose arguments appear when they are first asked for, each
/// bound by an attribute (see `pp.stage`). Distributions over the mesh are
/// those of docs/Comm.md, null where a value is invariant.
class StageBuilder {
public:
  StageBuilder(mlir::OpBuilder &module, mlir::Location loc,
               llvm::StringRef name);

  /// The argument that reads value, parameter or data `name`.
  mlir::Value getValue(llvm::StringRef name, mlir::Type type,
                       comm::DistributionAttr distribution);
  mlir::Value getParam(llvm::StringRef name, mlir::Type type,
                       comm::DistributionAttr distribution);
  mlir::Value getData(llvm::StringRef name, mlir::Type type,
                      comm::DistributionAttr distribution);
  /// The dropout key of the action, mixed with the number of an apply.
  mlir::Value getKey(int64_t apply);
  /// The gradient accumulator of one use of a parameter.
  mlir::Value addAccumulator(llvm::StringRef name, int64_t use, mlir::Type type,
                             comm::DistributionAttr distribution);

  mlir::func::CallOp call(mlir::func::FuncOp callee, mlir::ValueRange operands);
  /// The same for a part of an apply (see kPart).
  mlir::func::CallOp call(mlir::func::FuncOp callee, mlir::ValueRange operands,
                          int64_t apply, char part);

  /// Adds a result that defines value `name`, with further attributes.
  void addValue(mlir::Value value, llvm::StringRef name,
                comm::DistributionAttr distribution,
                llvm::ArrayRef<mlir::NamedAttribute> attributes = {});
  /// Adds the result that updates `accumulator`.
  void addSum(mlir::Value sum, mlir::Value accumulator);

  bool hasResults() const { return !results.empty(); }
  /// Ends the function.
  mlir::func::FuncOp finish();
  void erase() { function.erase(); }

  mlir::OpBuilder builder;
  mlir::Location loc;

private:
  mlir::Value getArgument(llvm::StringRef attribute, mlir::Attribute name,
                          mlir::Type type, comm::DistributionAttr distribution);

  mlir::func::FuncOp function;
  llvm::DenseMap<std::pair<mlir::StringAttr, mlir::Attribute>, mlir::Value>
      bound;
  llvm::SmallVector<mlir::DictionaryAttr> argumentAttributes;
  llvm::SmallVector<mlir::Value> results;
  llvm::SmallVector<mlir::DictionaryAttr> resultAttributes;
};

} // namespace pp

#endif // PP_LIB_DIALECT_PP_TRANSFORMS_STAGEBUILDER_H
