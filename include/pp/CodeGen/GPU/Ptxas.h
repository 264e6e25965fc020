//===- Ptxas.h - PTX to code for one chip -----------------------*- C++ -*-===//

#ifndef PP_CODEGEN_GPU_PTXAS_H
#define PP_CODEGEN_GPU_PTXAS_H

#include "mlir/IR/Location.h"
#include "mlir/Support/LLVM.h"

#include <string>

namespace pp {

/// What ptxas made, and what it said of registers and spills (`-v`).
struct Assembled {
  std::string cubin;
  std::string report;
};

/// The path of ptxas: in $CUDA_HOME/bin, on the PATH, in /usr/local/cuda/bin;
/// empty if there is none.
std::string findPtxas();

/// Runs ptxas; its complaints become an error at `loc`.
mlir::FailureOr<Assembled> assemble(llvm::StringRef ptxas, llvm::StringRef chip,
                                    llvm::StringRef ptx, mlir::Location loc);

} // namespace pp

#endif // PP_CODEGEN_GPU_PTXAS_H
