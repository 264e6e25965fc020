//===- Mutations.h - Layers with one collective wrong -----------*- C++ -*-===//

#ifndef PP_TEST_UNIT_DIALECT_COMM_MUTATIONS_H
#define PP_TEST_UNIT_DIALECT_COMM_MUTATIONS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace pp::commtest {

/// Makes mutant number `number` of the function in place: a collective dropped,
/// doubled, put in, moved to another axis or dimension, or of another kind.
/// Shapes stay those that the readers expect. Returns what was done, or an
/// empty string where there are fewer mutants.
std::string mutate(mlir::func::FuncOp function, unsigned number);

} // namespace pp::commtest

#endif // PP_TEST_UNIT_DIALECT_COMM_MUTATIONS_H
