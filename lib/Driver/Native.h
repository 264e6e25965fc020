//===- Native.h - LLVM IR and object files ----------------------*- C++ -*-===//

#ifndef PP_LIB_DRIVER_NATIVE_H
#define PP_LIB_DRIVER_NATIVE_H

#include "pp/Driver/Options.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"

namespace pp::driver {

/// The machine of --target-cpu and --target-features.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createMachine(const CompileOptions &options);

/// Optimised LLVM IR of a module in the LLVM dialect.
llvm::Expected<std::unique_ptr<llvm::Module>>
translate(mlir::ModuleOp module, llvm::LLVMContext &context,
          llvm::TargetMachine &machine, const CompileOptions &options);

/// Writes an object file.
llvm::Error emitObject(llvm::Module &module, llvm::TargetMachine &machine,
                       llvm::raw_pwrite_stream &os);

} // namespace pp::driver

#endif // PP_LIB_DRIVER_NATIVE_H
