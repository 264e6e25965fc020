//===- UpstreamAdjoints.h - Adjoints of arith and math ops ------*- C++ -*-===//

#ifndef PP_DIALECT_NN_TRANSFORMS_UPSTREAMADJOINTS_H
#define PP_DIALECT_NN_TRANSFORMS_UPSTREAMADJOINTS_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace pp::nn {
/// Attaches DifferentiableOpInterface to the elementwise ops of `arith` and
/// `math` that have a derivative.
void registerUpstreamAdjoints(mlir::DialectRegistry &registry);
} // namespace pp::nn

#endif // PP_DIALECT_NN_TRANSFORMS_UPSTREAMADJOINTS_H
