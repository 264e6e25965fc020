//===- Emit.h - Checks as a program -----------------------------*- C++ -*-===//

#ifndef PP_TOOLS_CHECKLAYERS_EMIT_H
#define PP_TOOLS_CHECKLAYERS_EMIT_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

namespace pp {
/// A module of functions on tensors, and what they were lowered to.
struct LoweredModule {
  mlir::ModuleOp source, lowered;
};

/// Writes PREFIX.device.o, what `device` was lowered to, and
/// PREFIX.reference.o, the same functions of `reference` with the table of
/// both. Linked with libpprt_check.a they are a program that checks one against
/// the other. Empty `cpu` and `features` are the host's.
llvm::Error emitCheck(llvm::StringRef prefix, LoweredModule device,
                      LoweredModule reference, llvm::StringRef cpu,
                      llvm::StringRef features);
} // namespace pp

#endif // PP_TOOLS_CHECKLAYERS_EMIT_H
