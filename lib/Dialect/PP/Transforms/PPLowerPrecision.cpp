//===- PPLowerPrecision.cpp - From f32 to mixed precision -----------------===//
//
// Types at the borders of layers follow from the types there alone, so a layer
// is converted once, whoever applies it. Inside, each op decides by its
// operands: where one has become bf16, all do that were f32. What was not made
// from values that have become bf16 stays f32 until it meets one.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/PP/Transforms/Passes.h"

#include "pp/Dialect/NN/IR/NNOps.h"
#include "pp/Dialect/PP/IR/PPOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/CastInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"

namespace pp {
#define GEN_PASS_DEF_PPLOWERPRECISION
#include "pp/Dialect/PP/Transforms/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp;

static bool isF32(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getElementType().isF32();
}

static Type toBF16(Type type) {
  return cast<RankedTensorType>(type).clone(
      BFloat16Type::get(type.getContext()));
}

static Type toF32(Type type) {
  return cast<RankedTensorType>(type).clone(
      Float32Type::get(type.getContext()));
}

/// The type of what a layer takes, returns or has as a parameter.
static Type atBorder(Type type) {
  return isF32(type) && cast<RankedTensorType>(type).getRank() > 0
             ? toBF16(type)
             : type;
}

static SmallVector<Type> atBorder(TypeRange types) {
  SmallVector<Type> result;
  for (Type type : types)
    result.push_back(atBorder(type));
  return result;
}

namespace {
class LayerConversion {
public:
  explicit LayerConversion(LayerOp layer)
      : layer(layer), builder(layer.getContext()) {}
  LogicalResult run();

private:
  LogicalResult convert(Operation *op);
  bool convertConversion(Operation *op);
  void convertYield(Operation *yield);
  /// A bf16 version of `value`, in front of `user`.
  Value narrow(Value value, Operation *user);
  void setTypes(Operation *op, TypeRange types);
  bool isNarrowed(Value value) const { return narrowed.contains(value); }
  Value cast(Value value, Type type, Operation *user) {
    builder.setInsertionPoint(user);
    return nn::CastOp::create(builder, user->getLoc(), type, value);
  }

