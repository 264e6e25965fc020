//===- PPPlanOps.cpp - Plan level of the pp dialect -----------------------===//
//
// A stage is proven against the module here: every argument of its functions
// is bound, and what it names exists and has its type. That values are
// produced before they are consumed is a matter of the schedule, and so of
// pp-verify-plan.
//
//===----------------------------------------------------------------------===//

#include "Names.h"
#include "Numbers.h"
#include "Sharding.h"

#include "pp/Dialect/PP/IR/PPOps.h"

#include "pp/Dialect/NN/IR/NNAttributes.h"
#include "pp/Dialect/NN/IR/NNTraits.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace pp;

static LogicalResult verifyTensor(Operation *op, Type type, bool isFloat) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (tensor && tensor.hasStaticShape() &&
      (!isFloat || isa<FloatType>(tensor.getElementType())))
    return nn::detail::verifyElements(op, isFloat ? "parameter" : "input", 0,
                                      type);
  return op->emitOpError() << "found type " << type << ", expected a tensor of "
                           << (isFloat ? "floats of " : "") << "static shape";
}

LogicalResult InputOp::verify() {
  if (failed(verifyTensor(*this, getType(), /*isFloat=*/false)))
    return failure();
  int64_t rank = cast<RankedTensorType>(getType()).getRank();
  if (!getDistribution())
    return success();
  for (comm::Distribution one : getDistribution()->getDistributions())
    if (one.isSharded() && one.dim >= rank)
      return emitOpError()
             << "found " << one.str() << " of type " << getType()
             << ", which has " << rank
             << " dimensions: count them from 0, or write varying";
  return success();
}

LogicalResult pp::detail::verifyParameterName(Operation *op, StringRef name) {
  if (!name.starts_with("pprt_"))
    return success();
  return op->emitOpError() << "found the name '" << name
                           << "', expected one that does not begin with "
                              "'pprt_', as functions of the runtime do, which "
                              "programs call: rename the parameter";
}

LogicalResult ParameterOp::verify() {
  if (failed(detail::verifyParameterName(*this, getSymName())))
    return failure();
  if (!isa<nn::InitializerAttrInterface>(getInit()))
    return emitOpError() << "found init(" << getInit()
                         << "), expected an initialiser such as "
                            "#nn.normal<std = 0.02> or #nn.zeros";
  return verifyTensor(*this, getType(), /*isFloat=*/true);
}

/// Replicas of the pipeline on the module's mesh: 1 without any.
static int64_t countReplicas(Operation *op) {
  for (auto mesh : op->getParentOfType<ModuleOp>().getOps<MeshOp>())
    return mesh.getNumReplicas();
  return 1;
}

LogicalResult ParameterOp::verifySymbolUses(SymbolTableCollection &) {
  auto type = cast<RankedTensorType>(getType());
  if (failed(detail::verifySharding(*this, getShardingAttr(), type)))
    return failure();
  if (!getPiece() && getCut())
    return emitOpError("found a parameter that is cut into no pieces, expected "
                       "their size: add piece(...)");
  if (!getPiece())
    return success();
  const int64_t piece = *getPiece(), replicas = countReplicas(*this);
  const int64_t elements = getLocalType().getNumElements();
  const int64_t least = llvm::divideCeil(elements, replicas);
  if (piece >= least && piece % kPieceMultiple == 0 &&
      piece <= limits::kElements)
    return success();
  return emitOpError() << "found pieces of " << piece << " elements for "
                       << replicas << " replicas, expected a multiple of "
                       << kPieceMultiple << ", at least "
                       << llvm::alignTo(least, kPieceMultiple)
                       << ", so that they hold all " << elements;
}

int64_t ParameterOp::getNumPieces() {
  return getPiece() ? countReplicas(*this) : 1;
}

RankedTensorType ParameterOp::getPieceType() {
  RankedTensorType type = getLocalType();
  return getPiece() ? RankedTensorType::get(int64_t(*getPiece()),
                                            type.getElementType())
                    : type;
}

RankedTensorType ParameterOp::getGradientPieceType() {
  return pp::getGradientType(getPieceType());
}

uint64_t ParameterOp::getPaddedGradientBytes() {
  return std::max(getGradientType().getNumElements(),
                  getGradientPieceType().getNumElements() * getNumPieces()) *
         sizeof(float);
}

bool ParameterOp::isGradientOrPiece(Type type) {
  return type == getGradientType() || type == getGradientPieceType();
}

RankedTensorType pp::getGradientType(Type parameter) {
  auto type = cast<RankedTensorType>(parameter);
  if (!type.getElementType().isBF16())
    return type;
  return type.clone(Float32Type::get(type.getContext()));
}

RankedTensorType ParameterOp::getLocalType() {
  return detail::getLocalType(*this, getShardingAttr(),
                              cast<RankedTensorType>(getType()));
}

RankedTensorType ParameterOp::getGradientType() {
  return pp::getGradientType(getLocalType());
}

bool ParameterOp::hasMaster() {
  return pp::getGradientType(getType()) != getType();
}

