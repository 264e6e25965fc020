//===- Native.h - The machine that code is made for -------------*- C++ -*-===//

#ifndef PP_CODEGEN_NATIVE_H
#define PP_CODEGEN_NATIVE_H

#include "llvm/ADT/StringRef.h"

#include <memory>
#include <string>

namespace llvm {
class Module;
class TargetMachine;
} // namespace llvm

namespace pp {
/// The features of this machine, sorted, as in `+avx2,+fma,-sse4a`.
std::string hostFeatures();

/// The features of a CPU that is named, one by one, for `machine`'s target. An
/// empty list would mean the host's, whose code the named one may not be able
/// to run.
std::string featuresOf(llvm::StringRef cpu, llvm::TargetMachine &machine);

/// The first entry of `features`, as in `+avx2,-fma`, that LLVM does not know
/// for `machine`'s target, empty if there is none: LLVM itself only warns, for
/// each function.
llvm::StringRef findUnknownFeature(llvm::StringRef features,
                                   const llvm::TargetMachine &machine);

/// What is wrong with the names of a CPU and of features, empty if nothing.
std::string checkTarget(llvm::StringRef cpu, llvm::StringRef features);

/// A target machine for this machine's triple, position independent code.
/// Empty `cpu` and `features` mean the host's. Null where LLVM has no such
/// target; `error` then says why. The names are not checked.
std::unique_ptr<llvm::TargetMachine>
createTargetMachine(llvm::StringRef cpu = "", llvm::StringRef features = "",
                    std::string *error = nullptr);

/// LLVM's default pipeline at O2, with vectorisation, for `machine`.
void optimizeModule(llvm::Module &module, llvm::TargetMachine &machine);
} // namespace pp

#endif // PP_CODEGEN_NATIVE_H