  LayerOp layer;
  OpBuilder builder;
  /// Values that were f32 and are bf16.
  DenseSet<Value> narrowed;
  bool hasFailed = false;
};

struct LowerPrecision : pp::impl::PPLowerPrecisionBase<LowerPrecision> {
  using PPLowerPrecisionBase::PPLowerPrecisionBase;
  void runOnOperation() override;
};
} // namespace

Value LayerConversion::narrow(Value value, Operation *user) {
  Type type = toBF16(value.getType());
  DenseElementsAttr constant;
  if (!matchPattern(value, m_Constant(&constant)))
    return cast(value, type, user);
  builder.setInsertionPoint(user);
  std::optional<float> lost;
  auto rounded = [&](APFloat number) {
    const APFloat before = number;
    bool ignored;
    number.convert(APFloat::BFloat(), APFloat::rmNearestTiesToEven, &ignored);
    if (before.isFinite() != number.isFinite() ||
        before.isZero() != number.isZero())
      lost = before.convertToFloat();
    return number.bitcastToAPInt();
  };
  Attribute number = constant.mapValues(builder.getBF16Type(), rounded);
  if (lost) {
    emitError(value.getLoc())
        << "found the constant " << *lost << " that becomes "
        << (std::abs(*lost) > 1 ? "infinite" : "0")
        << " in bf16, expected at most 3.38e38 and, but for 0, at least 1e-40 "
           "in size: correct it, or compile with --precision=f32";
    hasFailed = true;
  }
  return arith::ConstantOp::create(builder, value.getLoc(),
                                   llvm::cast<TypedAttr>(number));
}

/// Gives the results their types and notes those that have become bf16.
void LayerConversion::setTypes(Operation *op, TypeRange types) {
  for (auto [result, type] : llvm::zip_equal(op->getResults(), types)) {
    if (isF32(result.getType()) && type != result.getType())
      narrowed.insert(result);
    result.setType(type);
  }
}

/// Conversions between types, which say themselves what they make. True if `op`
/// is one.
bool LayerConversion::convertConversion(Operation *op) {
  if (op->getNumOperands() != 1 || op->getNumResults() != 1 ||
      !isa<CastOpInterface, nn::CastOp>(op))
    return false;
  OpOperand &operand = op->getOpOperand(0);
  if (!isNarrowed(operand.get()))
    return true;
  Type type = op->getResult(0).getType();
  auto conversion = dyn_cast<CastOpInterface>(op);
  // The bits of an f32 are meant (those of a bf16 of the model have 16), or a
  // type that the op cannot make of bf16, such as f16.
  if ((isa<arith::BitcastOp>(op) &&
       getElementTypeOrSelf(type).getIntOrFloatBitWidth() == 32) ||
      (conversion && type != operand.get().getType() && !isF32(type) &&
       !conversion.areCastCompatible(operand.get().getType(), type))) {
    operand.set(cast(operand.get(), toF32(operand.get().getType()), op));
  } else if (type == operand.get().getType() || isF32(type)) {
    // To bf16, or from f32 to itself.
    op->getResult(0).replaceAllUsesWith(operand.get());
    op->erase();
  }
  return true;
}

/// Scalars leave as f32, others as bf16.
void LayerConversion::convertYield(Operation *yield) {
  for (auto [operand, type] :
       llvm::zip_equal(yield->getOpOperands(), layer.getResultTypes())) {
    Value value = operand.get();
    Type wanted = atBorder(type);
    if (value.getType() == wanted)
      continue;
    operand.set(isNarrowed(value) ? cast(value, wanted, yield)
                                  : narrow(value, yield));
  }
}

LogicalResult LayerConversion::convert(Operation *op) {
  if (op->getNumRegions() != 0)
    return op->emitOpError("found regions in a layer, expected an op without: "
                           "a layer is a list of ops on tensors");
  if (convertConversion(op))
    return success();
  if (llvm::none_of(op->getOperands(),
                    [&](Value value) { return isNarrowed(value); }))
    return success();
  if (op->hasTrait<nn::SumsInFullPrecision>()) {
    for (OpOperand &operand : op->getOpOperands())
      if (isNarrowed(operand.get()))
        operand.set(cast(operand.get(), toF32(operand.get().getType()), op));
    return success();
  }
  for (OpOperand &operand : op->getOpOperands())
    if (isF32(operand.get().getType()))
      operand.set(narrow(operand.get(), op));
  SmallVector<Type> types;
  if (auto inferring = dyn_cast<InferTypeOpInterface>(op)) {
    if (failed(inferring.inferReturnTypes(
            op->getContext(), op->getLoc(), op->getOperands(),
            op->getRawDictionaryAttrs(), op->getPropertiesStorage(),
            op->getRegions(), types)))
      return failure();
  } else {
    for (Type type : op->getResultTypes())
      types.push_back(isF32(type) ? toBF16(type) : type);
  }
  setTypes(op, types);
  return success();
}

LogicalResult LayerConversion::run() {
  Block &body = layer.getBody().front();
  for (BlockArgument argument : body.getArguments()) {
    Type type = atBorder(argument.getType());
    if (type == argument.getType())
      continue;
    argument.setType(type);
    narrowed.insert(argument);
  }
  for (Operation &op : llvm::make_early_inc_range(body.without_terminator()))
    if (failed(convert(&op)))
      return failure();
  convertYield(body.getTerminator());
  layer.setFunctionType(builder.getFunctionType(
      body.getArgumentTypes(), atBorder(layer.getResultTypes())));
  return failure(hasFailed);
}

/// Parameters, and the results of applies.
static void convertModel(ModelOp model) {
  Builder builder(model.getContext());
  Block &body = model.getBody().front();
  for (BlockArgument argument : body.getArguments())
    argument.setType(atBorder(argument.getType()));
  model.setFunctionType(
      builder.getFunctionType(body.getArgumentTypes(), model.getResultTypes()));
  for (Operation &op : body)
    for (OpResult result : op.getResults())
      result.setType(atBorder(result.getType()));
}

void LowerPrecision::runOnOperation() {
  ModuleOp module = getOperation();
  if (type != "bf16" && type != "f32") {
    module.emitError("found precision '") << type << "', expected f32 or bf16";
    return signalPassFailure();
  }
  if (type == "f32")
    return;
  for (LayerOp layer : module.getOps<LayerOp>())
    if (failed(LayerConversion(layer).run()))
      return signalPassFailure();
  for (ModelOp model : module.getOps<ModelOp>())
    convertModel(model);
}
