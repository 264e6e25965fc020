//===- PPModelOps.cpp - Model level of the pp dialect ---------------------===//
//
// Layers print their parameters apart from their inputs, so their assembly is
// written by hand; a model is an ordinary function with one result.
//
//===----------------------------------------------------------------------===//

#include "Names.h"
#include "Numbers.h"
#include "Sharding.h"

#include "pp/Dialect/PP/IR/PPOps.h"

#include "pp/Dialect/Comm/Analysis/DistributionInference.h"
#include "pp/Dialect/NN/IR/NNAttributes.h"
#include "pp/Dialect/NN/IR/NNTraits.h"

#include "mlir/Interfaces/FunctionImplementation.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace pp;

static LogicalResult verifyRecompute(Operation *op,
                                     std::optional<StringRef> recompute) {
  if (!recompute || *recompute == "none" || *recompute == "full")
    return success();
  return op->emitOpError() << "found recompute = \"" << *recompute
                           << "\", expected \"none\" or \"full\"";
}

static bool isStaticTensor(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.hasStaticShape();
}

static bool isFloatTensor(Type type) {
  return isStaticTensor(type) &&
         isa<FloatType>(cast<RankedTensorType>(type).getElementType());
}

//===----------------------------------------------------------------------===//
// Layer
//===----------------------------------------------------------------------===//

ParseResult LayerOp::parse(OpAsmParser &parser, OperationState &result) {
  Builder &builder = parser.getBuilder();
  StringAttr name;
  SmallVector<OpAsmParser::Argument> arguments, params;
  (void)mlir::impl::parseOptionalVisibilityKeyword(parser, result.attributes);
  if (parser.parseSymbolName(name, getSymNameAttrName(result.name),
                             result.attributes) ||
      parser.parseArgumentList(arguments, OpAsmParser::Delimiter::Paren,
                               /*allowType=*/true, /*allowAttrs=*/true))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("params")) &&
      parser.parseArgumentList(params, OpAsmParser::Delimiter::Paren,
                               /*allowType=*/true, /*allowAttrs=*/true))
    return failure();
  SmallVector<Type> results;
  SmallVector<DictionaryAttr> resultAttributes;
  if (succeeded(parser.parseOptionalArrow()) &&
      call_interface_impl::parseFunctionResultList(parser, results,
                                                   resultAttributes))
    return failure();
  size_t numParams = params.size();
  arguments.append(params);
  SmallVector<Type> types;
  for (OpAsmParser::Argument &argument : arguments)
    types.push_back(argument.type);
  result.addAttribute(getFunctionTypeAttrName(result.name),
                      TypeAttr::get(builder.getFunctionType(types, results)));
  result.addAttribute(getNumParamsAttrName(result.name),
                      builder.getI64IntegerAttr(numParams));
  call_interface_impl::addArgAndResultAttrs(
      builder, result, arguments, resultAttributes,
      getArgAttrsAttrName(result.name), getResAttrsAttrName(result.name));
  if (parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();
  return parser.parseRegion(*result.addRegion(), arguments);
}

void LayerOp::print(OpAsmPrinter &p) {
  p << ' ';
  p.printSymbolName(getSymName());
  auto printArguments = [&](unsigned first, unsigned count) {
    p << '(';
    llvm::interleaveComma(llvm::seq(first, first + count), p, [&](unsigned i) {
      DictionaryAttr attributes = getArgAttrDict(i);
      p.printRegionArgument(getArgument(i), attributes
                                                ? attributes.getValue()
                                                : ArrayRef<NamedAttribute>());
    });
    p << ')';
  };
  printArguments(0, getNumInputs());
  if (getNumParams()) {
    p << " params";
    printArguments(getNumInputs(), getNumParams());
  }
  p << " -> ";
  ArrayRef<Type> results = getResultTypes();
  if (results.size() == 1 && !getResAttrsAttr()) {
    p << results.front();
  } else {
    p << '(';
    llvm::interleaveComma(llvm::enumerate(results), p, [&](auto result) {
      p << result.value();
      if (DictionaryAttr attributes = getResultAttrDict(result.index()))
        p.printOptionalAttrDict(attributes.getValue());
    });
    p << ')';
  }
  p.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(),
      {getSymNameAttrName(), getFunctionTypeAttrName(), getNumParamsAttrName(),
       getArgAttrsAttrName(), getResAttrsAttrName()});
  p << ' ';
  p.printRegion(getBody(), /*printEntryBlockArgs=*/false,
                /*printBlockTerminators=*/true);
}

