//===- FuseEpilogues.cpp - What a library does beside a product -----------===//
//
// A product of a layer is followed by its bias, and by its activation or by
// what it is added to (a residual, other parts of a cotangent), one of the
// backward by the derivative of the activation, and beside that of a weight
// gradient stands the sum that is the gradient of the bias. On nn ops all that
// is plain to see. What is fused depends on the ops of a layer and their shapes
// alone, so that a layer computes the same bits wherever it runs.
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"

#include "pp/Conversion/Passes.h"
#include "pp/Dialect/Kernel/IR/KernelOps.h"
#include "pp/Dialect/NN/IR/NNOps.h"

namespace pp {
#define GEN_PASS_DEF_FUSEEPILOGUES
#include "pp/Conversion/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp;
using namespace pp::nn;
using kernel::Epilogue;

/// Whether the library multiplies matrices of these elements.
static bool hasProduct(Value matrix) {
  return elementOf(matrix).isF32() || elementOf(matrix).isBF16();
}

/// Whether the library takes a matrix of these rows beside a product.
static bool fitsAux(Value matrix) { return shapeOf(matrix).back() % 8 == 0; }

static bool isTanh(StringRef approximate) { return approximate == "tanh"; }

namespace {
/// A product to be, and what its epilogue has.
struct Product {
  Value lhs, rhs, out;
  bool transposeA = false, transposeB = false, accumulate = false;
  Value bias, input, aux, sums;
};
} // namespace

static kernel::FusedGemmOp create(Emitter &emitter, Epilogue epilogue,
                                  const Product &product) {
  Value workspace = emitter.empty(1, emitter.builder.getF32Type());
  SmallVector<Type> results{product.out.getType()};
  for (Value value : {product.aux, product.sums})
    if (value)
      results.push_back(value.getType());
  results.push_back(workspace.getType());
  return kernel::FusedGemmOp::create(
      emitter.builder, emitter.loc, results, epilogue, product.lhs, product.rhs,
      product.bias, product.input, product.out, product.aux, product.sums,
      workspace, product.transposeA, product.transposeB, product.accumulate);
}

/// The product of a linear, without its bias, with a result of its own.
static Product productOf(Emitter &emitter, LinearOp op) {
  Product product;
  product.lhs = emitter.rows(op.getInput());
  product.rhs = op.getWeight();
  product.transposeB = op.getTransposed();
  int64_t columns = shapeOf(op.getResult()).back();
  product.out = emitter.empty({shapeOf(product.lhs)[0], columns},
                              elementOf(op.getInput()));
  return product;
}

/// The sum of the product and a matrix like it; nothing else sees the product.
static Operation *sumOf(LinearOp op) {
  if (!op->hasOneUse())
    return nullptr;
  Operation *sum = *op->user_begin();
  if (!isa<AddOp, arith::AddFOp>(sum) || sum->getBlock() != op->getBlock() ||
      sum->getOperandTypes() != TypeRange({op.getType(), op.getType()}) ||
      sum->getResultTypes() != TypeRange(op.getType()))
    return nullptr;
  return sum;
}

/// A sum, with the bias if there is one.
static bool fuseSum(LinearOp op) {
  Operation *sum = sumOf(op);
  if (!sum || !hasProduct(op.getInput()))
    return false;
  Value other = sum->getOperand(sum->getOperand(0) == op.getResult() ? 1 : 0);
  OpBuilder builder(sum);
  Emitter emitter(builder, op.getLoc());
  Product product = productOf(emitter, op);
  product.bias = op.getBias();
  product.input = emitter.rows(other);
  kernel::FusedGemmOp fused = create(emitter, Epilogue::Add, product);
  sum->getResult(0).replaceAllUsesWith(
      emitter.reshape(fused->getResult(0), op.getType()));
  sum->erase();
  op.erase();
  return true;
}

/// A bias, the activation, or both.
static void fuseForward(LinearOp op, bool withGelu) {
  if (!hasProduct(op.getInput()))
    return;
  GeluOp gelu;
  if (withGelu && fitsAux(op.getResult()))
    for (Operation *user : op->getUsers())
      if (auto found = dyn_cast<GeluOp>(user);
          found && isTanh(found.getApproximate()) && !gelu)
        gelu = found;
  if (!op.getBias() && !gelu)
    return;
  OpBuilder builder(op);
  Emitter emitter(builder, op.getLoc());
  Product product = productOf(emitter, op);
  product.bias = op.getBias();
  if (gelu)
    product.aux = emitter.empty(shapeOf(product.out), elementOf(product.out));
  kernel::FusedGemmOp fused =
      create(emitter, gelu ? Epilogue::Gelu : Epilogue::Bias, product);
  if (gelu) {
    gelu.replaceAllUsesWith(
        emitter.reshape(fused->getResult(0), gelu.getType()));
    gelu.erase();
  }
  op.replaceAllUsesWith(
      emitter.reshape(fused->getResult(gelu ? 1 : 0), op.getType()));
  op.erase();
}

/// The cotangent of an activation.
static void fuseBackward(GeluGradOp op) {
  auto linear = op.getDy().getDefiningOp<LinearOp>();
  if (!linear || linear.getBias() || !linear->hasOneUse() ||
      !hasProduct(op.getInput()) || !isTanh(op.getApproximate()) ||
      !fitsAux(op.getInput()))
    return;
  OpBuilder builder(op);
  Emitter emitter(builder, op.getLoc());
  Product product = productOf(emitter, linear);
  product.input = emitter.rows(op.getInput());
  kernel::FusedGemmOp fused = create(emitter, Epilogue::GeluGrad, product);
  op.replaceAllUsesWith(emitter.reshape(fused->getResult(0), op.getType()));
  op.erase();
  linear.erase();
}

static Value beforeReshapes(Value value) {
  while (auto reshape = value.getDefiningOp<ReshapeOp>())
    value = reshape.getInput();
  return value;
}

/// Whether `op` sums a matrix, with leading dimensions collapsed, over its
/// rows.
static bool sumsRows(ReduceSumOp op) {
  int64_t rank = shapeOf(op.getInput()).size();
  SmallVector<int64_t> axes(op.getAxes());
  llvm::sort(axes);
  return rank >= 2 && !op.getKeepdims() &&
         llvm::equal(axes, llvm::seq<int64_t>(0, rank - 1));
}

/// Whether `matrix` is `value`, with leading dimensions collapsed.
static bool isRowsOf(Value matrix, Value value) {
  return beforeReshapes(matrix) == beforeReshapes(value) &&
         shapeOf(matrix).back() == shapeOf(value).back();
}

/// The gradient of a bias beside that of its weight.
static void fuseSums(ReduceSumOp op) {
  if (!hasProduct(op.getInput()) || !elementOf(op.getResult()).isF32() ||
      !sumsRows(op))
    return;
  for (auto matmul : op->getBlock()->getOps<MatmulOp>()) {
    if (shapeOf(matmul.getLhs()).size() != 2 || !hasProduct(matmul.getLhs()) ||
        !elementOf(matmul.getResult()).isF32())
      continue;
    bool isLhs =
        matmul.getTransposeA() && isRowsOf(matmul.getLhs(), op.getInput());
    bool isRhs =
        !matmul.getTransposeB() && isRowsOf(matmul.getRhs(), op.getInput());
    bool isFirst = op->isBeforeInBlock(matmul);
    // What uses the sum must stand behind the product that makes it.
    if ((!isLhs && !isRhs) ||
        (isFirst && llvm::any_of(op->getUsers(), [&](Operation *user) {
           return user->getBlock() != op->getBlock() ||
                  user->isBeforeInBlock(matmul);
         })))
      continue;
    OpBuilder builder(matmul);
    Emitter emitter(builder, matmul.getLoc());
    Product product;
    product.lhs = matmul.getLhs();
    product.rhs = matmul.getRhs();
    product.transposeA = matmul.getTransposeA();
    product.transposeB = matmul.getTransposeB();
    product.accumulate = static_cast<bool>(matmul.getInit());
    Type f32 = builder.getF32Type();
    product.out = product.accumulate
                      ? matmul.getInit()
                      : emitter.empty(shapeOf(matmul.getResult()), f32);
    product.sums = emitter.empty(shapeOf(op.getResult()), f32);
    kernel::FusedGemmOp fused =
        create(emitter, isRhs ? Epilogue::RhsSums : Epilogue::LhsSums, product);
    Value sums = fused->getResult(1);
    if (op.getInit()) {
      if (!isFirst)
        builder.setInsertionPoint(op);
      sums = emitter.generic(
          1, {}, {{sums, {0}}}, {{op.getInit(), {0}}},
          [](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
            return {inner.add(scalars[1], scalars[0])};
          })[0];
    }
    op.replaceAllUsesWith(sums);
    op.erase();
    matmul.replaceAllUsesWith(fused->getResult(0));
    matmul.erase();
    return;
  }
}

namespace {
struct FuseEpilogues : pp::impl::FuseEpiloguesBase<FuseEpilogues> {
  using FuseEpiloguesBase::FuseEpiloguesBase;

  void runOnOperation() override {
    // Those of the backward first: their linears have no bias.
    if (gelu)
      forEach<GeluGradOp>(fuseBackward);
    forEach<LinearOp>([&](LinearOp op) {
      if (!fuseSum(op))
        fuseForward(op, gelu);
    });
    forEach<ReduceSumOp>(fuseSums);
  }

  template <typename OpTy> void forEach(llvm::function_ref<void(OpTy)> fuse) {
    SmallVector<OpTy> ops;
    getOperation().walk([&](OpTy op) { ops.push_back(op); });
    for (OpTy op : ops)
      fuse(op);
  }
};
} // namespace
