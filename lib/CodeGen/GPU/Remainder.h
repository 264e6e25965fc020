//===- Remainder.h - Remainders of floats in kernels ------------*- C++ -*-===//

#ifndef PP_LIB_CODEGEN_GPU_REMAINDER_H
#define PP_LIB_CODEGEN_GPU_REMAINDER_H

#include "mlir/IR/PatternMatch.h"

namespace pp::device {

/// arith.remf in kernels as integer arithmetic, with the bits of fmod.
void populateRemainderPatterns(mlir::RewritePatternSet &patterns);

} // namespace pp::device

#endif // PP_LIB_CODEGEN_GPU_REMAINDER_H
