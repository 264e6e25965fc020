//===- UpstreamSharding.h - Rules of arith and math ops ---------*- C++ -*-===//

#ifndef PP_DIALECT_NN_TRANSFORMS_UPSTREAMSHARDING_H
#define PP_DIALECT_NN_TRANSFORMS_UPSTREAMSHARDING_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace pp::nn {
/// Attaches ShardableOpInterface to the ops of `arith` and `math` that are
/// linear in some operand; the others have the rule of their elementwise trait.
void registerUpstreamSharding(mlir::DialectRegistry &registry);
} // namespace pp::nn

#endif // PP_DIALECT_NN_TRANSFORMS_UPSTREAMSHARDING_H
