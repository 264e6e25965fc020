//===- JIT.h - Layer functions in this process ------------------*- C++ -*-===//

#ifndef PP_CODEGEN_JIT_H
#define PP_CODEGEN_JIT_H

#include "mlir/ExecutionEngine/ExecutionEngine.h"
#include "mlir/IR/BuiltinOps.h"

namespace pp {
/// Compiles a module of LLVM functions for this machine, optimised, with the
/// kernels of the runtime linked in. `lookup(name)` on the result gives the
/// address of a function; it takes its arguments as C does, a layer a context
/// first, which it hands on to what it calls. `symbols` are what the module may
/// call besides. The engine compiles once more where it ends, so
/// it must not outlive main().
llvm::Expected<std::unique_ptr<mlir::ExecutionEngine>>
createJIT(mlir::ModuleOp module,
          llvm::ArrayRef<std::pair<llvm::StringRef, void *>> symbols = {});

/// Calls a function of a context and of up to 31 pointers or integers.
void callWithContext(void *function, void *context,
                     llvm::ArrayRef<void *> arguments);

/// pprt_check_ids of the tools that run layers: prints what is wrong and ends
/// the process, with any context.
void checkIdsOrExit(void *context, const char *reader, const void *ids,
                    int64_t count, int64_t stride, int32_t bits, int64_t size,
                    int64_t ignored);
} // namespace pp

#endif // PP_CODEGEN_JIT_H