LogicalResult LayerOp::verify() {
  if (getNumParams() > getNumArguments())
    return emitOpError() << "found num_params = " << getNumParams()
                         << ", expected at most the " << getNumArguments()
                         << " arguments of the layer";
  for (auto [i, type] : llvm::enumerate(getArgumentTypes()))
    if (!isStaticTensor(type))
      return emitOpError() << "found argument " << i << " of type " << type
                           << ", expected a tensor of static shape";
  for (auto [i, type] : llvm::enumerate(getResultTypes()))
    if (!isStaticTensor(type))
      return emitOpError() << "found result " << i << " of type " << type
                           << ", expected a tensor of static shape";
  for (auto [i, type] : llvm::enumerate(getParamTypes()))
    if (!isFloatTensor(type))
      return emitOpError() << "found parameter " << i << " of type " << type
                           << ", expected floats: pass integers as inputs";
  for (auto [i, type] : llvm::enumerate(getArgumentTypes()))
    if (failed(nn::detail::verifyElements(*this, "argument", i, type)))
      return failure();
  // LLVM would take the functions of the layer for instructions of its own.
  if (getSymName().starts_with("llvm."))
    return emitOpError() << "found the name '" << getSymName()
                         << "', expected one that does not begin with 'llvm.', "
                            "which LLVM keeps for itself: rename the layer";
  if (failed(nn::detail::verifyAttributes(*this, {getRecomputeAttrName()})))
    return failure();
  return verifyRecompute(*this, getRecompute());
}

