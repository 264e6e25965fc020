//===- Spmd.h - A function on all ranks of a mesh ---------------*- C++ -*-===//
//
// Runs one function on every rank, with collectives between them, in double
// precision and in one thread.
//
//===----------------------------------------------------------------------===//

#ifndef PP_INTERPRETER_SPMD_H
#define PP_INTERPRETER_SPMD_H

#include "pp/Interfaces/MeshOpInterface.h"
#include "pp/Interpreter/Interpreter.h"

namespace pp::interpreter {

/// The tensors of all ranks, by rank; the last axis of the mesh counts fastest.
using RankNumbers = std::vector<Numbers>;

int64_t countRanks(MeshOpInterface mesh);
int64_t getCoordinate(MeshOpInterface mesh, int64_t rank, llvm::StringRef axis);

/// The operands of the block's terminator, for the arguments of the block. Ops
/// are those of layers, of backward functions (gradient ops) and of `comm`.
llvm::Expected<std::vector<RankNumbers>>
evaluateSpmd(mlir::Block &block, MeshOpInterface mesh,
             const std::vector<RankNumbers> &arguments);

} // namespace pp::interpreter

#endif // PP_INTERPRETER_SPMD_H
