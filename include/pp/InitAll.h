//===- InitAll.h - Everything a tool registers ------------------*- C++ -*-===//

#ifndef PP_INITALL_H
#define PP_INITALL_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace pp {
/// What a tool says when it crashes, in place of where LLVM wants to be told.
inline constexpr const char *kBugReport =
    "This is a fault of pp: please report it with the input, the command line "
    "and what follows.\n";

/// Registers pp's and upstream's dialects and their extensions (inlining,
/// bufferization and translation interfaces, adjoints of upstream ops).
void registerAllDialects(mlir::DialectRegistry &registry);

/// Registers pp's and upstream's passes and pipelines.
void registerAllPasses();
} // namespace pp

#endif // PP_INITALL_H
