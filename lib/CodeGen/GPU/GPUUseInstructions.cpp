//===- GPUUseInstructions.cpp - What devices have instructions for --------===//
//
// Kernels that wait for memory still have to do their arithmetic meanwhile: a
// rounding to bf16 by integers is six instructions instead of one, a power by
// its polynomial thirty instead of two. The approximation of exp(x) is off by
// 2^-22 and, as x log2 e is rounded, by |x| 2^-24; where the result is rounded
// to bf16 (2^-9) that is lost. Differences of nearly equal numbers show it, as
// they show the polynomial's own error, which is of the same size for small x.
//
// Ops of the LLVM dialect take the place of those that later passes expand. The
// emulation of kernels makes them the former ops again.
//
//===----------------------------------------------------------------------===//

#include "pp/CodeGen/GPU/Passes.h"

namespace pp {
#define GEN_PASS_DEF_GPUUSEINSTRUCTIONS
#include "pp/CodeGen/GPU/Passes.h.inc"
} // namespace pp

using namespace mlir;

/// True if all that is computed from `value` is rounded to bf16 before it
/// leaves its block.
static bool isOnlyRounded(Value value, unsigned depth = 0) {
  if (depth > 16)
    return false;
  return llvm::all_of(value.getUsers(), [&](Operation *user) {
    if (user->getBlock() != value.getParentBlock())
      return false;
    if (auto narrow = dyn_cast<arith::TruncFOp>(user))
      return narrow.getType().isBF16();
    bool isArithmetic =
        isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp,
            arith::NegFOp, arith::SelectOp>(user);
    return isArithmetic && isOnlyRounded(user->getResult(0), depth + 1);
  });
}

namespace {
struct GPUUseInstructions
    : pp::impl::GPUUseInstructionsBase<GPUUseInstructions> {
  void runOnOperation() override {
    getOperation().walk([](gpu::GPUFuncOp kernel) {
      SmallVector<math::ExpOp> powers;
      kernel.walk([&](math::ExpOp op) {
        bool isLoose =
            bitEnumContainsAny(op.getFastmath(), arith::FastMathFlags::afn);
        if (op.getType().isF32() && (isLoose || isOnlyRounded(op)))
          powers.push_back(op);
      });
      llvm::for_each(powers, approximate);
      kernel.walk([](arith::TruncFOp op) {
        if (!op.getIn().getType().isF32() || !op.getType().isBF16() ||
            op.getRoundingmodeAttr())
          return;
        OpBuilder builder(op);
        op.replaceAllUsesWith(Value(LLVM::FPTruncOp::create(
            builder, op.getLoc(), op.getType(), op.getIn())));
        op.erase();
      });
    });
  }

  /// exp(x) as 2^(x log2 e).
  static void approximate(math::ExpOp op) {
    OpBuilder builder(op);
    Location loc = op.getLoc();
    Value scale = arith::ConstantOp::create(
        builder, loc, builder.getF32FloatAttr(1.44269504f));
    Value scaled = arith::MulFOp::create(builder, loc, op.getOperand(), scale);
    // By name: as an op it would be one for the library, which is not there.
    auto power = LLVM::CallIntrinsicOp::create(
        builder, loc, TypeRange{op.getType()},
        builder.getStringAttr("llvm.exp2.f32"), ValueRange{scaled},
        LLVM::FastmathFlagsAttr::get(builder.getContext(),
                                     LLVM::FastmathFlags::afn));
    op.replaceAllUsesWith(power.getResult(0));
    op.erase();
  }
};
} // namespace