bool ParameterOp::hasDecay() {
  return getDecay().value_or(cast<RankedTensorType>(getType()).getRank() >= 2);
}

//===----------------------------------------------------------------------===//
// States and optimizers
//===----------------------------------------------------------------------===//

LogicalResult StateOp::verify() {
  if (failed(detail::verifyParameterName(*this, getSymName())))
    return failure();
  if (isMaster() == getInit().has_value())
    return emitOpError() << "found a state of kind '" << getKind() << "' with"
                         << (getInit() ? "" : "out") << " init, expected "
                         << (isMaster() ? "none for a master, which starts as "
                                          "its parameter"
                                        : "an initialiser such as #nn.zeros");
  if (getInit() && !isa<nn::InitializerAttrInterface>(*getInit()))
    return emitOpError() << "found init(" << *getInit()
                         << "), expected an initialiser such as #nn.zeros";
  return success();
}

LogicalResult StateOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto parameter =
      symbols.lookupNearestSymbolFrom<ParameterOp>(*this, getParameterAttr());
  if (!parameter)
    return emitOpError() << "found no pp.parameter " << getParameterAttr()
                         << ", expected one in the module";
  const bool isOwn = isMaster() && !parameter.hasMaster();
  if (getType() == parameter.getUpdatedType() && !isOwn)
    return success();
  InFlightDiagnostic diagnostic = emitOpError();
  if (isOwn)
    diagnostic << "found a master of a parameter that is not bf16, expected "
                  "none: the parameter is its own";
  else
    diagnostic << "found type " << getType() << ", expected "
               << parameter.getUpdatedType() << " of gradients of "
               << getParameterAttr();
  diagnostic.attachNote(parameter.getLoc()) << "the parameter is defined here";
  return diagnostic;
}

LogicalResult OptimizerOp::verify() {
  llvm::StringSet<> seen;
  for (auto kind : getStates().getAsRange<StringAttr>())
    if (kind == StateOp::kMaster || !seen.insert(kind.getValue()).second)
      return emitOpError() << "found the state " << kind
                           << (kind == StateOp::kMaster
                                   ? ", expected moments alone: masters are "
                                     "those of parameters of bf16"
                                   : " twice, expected it once");
  for (auto other : (*this)->getParentOfType<ModuleOp>().getOps<OptimizerOp>())
    if (other != *this && other.getName() == getName() &&
        !other->isBeforeInBlock(*this)) {
      InFlightDiagnostic diagnostic =
          other.emitOpError() << "found the name '" << getName()
                              << "' again, expected one pp.optimizer of it";
      diagnostic.attachNote(getLoc()) << "it stands here, too";
      return diagnostic;
    }
  return success();
}

//===----------------------------------------------------------------------===//
// Stage
//===----------------------------------------------------------------------===//

FlatSymbolRefAttr StageOp::getFunctionFor(ActionKind kind) {
  switch (kind) {
  case ActionKind::F:
    return getForwardAttr();
  case ActionKind::B:
    return getBackwardAttr();
  case ActionKind::I:
    return getBackwardInputAttr();
  case ActionKind::W:
    return getBackwardWeightAttr();
  }
  llvm_unreachable("no such action");
}

LogicalResult StageOp::verify() {
  if (failed(verifyNumber(*this, "stage", getIndex(), limits::kStages)))
    return failure();
  if ((getBackwardInput() || getBackwardWeight()) && !getBackward())
    return emitOpError() << "found a half of the backward without the whole, "
                            "expected backward(...) too";
  return success();
}

/// An argument has one binding, and what it names exists with its type.
static LogicalResult verifyArgument(StageOp stage, func::FuncOp function,
                                    unsigned index,
                                    SymbolTableCollection &symbols) {
  auto report = [&]() {
    InFlightDiagnostic diagnostic = function.emitError();
    diagnostic.attachNote(stage.getLoc()) << "in the stage declared here";
    diagnostic << "argument " << index << " of @" << function.getSymName()
               << ": ";
    return diagnostic;
  };
  static constexpr StringLiteral bindings[] = {
      attr::kValue, attr::kParam, attr::kGrad, attr::kData, attr::kKey};
  unsigned found = llvm::count_if(bindings, [&](StringRef name) {
    return function.getArgAttr(index, name) != nullptr;
  });
  if (found != 1)
    return report() << "found " << found
                    << " bindings, expected one of pp.value, pp.param, "
                       "pp.grad, pp.data and pp.key";
  bool isGradient = function.getArgAttr(index, attr::kGrad) != nullptr;
  if (isGradient != (function.getArgAttr(index, attr::kUse) != nullptr))
    return report() << "found " << (isGradient ? "pp.grad" : "pp.use")
                    << " alone, expected pp.grad and pp.use together";

  Type type = function.getArgumentTypes()[index];
  if (function.getArgAttr(index, attr::kKey)) {
    if (!type.isInteger(64))
      return report() << "found a key of type " << type << ", expected i64";
    return success();
  }
  auto expectType = [&](Operation *definition, Type expected,
                        StringRef name) -> LogicalResult {
    if (type == expected)
      return success();
    InFlightDiagnostic diagnostic = report()
                                    << "found type " << type << ", expected "
                                    << expected << " of @" << name;
    diagnostic.attachNote(definition->getLoc()) << "defined here";
    return diagnostic;
  };
  if (auto data = function.getArgAttrOfType<StringAttr>(index, attr::kData)) {
    auto input = symbols.lookupNearestSymbolFrom<InputOp>(stage, data);
    if (!input)
      return report() << "found no pp.input @" << data.getValue()
                      << ", expected one in the module";
    return expectType(input, input.getType(), data);
  }
  auto name = function.getArgAttrOfType<StringAttr>(
      index, isGradient ? attr::kGrad : attr::kParam);
  if (!name)
    return success(); // A value: types are compared where it is produced.
  auto parameter = symbols.lookupNearestSymbolFrom<ParameterOp>(stage, name);
  if (!parameter)
    return report() << "found no pp.parameter @" << name.getValue()
                    << ", expected one in the module";
  if (isGradient)
    return expectType(parameter, parameter.getGradientType(), name);
  return expectType(parameter, parameter.getLocalType(), name);
}

