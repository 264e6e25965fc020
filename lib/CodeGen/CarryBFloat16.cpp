//===- CarryBFloat16.cpp - bf16 as integers of 16 bits --------------------===//
//
// No arithmetic on bf16 is left, and yet LLVM computes with them: a choice
// between two, by a select or by control flow, becomes on x86 without
// instructions for bf16 a rounding of f32, a call of a function that most
// compilers' libraries lack. Integers are chosen as they are.
//
//===----------------------------------------------------------------------===//

#include "pp/CodeGen/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/BuiltinAttributes.h"

namespace pp {
#define GEN_PASS_DEF_CARRYBFLOAT16
#include "pp/CodeGen/Passes.h.inc"
} // namespace pp

using namespace mlir;

/// Whether `op` computes with floats, rather than moves them.
static bool isArithmetic(Operation *op) {
  if (isa<LLVM::FPExtOp, LLVM::FPTruncOp, LLVM::SIToFPOp, LLVM::UIToFPOp,
          LLVM::FPToSIOp, LLVM::FPToUIOp>(op))
    return true;
  return isa<LLVM::FastmathFlagsInterface>(op) &&
         !isa<LLVM::SelectOp, LLVM::CallOp>(op);
}

namespace {
struct CarryBFloat16 : pp::impl::CarryBFloat16Base<CarryBFloat16> {
  void runOnOperation() override {
    Type i16 = IntegerType::get(&getContext(), 16);
    AttrTypeReplacer replacer;
    replacer.addReplacement([&](BFloat16Type) { return i16; });
    replacer.addReplacement([&](FloatAttr number) -> std::optional<Attribute> {
      if (!number.getType().isBF16())
        return std::nullopt;
      return IntegerAttr::get(i16, number.getValue().bitcastToAPInt());
    });
    replacer.addReplacement(
        [&](DenseElementsAttr numbers) -> std::optional<Attribute> {
          if (!numbers.getElementType().isBF16())
            return std::nullopt;
          return numbers.bitcast(i16);
        });
    WalkResult result = getOperation()->walk([&](Operation *op) {
      if (op == getOperation())
        return WalkResult::advance();
      if (isArithmetic(op) && (llvm::any_of(op->getOperandTypes(), isNumber) ||
                               llvm::any_of(op->getResultTypes(), isNumber))) {
        op->emitOpError("found arithmetic on bf16, expected it as arithmetic "
                        "on f32: run pp-expand-bfloat16 before");
        return WalkResult::interrupt();
      }
      replacer.replaceElementsIn(op, /*replaceAttrs=*/true,
                                 /*replaceLocs=*/false, /*replaceTypes=*/true);
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

  static bool isNumber(Type type) {
    return getElementTypeOrSelf(type).isBF16();
  }
};
} // namespace
