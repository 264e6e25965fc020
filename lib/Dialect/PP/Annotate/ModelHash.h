//===- ModelHash.h - Which mathematics a model is ---------------*- C++ -*-===//

#ifndef PP_LIB_DIALECT_PP_ANNOTATE_MODELHASH_H
#define PP_LIB_DIALECT_PP_ANNOTATE_MODELHASH_H

#include "pp/Dialect/PP/IR/PPOps.h"

#include <string>

namespace pp {

/// A digest, 32 hexadecimal digits, of what the model of a module computes: the
/// ops of its layers and those that apply them, how they
/// are connected, their scalar attributes and those of nn. Shapes are no part
/// of it, as they have the batch in them, nor is what only says where things
/// are (shardings). A checkpoint of one model is not taken for one of another.
std::string hashOfModel(mlir::ModuleOp module);

} // namespace pp

#endif // PP_LIB_DIALECT_PP_ANNOTATE_MODELHASH_H