static LogicalResult verifyResult(StageOp stage, func::FuncOp function,
                                  unsigned index) {
  auto report = [&]() {
    InFlightDiagnostic diagnostic = function.emitError();
    diagnostic.attachNote(stage.getLoc()) << "in the stage declared here";
    diagnostic << "result " << index << " of @" << function.getSymName()
               << ": ";
    return diagnostic;
  };
  auto accumulates =
      function.getResultAttrOfType<IntegerAttr>(index, attr::kAccumulates);
  bool isValue = function.getResultAttr(index, attr::kValue) != nullptr;
  if (isValue == (accumulates != nullptr))
    return report() << "found " << (isValue ? "both" : "none")
                    << " of pp.value and pp.accumulates, expected one";
  if (isValue)
    return success();
  int64_t argument = accumulates.getInt();
  if (argument >= function.getNumArguments() ||
      !function.getArgAttr(argument, attr::kGrad))
    return report() << "found pp.accumulates = " << argument
                    << ", expected the number of an argument with pp.grad";
  if (function.getResultTypes()[index] != function.getArgumentTypes()[argument])
    return report() << "found type " << function.getResultTypes()[index]
                    << ", expected " << function.getArgumentTypes()[argument]
                    << " of argument " << argument;
  return success();
}

LogicalResult StageOp::verifySymbolUses(SymbolTableCollection &symbols) {
  for (FlatSymbolRefAttr symbol :
       {getForwardAttr(), getBackwardAttr(), getBackwardInputAttr(),
        getBackwardWeightAttr()}) {
    if (!symbol)
      continue;
    Operation *callee = symbols.lookupNearestSymbolFrom(*this, symbol);
    if (!callee || !isa<FunctionOpInterface>(callee))
      return emitOpError() << "found no function " << symbol
                           << ", expected one in the module";
    // Once lowered, a function keeps no tensors to compare.
    auto function = dyn_cast<func::FuncOp>(callee);
    if (!function)
      continue;
    for (unsigned i = 0, e = function.getNumArguments(); i != e; ++i)
      if (failed(verifyArgument(*this, function, i, symbols)))
        return failure();
    for (unsigned i = 0, e = function.getNumResults(); i != e; ++i)
      if (failed(verifyResult(*this, function, i)))
        return failure();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Schedule
//===----------------------------------------------------------------------===//

LogicalResult ScheduleOp::verify() {
  int64_t microbatches = getMicrobatches(), rows = getRows().size();
  if (microbatches < 1 || microbatches > limits::kMicrobatches)
    return emitOpError() << "found " << microbatches
                         << " micro-batches, expected at least 1 and at most "
                         << limits::kMicrobatches;
  if (rows > limits::kRanks)
    return emitOpError() << "found " << rows << " rows, expected at most "
                         << limits::kRanks;
  for (auto [stage, pipe] : llvm::enumerate(getPlacement()))
    if (pipe < 0 || pipe >= rows)
      return emitOpError() << "found stage " << stage << " on pipe coordinate "
                           << pipe << ", expected one below the " << rows
                           << " rows of the schedule";
  const int64_t groups = getNumGroups(), replicas = getReplicas();
  if (groups < 1 || groups % replicas != 0 ||
      !llvm::isPowerOf2_64(groups / replicas) ||
      microbatches % (groups / replicas) != 0)
    return emitOpError() << "found " << groups << " groups for " << replicas
                         << " replicas of " << microbatches
                         << " micro-batches, expected the number of replicas "
                            "times a power of two that divides the "
                            "micro-batches of one";
  return success();
}

int64_t ScheduleOp::getReplicas() { return countReplicas(*this); }

int64_t ScheduleOp::getNumGroups() {
  return getGroups() ? int64_t(*getGroups()) : getReplicas();
}
