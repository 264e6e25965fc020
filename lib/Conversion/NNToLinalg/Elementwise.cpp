//===- Elementwise.cpp - One scalar at a time -----------------------------===//
//
// One pattern for all ops that compute each element alone: nn's own through
// their interface, arith's and math's by the op itself on scalars. Where the
// operands allow, the loops are rows and columns: an operand is the whole
// matrix, a number for each column (a bias), one for each row (a mean), or one
// for all.
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"
#include "Patterns.h"

#include "pp/Interfaces/ElementwiseOpInterface.h"

#include "mlir/Interfaces/CastInterfaces.h"

using namespace mlir;
using namespace pp;

/// Shape of an operand with leading ones to the rank of the result.
static SmallVector<int64_t> alignedShape(Value operand, int64_t rank) {
  ArrayRef<int64_t> shape = shapeOf(operand);
  SmallVector<int64_t> aligned(rank - shape.size(), 1);
  llvm::append_range(aligned, shape);
  return aligned;
}

/// The operand as an input of loops over rows and columns, if it is one.
static std::optional<Input> asRows(Emitter &emitter, Value operand,
                                   ArrayRef<int64_t> result) {
  SmallVector<int64_t> aligned = alignedShape(operand, result.size());
  ArrayRef<int64_t> leading = ArrayRef<int64_t>(aligned).drop_back();
  int64_t last = aligned.back();
  bool all = llvm::all_of(aligned, [](int64_t size) { return size == 1; });
  if (ArrayRef<int64_t>(aligned) == result)
    return Input{emitter.rows(emitter.reshape(operand, result)), {0, 1}};
  if (all)
    return Input{emitter.reshape(operand, ArrayRef<int64_t>()), {}};
  if (leading == result.drop_back() && last == 1)
    return Input{emitter.flat(operand), {0}};
  if (last == result.back() &&
      llvm::all_of(leading, [](int64_t size) { return size == 1; }))
    return Input{emitter.flat(operand), {1}};
  return std::nullopt;
}

/// The operand in loops over all dimensions of the result, without the
/// dimensions that repeat.
static Input asBroadcast(Emitter &emitter, Value operand,
                         ArrayRef<int64_t> result) {
  Input input;
  SmallVector<int64_t> shape;
  for (auto [dim, size] : llvm::enumerate(alignedShape(operand, result.size())))
    if (size == result[dim]) {
      input.dims.push_back(dim);
      shape.push_back(size);
    }
  input.tensor = emitter.reshape(operand, shape);
  return input;
}

/// Builds the loops for an op; `body` makes the scalar, of bf16 operands as
/// they are or of f32.
static Value buildLoops(Emitter &emitter, ValueRange operands,
                        RankedTensorType type, bool computesInBF16,
                        function_ref<Value(Emitter &, ValueRange)> body) {
  ArrayRef<int64_t> shape = type.getShape();
  // bf16 is only read and written: what is between is f32.
  auto scalar = [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
    SmallVector<Value> wide;
    for (Value value : scalars.drop_back())
      wide.push_back(computesInBF16 ? value : inner.widenScalar(value));
    return {inner.narrowScalar(body(inner, wide), type.getElementType())};
  };
  if (shape.size() >= 2) {
    SmallVector<Input> inputs;
    for (Value operand : operands)
      if (std::optional<Input> input = asRows(emitter, operand, shape))
        inputs.push_back(*input);
    if (inputs.size() == operands.size()) {
      int64_t columns = shape.back();
      Value init = emitter.empty({type.getNumElements() / columns, columns},
                                 type.getElementType());
      Value result =
          emitter.generic(2, {}, inputs, {{init, {0, 1}}}, scalar)[0];
      return emitter.reshape(result, type);
    }
  }
  SmallVector<Input> inputs;
  for (Value operand : operands)
    inputs.push_back(asBroadcast(emitter, operand, shape));
  SmallVector<int64_t> dims =
      llvm::to_vector(llvm::seq<int64_t>(0, shape.size()));
  Value init = emitter.empty(shape, type.getElementType());
  return emitter.generic(shape.size(), {}, inputs, {{init, dims}}, scalar)[0];
}

namespace {
struct LowerInterface : OpInterfaceRewritePattern<ElementwiseOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(ElementwiseOpInterface op,
                                PatternRewriter &rewriter) const override {
    Emitter emitter(rewriter, op->getLoc());
    Value result = buildLoops(
        emitter, op->getOperands(),
        cast<RankedTensorType>(op->getResult(0).getType()),
        /*computesInBF16=*/false, [&](Emitter &inner, ValueRange scalars) {
          return op.buildScalar(inner.builder, inner.loc, scalars);
        });
    rewriter.replaceOp(op, result);
    return success();
  }
};

/// arith and math ops on tensors.
struct LowerMappable : RewritePattern {
  LowerMappable(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    if (!OpTrait::hasElementwiseMappableTraits(op) || op->getNumResults() != 1)
      return failure();
    auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    if (!type || !type.hasStaticShape())
      return failure();
    // A scalar among tensors (the condition of a select) is taken as it is.
    SmallVector<Value> tensors;
    for (Value operand : op->getOperands())
      if (isa<RankedTensorType>(operand.getType()))
        tensors.push_back(operand);
    Emitter emitter(rewriter, op->getLoc());
    // A conversion says what it reads; only its types matter.
    bool converts = isa<CastOpInterface>(op);
    Type element = type.getElementType();
    if (element.isBF16() && !converts)
      element = rewriter.getF32Type();
    Value result =
        buildLoops(emitter, tensors, type, converts,
                   [&](Emitter &inner, ValueRange scalars) {
                     SmallVector<Value> operands;
                     for (Value operand : op->getOperands()) {
                       if (isa<RankedTensorType>(operand.getType())) {
                         operands.push_back(scalars.front());
                         scalars = scalars.drop_front();
                       } else {
                         // A scalar among tensors of bf16.
                         operands.push_back(
                             converts ? operand : inner.widenScalar(operand));
                       }
                     }
                     OperationState state(inner.loc, op->getName(), operands,
                                          {element}, op->getAttrs());
                     return inner.builder.create(state)->getResult(0);
                   });
    rewriter.replaceOp(op, result);
    return success();
  }
};
} // namespace

void pp::populateElementwisePatterns(RewritePatternSet &patterns) {
  patterns.add<LowerInterface, LowerMappable>(patterns.getContext());
}
