//===- NNIds.h - What is known of the ids of an op --------------*- C++ -*-===//

#ifndef PP_DIALECT_NN_IR_NNIDS_H
#define PP_DIALECT_NN_IR_NNIDS_H

#include "llvm/ADT/StringRef.h"

namespace pp::nn {

/// On an op that reads ids: they are elements of the data, unchanged, and the
/// runtime has found all of these in the op's range. Without it the op checks
/// its ids where it runs. Set by pp-annotate-inputs, which takes it from ops
/// where it is not so.
inline constexpr llvm::StringLiteral kIdsInRange = "nn.ids_in_range";

} // namespace pp::nn

#endif // PP_DIALECT_NN_IR_NNIDS_H