LogicalResult LayerOp::verifyRegions() {
  // Ops of upstream's dialects have no limit of their own.
  WalkResult walk = getBody().walk([](Operation *op) {
    for (auto [i, type] : llvm::enumerate(op->getResultTypes())) {
      if (failed(nn::detail::verifyElements(op, "result", i, type)))
        return WalkResult::interrupt();
      Type element = getElementTypeOrSelf(type);
      if (!isa<FloatType>(element) || element.isF32() || element.isF64() ||
          element.isBF16() || element.isF16())
        continue;
      op->emitOpError() << "found a result of type " << type
                        << ", expected elements of f32, f64, bf16 or f16, or "
                           "integers: no code is made for others";
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  if (walk.wasInterrupted())
    return failure();
  auto yield = dyn_cast<YieldOp>(getBody().front().getTerminator());
  if (!yield)
    return emitOpError() << "expected pp.yield at the end";
  if (llvm::equal(yield.getOperandTypes(), getResultTypes()))
    return success();
  InFlightDiagnostic diagnostic = yield.emitOpError()
                                  << "found (" << yield.getOperandTypes()
                                  << "), expected the results ("
                                  << getResultTypes() << ") of the layer";
  diagnostic.attachNote(getLoc()) << "the layer is declared here";
  return diagnostic;
}

//===----------------------------------------------------------------------===//
// Model
//===----------------------------------------------------------------------===//

ParseResult ModelOp::parse(OpAsmParser &parser, OperationState &result) {
  auto buildType = [](Builder &builder, ArrayRef<Type> arguments,
                      ArrayRef<Type> results,
                      function_interface_impl::VariadicFlag, std::string &) {
    return builder.getFunctionType(arguments, results);
  };
  return function_interface_impl::parseFunctionOp(
      parser, result, /*allowVariadic=*/false,
      getFunctionTypeAttrName(result.name), buildType,
      getArgAttrsAttrName(result.name), getResAttrsAttrName(result.name));
}

void ModelOp::print(OpAsmPrinter &p) {
  function_interface_impl::printFunctionOp(
      p, *this, /*isVariadic=*/false, getFunctionTypeAttrName(),
      getArgAttrsAttrName(), getResAttrsAttrName());
}

StringRef ModelOp::getDataName(unsigned argument) {
  if (auto name = getArgAttrOfType<StringAttr>(argument, attr::kData))
    return name.getValue();
  static constexpr StringLiteral defaults[] = {"tokens", "targets"};
  auto isIds = [&](unsigned i) {
    return getElementTypeOrSelf(getArgumentTypes()[i]).isInteger(32);
  };
  if (!isIds(argument))
    return "";
  unsigned position = llvm::count_if(llvm::seq(0u, argument),
                                     [&](unsigned i) { return isIds(i); });
  return position < std::size(defaults) ? StringRef(defaults[position]) : "";
}

LogicalResult ModelOp::verify() {
  if (failed(nn::detail::verifyAttributes(*this, {})))
    return failure();
  ArrayRef<Type> results = getResultTypes();
  if (results.empty() || results.size() > 2 || !llvm::all_equal(results) ||
      !isFloatTensor(results.front()) ||
      cast<RankedTensorType>(results.front()).getRank() != 0)
    return emitOpError() << "found results (" << results
                         << "), expected one scalar loss such as tensor<f32>, "
                            "and at most its weight, of the same type";
  for (auto [i, type] : llvm::enumerate(getArgumentTypes()))
    if (!isStaticTensor(type))
      return emitOpError() << "found argument " << i << " of type " << type
                           << ", expected a tensor of static shape";
    else if (failed(nn::detail::verifyElements(*this, "argument", i, type)))
      return failure();
  llvm::StringMap<unsigned> names;
  for (unsigned i = 0, e = getNumArguments(); i != e; ++i) {
    StringRef name = getDataName(i);
    if (name.empty())
      return emitOpError() << "found argument " << i
                           << " without data, expected {pp.data = \"name\"}";
    auto [other, isNew] = names.try_emplace(name, i);
    if (!isNew)
      return emitOpError() << "found data '" << name << "' for arguments "
                           << other->second << " and " << i
                           << ", expected different names: set pp.data";
  }
  return success();
}

LogicalResult ModelOp::verifyRegions() {
  Block &block = getBody().front();
  auto result = dyn_cast<ReturnOp>(block.getTerminator());
  if (!result)
    return emitOpError() << "expected pp.return at the end";
  if (!llvm::equal(result.getOperandTypes(), getResultTypes())) {
    InFlightDiagnostic diagnostic = result.emitOpError()
                                    << "found (" << result.getOperandTypes()
                                    << "), expected the results ("
                                    << getResultTypes() << ") of the model";
    diagnostic.attachNote(getLoc()) << "the model is declared here";
    return diagnostic;
  }
  llvm::StringSet<> data;
  for (unsigned i = 0, e = getNumArguments(); i != e; ++i)
    data.insert(getDataName(i));
  llvm::StringMap<ParamOp> params;
  for (Operation &op : block.without_terminator()) {
    if (!isa<ParamOp, ApplyOp>(op))
      return op.emitError() << "found " << op.getName()
                            << " in a model, expected pp.param or pp.apply: "
                               "put computation into a pp.layer";
    auto param = dyn_cast<ParamOp>(op);
    if (!param)
      continue;
    if (data.contains(param.getName())) {
      InFlightDiagnostic diagnostic =
          param.emitOpError() << "found parameter '" << param.getName()
                              << "' with the name of data, expected different "
                                 "names: rename one";
      diagnostic.attachNote(getLoc()) << "the data is an argument here";
      return diagnostic;
    }
    auto [other, isNew] = params.try_emplace(param.getName(), param);
    if (isNew)
      continue;
    InFlightDiagnostic diagnostic =
        param.emitOpError() << "found parameter '" << param.getName()
                            << "' again, expected each name once: use the "
                               "first result to tie weights";
    diagnostic.attachNote(other->second.getLoc()) << "first defined here";
    return diagnostic;
  }
  return success();
}

LogicalResult ParamOp::verify() {
  if (getName().empty())
    return emitOpError() << "found an empty name, expected the name of the "
                            "tensor in a safetensors file";
  if (getName() == "__metadata__")
    return emitOpError() << "found the name '__metadata__', which a "
                            "safetensors file keeps for itself, expected "
                            "another: rename the parameter";
  if (failed(detail::verifyParameterName(*this, getName())))
    return failure();
  if (!llvm::json::isUTF8(getName()))
    return emitOpError() << "found a name that is not UTF-8, expected text: "
                            "safetensors files hold names as JSON";
  if (failed(nn::detail::verifyAttributes(*this, {getDecayAttrName()})) ||
      failed(nn::detail::verifyElements(*this, "result", 0, getType())))
    return failure();
  if (!isa<nn::InitializerAttrInterface>(getInit()))
    return emitOpError() << "found init(" << getInit()
                         << "), expected an initialiser such as "
                            "#nn.normal<std = 0.02> or #nn.zeros";
  return success();
}

LogicalResult ParamOp::verifySymbolUses(SymbolTableCollection &) {
  return detail::verifySharding(*this, getShardingAttr(),
                                cast<RankedTensorType>(getType()));
}

RankedTensorType ParamOp::getLocalType() {
  return detail::getLocalType(*this, getShardingAttr(),
                              cast<RankedTensorType>(getType()));
}

//===----------------------------------------------------------------------===//
// Apply
//===----------------------------------------------------------------------===//

// apply ::= symbol `(` inputs `)` (`params` `(` params `)`)?
//           (`sharding` `(` (sharding | `any`),* `)`)? attr-dict
//           `:` `(` types `)` (`params` `(` types `)`)? `->` results
ParseResult ApplyOp::parse(OpAsmParser &parser, OperationState &result) {
  FlatSymbolRefAttr callee;
  SmallVector<OpAsmParser::UnresolvedOperand> inputs, params;
  SmallVector<Type> inputTypes, paramTypes;
  if (parser.parseAttribute(callee, getCalleeAttrName(result.name),
                            result.attributes) ||
      parser.parseOperandList(inputs, OpAsmParser::Delimiter::Paren))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("params")) &&
      parser.parseOperandList(params, OpAsmParser::Delimiter::Paren))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("sharding"))) {
    SmallVector<Attribute> shardings;
    auto parseSharding = [&]() -> ParseResult {
      if (succeeded(parser.parseOptionalKeyword("any"))) {
        shardings.push_back(parser.getBuilder().getUnitAttr());
        return success();
      }
      ShardingAttr sharding;
      if (parser.parseAttribute(sharding))
        return failure();
      shardings.push_back(sharding);
      return success();
    };
    if (parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren,
                                       parseSharding))
      return failure();
    result.addAttribute(getShardingsAttrName(result.name),
                        parser.getBuilder().getArrayAttr(shardings));
  }
  if (parser.parseOptionalAttrDict(result.attributes) || parser.parseColon())
    return failure();
  auto parseTypes = [&](SmallVectorImpl<Type> &types) -> ParseResult {
    return parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, [&] {
      return parser.parseType(types.emplace_back());
    });
  };
  llvm::SMLoc typesLoc = parser.getCurrentLocation();
  if (parseTypes(inputTypes))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("params")) &&
      parseTypes(paramTypes))
    return failure();
  if (parser.parseArrowTypeList(result.types) ||
      parser.resolveOperands(inputs, inputTypes, typesLoc, result.operands) ||
      parser.resolveOperands(params, paramTypes, typesLoc, result.operands))
    return failure();
  result.addAttribute(getOperandSegmentSizesAttrName(result.name),
                      parser.getBuilder().getDenseI32ArrayAttr(
                          {int32_t(inputs.size()), int32_t(params.size())}));
  return success();
}

