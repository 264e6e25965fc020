//===- InitAll.h - Everything a tool registers ------------------*- C++ -*-===//

#ifndef PP_INITALL_H
#define PP_INITALL_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace pp {
/// Registers pp's and upstream's dialects and their extensions (inlining,
/// bufferization and translation interfaces, adjoints of upstream ops).
void registerAllDialects(mlir::DialectRegistry &registry);

/// Registers pp's and upstream's passes and pipelines.
void registerAllPasses();
} // namespace pp

#endif // PP_INITALL_H
