//===- MathFunctions.cpp - Functions of f32 as arithmetic -----------------===//
//
// The formulas stand in MathFunctions.mlir, where they can be read and run
// alone; here their bodies take the place of ops.
//
//===----------------------------------------------------------------------===//

#include "pp/CodeGen/MathFunctions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Parser/Parser.h"

using namespace mlir;

static constexpr unsigned char mathFunctions[] = {
#include "MathFunctions.inc"
};

namespace {
class Expansion {
public:
  explicit Expansion(ModuleOp library) : functions(library) {}

  void expand(Operation *op) {
    OpBuilder builder(op);
    loc = op->getLoc();
    if (auto power = dyn_cast<math::FPowIOp>(op)) {
      // Integers up to 2^53 are numbers of f64.
      Type f64 = builder.getF64Type();
      Value x = arith::ExtFOp::create(builder, loc, f64, power.getLhs());
      Value n = arith::SIToFPOp::create(builder, loc, f64, power.getRhs());
      Value wide = inlineBody(builder, "pow_wide", {x, n})[0];
      op->replaceAllUsesWith(
          ValueRange(arith::TruncFOp::create(builder, loc,
                                             op->getResult(0).getType(), wide)
                         .getResult()));
    } else {
      op->replaceAllUsesWith(ValueRange(
          call(builder, op->getName().stripDialect(), op->getOperands())));
    }
    op->erase();
  }

  /// Whether `expand` takes `op`.
  bool knows(Operation *op) {
    if (!isa_and_nonnull<math::MathDialect>(op->getDialect()))
      return false;
    auto type = dyn_cast<FloatType>(op->getOperand(0).getType());
    return type && type.getWidth() <= 32 &&
           (isa<math::FPowIOp>(op) ||
            functions.lookup(op->getName().stripDialect()));
  }

private:
  /// The function of f32, on operands that may be narrower.
  Value call(OpBuilder &builder, StringRef name, ValueRange operands) {
    Type type = operands[0].getType(), f32 = builder.getF32Type();
    SmallVector<Value> wide(operands);
    for (Value &operand : wide)
      if (operand.getType() != f32)
        operand = arith::ExtFOp::create(builder, loc, f32, operand);
    Value result = inlineBody(builder, name, wide)[0];
    if (type != f32 && result.getType() == f32)
      result = arith::TruncFOp::create(builder, loc, type, result);
    return result;
  }

  SmallVector<Value> inlineBody(OpBuilder &builder, StringRef name,
                                ValueRange operands) {
    Block &body = functions.lookup<func::FuncOp>(name).front();
    IRMapping mapping;
    mapping.map(body.getArguments(), operands);
    auto inside = [&](ValueRange values) {
      return llvm::map_to_vector(
          values, [&](Value value) { return mapping.lookup(value); });
    };
    for (Operation &op : body.without_terminator()) {
      if (auto inner = dyn_cast<func::CallOp>(op)) {
        mapping.map(op.getResults(), inlineBody(builder, inner.getCallee(),
                                                inside(inner.getOperands())));
        continue;
      }
      builder.clone(op, mapping)->setLoc(loc);
    }
    return inside(body.getTerminator()->getOperands());
  }

  SymbolTable functions;
  Location loc = UnknownLoc::get(functions.getOp()->getContext());
};
} // namespace

LogicalResult pp::expandMathFunctions(Operation *root) {
  OwningOpRef<ModuleOp> library = parseSourceString<ModuleOp>(
      StringRef(reinterpret_cast<const char *>(mathFunctions),
                sizeof(mathFunctions)),
      root->getContext(), "MathFunctions.mlir");
  if (!library)
    return failure();
  Expansion expansion(*library);
  SmallVector<Operation *> ops;
  root->walk([&](Operation *op) {
    if (expansion.knows(op))
      ops.push_back(op);
  });
  for (Operation *op : ops)
    expansion.expand(op);
  return success();
}
