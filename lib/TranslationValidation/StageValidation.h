//===- StageValidation.h - Native stages against stage functions -*- C++
//-*-===//

#ifndef PP_LIB_TRANSLATIONVALIDATION_STAGEVALIDATION_H
#define PP_LIB_TRANSLATIONVALIDATION_STAGEVALIDATION_H

#include "CodeExecution.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace pp {

/// The op whose native code does something else, and how.
struct Disagreement {
  mlir::Operation *op = nullptr;
  std::string text; ///< "found ..., expected ..."
};

/// The functions of a module, by name: a stage function and its native one may
/// share it.
struct ModuleFunctions {
  explicit ModuleFunctions(mlir::ModuleOp module);
  llvm::StringMap<mlir::func::FuncOp> planned;
  llvm::StringMap<mlir::LLVM::LLVMFuncOp> native;
  bool onDevice = false; ///< keys are addresses, constants have copies
};

/// Bytes of a tensor in memory.
uint64_t countBytes(mlir::Type type);

/// What a native stage function was seen to read and write.
struct StageInterface {
  /// The entry of the table that says where an argument, or a result that no
  /// accumulator holds, lies; -1: no call needs it.
  llvm::SmallVector<int64_t> argumentEntry, resultEntry;
  /// The position among the pointers to data of each pp.data argument, -1
  /// elsewhere.
  llvm::SmallVector<int64_t> dataPosition;
  unsigned dataPointers = 0;
};

/// Executes `native` and compares its calls with those of `stage`. Nothing, and
/// `disagreement`, if they differ.
std::optional<StageInterface> validateStage(mlir::func::FuncOp stage,
                                            mlir::LLVM::LLVMFuncOp native,
                                            const GlobalTables &tables,
                                            const ModuleFunctions &functions,
                                            Disagreement &disagreement);

} // namespace pp

#endif // PP_LIB_TRANSLATIONVALIDATION_STAGEVALIDATION_H
