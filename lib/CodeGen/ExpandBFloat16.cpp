//===- ExpandBFloat16.cpp - bf16 by f32 and integers ----------------------===//
//
// CPUs that have no bf16 would call a function of the compiler's library for
// each rounding, and those that have it flush small numbers to zero: integer
// arithmetic vectorises and gives the same bits everywhere.
//
//===----------------------------------------------------------------------===//

#include "pp/CodeGen/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace pp {
#define GEN_PASS_DEF_EXPANDBFLOAT16
#include "pp/CodeGen/Passes.h.inc"
} // namespace pp

using namespace mlir;

static bool isBFloat16(Type type) { return type.isBF16(); }

/// Ops that move bits only, or are expanded below.
static bool isLegal(Operation *op) {
  if (!isa<arith::ArithDialect, math::MathDialect>(op->getDialect()) ||
      isa<arith::ConstantOp, arith::BitcastOp, arith::SelectOp, arith::ExtFOp,
          arith::TruncFOp>(op))
    return true;
  return llvm::none_of(op->getOperandTypes(), isBFloat16) &&
         llvm::none_of(op->getResultTypes(), isBFloat16);
}

/// Computes `op` on f32 and rounds its results.
static void widen(Operation *op) {
  OpBuilder builder(op);
  Location loc = op->getLoc();
  // An i32 does not fit into an f32: rounding twice would show.
  Type wide = isa<arith::SIToFPOp, arith::UIToFPOp>(op)
                  ? Type(builder.getF64Type())
                  : Type(builder.getF32Type());
  for (OpOperand &operand : op->getOpOperands())
    if (isBFloat16(operand.get().getType()))
      operand.set(arith::ExtFOp::create(builder, loc, wide, operand.get()));
  builder.setInsertionPointAfter(op);
  for (OpResult result : op->getResults()) {
    if (!isBFloat16(result.getType()))
      continue;
    result.setType(wide);
    auto rounded =
        arith::TruncFOp::create(builder, loc, builder.getBF16Type(), result);
    result.replaceAllUsesExcept(rounded, rounded);
  }
}

/// Goes from f64 to bf16 through an f32 that is rounded to odd: its last bit
/// remembers that something was lost, so that the second rounding sees no tie
/// where there was none.
static void narrowInSteps(arith::TruncFOp op) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  Type i32 = builder.getI32Type(), f64 = builder.getF64Type();
  auto constant = [&](int32_t value) -> Value {
    return arith::ConstantOp::create(builder, loc,
                                     builder.getI32IntegerAttr(value));
  };
  auto select = [&](Value condition, Value a, Value b) -> Value {
    return arith::SelectOp::create(builder, loc, condition, a, b);
  };
  Value x = op.getIn();
  Value nearest =
      arith::TruncFOp::create(builder, loc, builder.getF32Type(), x);
  Value back = arith::ExtFOp::create(builder, loc, f64, nearest);
  Value inexact =
      arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::ONE, back, x);
  Value beyond = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OGT,
                                       math::AbsFOp::create(builder, loc, back),
                                       math::AbsFOp::create(builder, loc, x));
  Value bits = arith::BitcastOp::create(builder, loc, i32, nearest);
  Value isEven = arith::CmpIOp::create(
      builder, loc, arith::CmpIPredicate::eq,
      arith::AndIOp::create(builder, loc, bits, constant(1)), constant(0));
  // The magnitude of a float grows with its bits.
  Value other = arith::AddIOp::create(
      builder, loc, bits, select(beyond, constant(-1), constant(1)));
  Value move = arith::AndIOp::create(builder, loc, inexact, isEven);
  Value odd = arith::BitcastOp::create(builder, loc, builder.getF32Type(),
                                       select(move, other, bits));
  op.getInMutable().assign(odd);
}

namespace {
/// Rounds an f32. The choice for NaN is made on 32 bits: LLVM would turn one on
/// 16 into a choice between numbers of bf16, and x86 makes of some of those a
/// call of a function for rounding that no library has.
struct RoundF32 : OpRewritePattern<arith::TruncFOp> {
  RoundF32(MLIRContext *context) : OpRewritePattern(context, /*benefit=*/2) {}

  LogicalResult matchAndRewrite(arith::TruncFOp op,
                                PatternRewriter &rewriter) const override {
    Value x = op.getIn();
    if (!x.getType().isF32() || !isBFloat16(op.getType()) ||
        op.getRoundingmodeAttr())
      return failure();
    Location loc = op.getLoc();
    Type i32 = rewriter.getI32Type();
    auto constant = [&](int32_t value) -> Value {
      return arith::ConstantOp::create(rewriter, loc,
                                       rewriter.getI32IntegerAttr(value));
    };
    Value isNaN =
        arith::CmpFOp::create(rewriter, loc, arith::CmpFPredicate::UNO, x, x);
    Value bits = arith::BitcastOp::create(rewriter, loc, i32, x);
    Value sixteen = constant(16);
    Value isOdd = arith::AndIOp::create(
        rewriter, loc, arith::ShRUIOp::create(rewriter, loc, bits, sixteen),
        constant(1));
    Value bias = arith::AddIOp::create(rewriter, loc, isOdd, constant(0x7fff));
    Value rounded = arith::AddIOp::create(rewriter, loc, bits, bias);
    // Both depend on x: a constant would be moved to the end all the same.
    Value quiet = arith::OrIOp::create(rewriter, loc, bits, constant(0x400000));
    Value chosen =
        arith::SelectOp::create(rewriter, loc, isNaN, quiet, rounded);
    Value half = arith::TruncIOp::create(
        rewriter, loc, rewriter.getI16Type(),
        arith::ShRUIOp::create(rewriter, loc, chosen, sixteen));
    rewriter.replaceOpWithNewOp<arith::BitcastOp>(op, op.getType(), half);
    return success();
  }
};

struct ExpandBFloat16 : pp::impl::ExpandBFloat16Base<ExpandBFloat16> {
  void runOnOperation() override {
    SmallVector<Operation *> illegal;
    getOperation()->walk([&](Operation *op) {
      if (!isLegal(op))
        illegal.push_back(op);
    });
    llvm::for_each(illegal, widen);
    getOperation()->walk([](arith::TruncFOp op) {
      if (op.getIn().getType().isF64() && isBFloat16(op.getType()))
        narrowInSteps(op);
    });
    getOperation()->walk([](arith::ExtFOp op) {
      if (!isBFloat16(op.getIn().getType()) || !op.getType().isF64())
        return;
      OpBuilder builder(op);
      op.getInMutable().assign(arith::ExtFOp::create(
          builder, op.getLoc(), builder.getF32Type(), op.getIn()));
    });
    RewritePatternSet patterns(&getContext());
    arith::populateExpandBFloat16Patterns(patterns);
    patterns.add<RoundF32>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