void ApplyOp::print(OpAsmPrinter &p) {
  p << ' ' << getCalleeAttr() << '(' << getInputs() << ')';
  if (!getParams().empty())
    p << " params(" << getParams() << ')';
  if (ArrayAttr shardings = getShardingsAttr()) {
    p << " sharding(";
    llvm::interleaveComma(shardings, p, [&](Attribute sharding) {
      if (isa<UnitAttr>(sharding))
        p << "any";
      else
        p << sharding;
    });
    p << ')';
  }
  p.printOptionalAttrDict((*this)->getAttrs(),
                          {getCalleeAttrName(), getShardingsAttrName(),
                           getOperandSegmentSizesAttrName()});
  p << " : (" << getInputs().getTypes() << ')';
  if (!getParams().empty())
    p << " params(" << getParams().getTypes() << ')';
  p.printArrowTypeList(getResultTypes());
}

LogicalResult ApplyOp::verify() {
  if (std::optional<uint64_t> stage = getStage())
    if (failed(verifyNumber(*this, "stage =", *stage, limits::kStages)))
      return failure();
  for (auto [i, param] : llvm::enumerate(getParams()))
    if (!param.getDefiningOp<ParamOp>())
      return emitOpError() << "found parameter " << i
                           << " that is no pp.param, expected values of the "
                              "computation among the inputs";
  if (failed(nn::detail::verifyAttributes(*this, {getStageAttrName(),
                                                  getRecomputeAttrName(),
                                                  getShardingsAttrName()})) ||
      failed(verifyRecompute(*this, getRecompute())))
    return failure();
  ArrayAttr shardings = getShardingsAttr();
  if (!shardings)
    return success();
  if (shardings.size() != getNumResults())
    return emitOpError() << "found " << shardings.size()
                         << " shardings, expected " << getNumResults()
                         << ", one for each result: write any for one that is "
                            "left to the compiler";
  for (auto [i, attribute] : llvm::enumerate(shardings)) {
    auto sharding = dyn_cast<ShardingAttr>(attribute);
    if (!sharding && !isa<UnitAttr>(attribute))
      return emitOpError() << "found " << attribute << " for result #" << i
                           << ", expected a #pp.sharding or any";
    if (!sharding)
      continue;
    if (llvm::is_contained(sharding.getPadded(), true))
      return emitOpError() << "found result #" << i
                           << " pinned padded, expected equal parts: only "
                              "parameters are padded";
    const bool isCut = llvm::any_of(
        sharding.getDims(), [](ArrayAttr axes) { return !axes.empty(); });
    if (isCut && !isFloatTensor(getResult(i).getType()))
      return emitOpError() << "found result #" << i << " of "
                           << getResult(i).getType()
                           << " pinned in parts, expected it whole, as what "
                              "holds no floats is: write {} for each dimension";
  }
  return success();
}

