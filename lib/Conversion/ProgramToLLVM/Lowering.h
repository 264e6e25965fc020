//===- Lowering.h - Parts of the lowering of programs -----------*- C++ -*-===//

#ifndef PP_LIB_CONVERSION_PROGRAMTOLLVM_LOWERING_H
#define PP_LIB_CONVERSION_PROGRAMTOLLVM_LOWERING_H

#include "CallList.h"

#include "pp/Dialect/PP/Memory/Buffers.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace pp {

/// How a stage function is called once it is native: which of its arguments
/// and results stand in the table of offsets, in which order.
struct StageSignature {
  explicit StageSignature(mlir::func::FuncOp stage);

  /// Slot of an argument or a result in the table, -1 if it has none.
  llvm::SmallVector<int64_t> argumentSlot, resultSlot;
  /// Arguments with pp.data, in order: passed as pointers.
  llvm::SmallVector<unsigned> dataArguments;
  bool hasKey = false;
  unsigned tableSize = 0;

  mlir::LLVM::LLVMFunctionType getType(mlir::MLIRContext *context) const;
};

/// Stage functions that are native: stages with the same calls share one.
class NativeStages {
public:
  /// Makes the native function beside `stage`, under the same name, unless an
  /// earlier one does the same; the caller erases `stage`.
  mlir::LogicalResult lower(mlir::func::FuncOp stage,
                            mlir::SymbolTableCollection &symbols,
                            CallTarget &target);

  /// The native function for the stage function `name`: its own where none has
  /// been made, as for a declaration.
  mlir::StringAttr lookup(mlir::StringAttr name) const {
    mlir::StringAttr found = native.lookup(name);
    return found ? found : name;
  }

private:
  struct Made {
    mlir::StringAttr name;
    mlir::Type type;
    CallList calls;
  };
  std::vector<Made> made;
  llvm::DenseMap<mlir::StringAttr, mlir::StringAttr> native;
};

/// Positions of the module's symbols among the ops of their kind: how the
/// runtime knows inputs, parameters and channels.
class SymbolIndices {
public:
  explicit SymbolIndices(mlir::ModuleOp module);

  /// -1 if the module has no such op.
  template <typename OpT> int64_t lookup(mlir::StringAttr name) const {
    auto it = indices.find(
        {mlir::OperationName(OpT::getOperationName(), name.getContext())
             .getIdentifier(),
         name});
    return it == indices.end() ? -1 : it->second;
  }

private:
  llvm::DenseMap<std::pair<mlir::StringAttr, mlir::StringAttr>, int64_t>
      indices;
};

/// Actions [begin, end) of a list stand for `rounds` times as many: in each
/// round micro-batches grow by the step.
struct ActionLoop {
  size_t begin, end;
  int64_t rounds, step;
};

/// A rank program after its lowering.
struct LoweredProgram {
  ProgramOp program;
  mlir::LLVM::LLVMFuncOp step;
  int64_t numActions = 0; ///< of all rounds
  llvm::SmallVector<TracedAction> actions;
  llvm::SmallVector<ActionLoop> loops; ///< of the actions, in order
  unsigned requests = 0; ///< transfers in flight at a time, at most
  llvm::SmallVector<StartOp> collectives; ///< by number
};

/// Makes the step function of `program` at the end of the module.
/// `before` (may be null) is the program of a step that `program` evaluates
/// behind: its actions are numbered from those of that one on, and it uses the
/// collectives and requests of that one, which get more where it needs them.
/// `sharePlaces`: wrongly, see the option `fault` of pp-lower-programs.
mlir::FailureOr<LoweredProgram>
lowerProgram(ProgramOp program, const NativeStages &stages,
             const SymbolIndices &indices, mlir::SymbolTableCollection &symbols,
             const StepFunctions &functions, CallTarget &target,
             LoweredProgram *before, bool sharePlaces = false);

/// The JSON text of the module's programs. `evaluations`: as many, or none.
mlir::FailureOr<std::string>
describePrograms(mlir::ModuleOp module, llvm::ArrayRef<LoweredProgram> programs,
                 llvm::ArrayRef<LoweredProgram> evaluations,
                 mlir::SymbolTableCollection &symbols,
                 const StepFunctions &functions);

} // namespace pp

#endif // PP_LIB_CONVERSION_PROGRAMTOLLVM_LOWERING_H