ShardingAttr ApplyOp::getResultSharding(unsigned result) {
  ArrayAttr shardings = getShardingsAttr();
  return shardings ? dyn_cast<ShardingAttr>(shardings[result]) : ShardingAttr();
}

/// A pin fits the result and the mesh; with a mesh results are parts, and the
/// layer says which.
static LogicalResult verifyPin(ApplyOp apply, LayerOp layer, unsigned result) {
  ShardingAttr sharding = apply.getResultSharding(result);
  if (!sharding)
    return success();
  auto type = cast<RankedTensorType>(apply.getResult(result).getType());
  MeshOpInterface mesh = findMesh(apply);
  // Its rank first: parts say how large the whole is.
  if (failed(sharding.verifyFor([&] { return apply.emitOpError(); }, type,
                                MeshOpInterface())) ||
      failed(pp::detail::verifySharding(
          apply, sharding, mesh ? sharding.getGlobalType(type, mesh) : type)))
    return failure();
  if (!mesh)
    return success();
  comm::DistributionAttr declared = comm::getResultDistribution(layer, result);
  for (auto axis : mesh.getAxes().getAsRange<StringAttr>()) {
    comm::Distribution expected = comm::Distribution::invariant();
    for (auto [dim, axes, blocks] :
         llvm::enumerate(sharding.getDims(), sharding.getBlocks()))
      if (llvm::is_contained(axes, axis))
        expected = comm::Distribution::varying(int64_t(dim), blocks);
    comm::Distribution found =
        declared ? declared.lookup(axis) : comm::Distribution::invariant();
    const bool isWhole = found.is(comm::Distribution::Kind::Invariant) ||
                         found.is(comm::Distribution::Kind::Replicated) ||
                         found.is(comm::Distribution::Kind::Constant);
    if (expected.isSharded() ? found == expected : isWhole)
      continue;
    InFlightDiagnostic error =
        apply.emitOpError()
        << "found result #" << result << " pinned " << expected.str()
        << " on axis " << axis << ", expected " << found.str()
        << " as the layer declares it: correct one of the two";
    error.attachNote(layer.getLoc()) << "the layer is defined here";
    return error;
  }
  return success();
}

static LogicalResult verifyTypes(ApplyOp apply, LayerOp layer, StringRef what,
                                 TypeRange found, TypeRange expected) {
  if (found == expected)
    return success();
  InFlightDiagnostic diagnostic = apply.emitOpError()
                                  << "found " << what << " (" << found
                                  << "), expected (" << expected << ") for @"
                                  << layer.getSymName();
  diagnostic.attachNote(layer.getLoc()) << "the layer is defined here";
  return diagnostic;
}

LogicalResult ApplyOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto layer = symbols.lookupNearestSymbolFrom<LayerOp>(*this, getCalleeAttr());
  if (!layer)
    return emitOpError() << "found no pp.layer " << getCalleeAttr()
                         << ", expected one in the module";
  SmallVector<Type> params;
  for (Value value : getParams()) {
    auto param = value.getDefiningOp<ParamOp>();
    params.push_back(param ? Type(param.getLocalType()) : value.getType());
  }
  if (failed(verifyTypes(*this, layer, "inputs", getInputs().getTypes(),
                         layer.getInputTypes())) ||
      failed(
          verifyTypes(*this, layer, "params", params, layer.getParamTypes())))
    return failure();
  if (failed(verifyTypes(*this, layer, "results", getResultTypes(),
                         layer.getResultTypes())))
    return failure();
  for (unsigned i = 0; i < getNumResults(); ++i)
    if (failed(verifyPin(*this, layer, i)))
      return failure();
  return success();
}
