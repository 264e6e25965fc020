//===- LayerDifferentiation.cpp - Functions of layers --------------------===//
//
// A layer becomes a function of its inputs, parameters and, where it drops
// elements, a key; that function is differentiated and thrown away. What its
// applies need can differ: the input of the first one may be data, a result may
// be unused. Each such combination is a variant of its own. It depends on the
// model only and not on the stages, so the bits of a layer do not either.
//
//===----------------------------------------------------------------------===//

#include "LayerDifferentiation.h"

#include "pp/Dialect/Comm/IR/CommDialect.h"
#include "pp/Dialect/NN/IR/NNOps.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace pp {

std::string FreeNames::take(const Twine &name) {
  std::string candidate = name.str();
  for (unsigned i = 1; !used.insert(candidate).second; ++i)
    candidate = (name + "." + Twine(i)).str();
  return candidate;
}

/// The dropouts of a layer that wait for a key. Two of them with the same site
/// would drop the same elements.
static LogicalResult collectDropouts(LayerOp layer,
                                     SmallVectorImpl<nn::DropoutOp> &dropouts) {
  DenseMap<int64_t, nn::DropoutOp> sites;
  for (auto dropout : layer.getBody().getOps<nn::DropoutOp>()) {
    if (dropout.getKey())
      continue;
    auto [entry, isNew] = sites.try_emplace(dropout.getSite(), dropout);
    if (!isNew) {
      InFlightDiagnostic diagnostic =
          dropout.emitOpError()
          << "found site " << int64_t(dropout.getSite()) << " twice in layer @"
          << layer.getSymName()
          << ", expected a site of its own for each dropout: number them";
      diagnostic.attachNote(entry->second.getLoc()) << "first used here";
      return diagnostic;
    }
    dropouts.push_back(dropout);
  }
  return success();
}

/// The layer as a function, with a key as last argument if it needs one.
static FailureOr<func::FuncOp> toFunction(LayerOp layer) {
  SmallVector<nn::DropoutOp> dropouts;
  if (failed(collectDropouts(layer, dropouts)))
    return failure();
  OpBuilder builder(layer);
  SmallVector<Type> arguments(layer.getArgumentTypes());
  if (!dropouts.empty())
    arguments.push_back(builder.getI64Type());
  auto function = func::FuncOp::create(
      builder, layer.getLoc(), layer.getSymName(),
      builder.getFunctionType(arguments, layer.getResultTypes()));
  StringRef distribution = comm::CommDialect::getDistributionName();
  for (unsigned i = 0; i < layer.getNumArguments(); ++i)
    if (Attribute attribute = layer.getArgAttr(i, distribution))
      function.setArgAttr(i, distribution, attribute);
  for (unsigned i = 0; i < layer.getNumResults(); ++i)
    if (Attribute attribute = layer.getResultAttr(i, distribution))
      function.setResultAttr(i, distribution, attribute);
  Block *body = function.addEntryBlock();
  IRMapping mapping;
  for (auto [from, to] :
       llvm::zip_first(layer.getBody().getArguments(), body->getArguments()))
    mapping.map(from, to);
  builder.setInsertionPointToStart(body);
  for (Operation &op : layer.getBody().front().without_terminator())
    builder.clone(op, mapping);
  SmallVector<Value> results;
  for (Value result : layer.getBody().front().getTerminator()->getOperands())
    results.push_back(mapping.lookup(result));
  func::ReturnOp::create(builder, layer.getLoc(), results);
  for (nn::DropoutOp dropout : dropouts)
    cast<nn::DropoutOp>(mapping.lookup(dropout.getOperation()))
        .getKeyMutable()
        .assign(body->getArguments().back());
  return function;
}

const LayerFunctions *LayerDifferentiation::get(LayerOp layer,
                                                ArrayRef<bool> wanted,
                                                ArrayRef<bool> seeded) {
  std::vector<bool> combination(wanted.begin(), wanted.end());
  combination.insert(combination.end(), seeded.begin(), seeded.end());
  std::pair<Operation *, std::vector<bool>> key(layer, combination);
  if (auto it = built.find(key); it != built.end())
    return &it->second;
  FailureOr<LayerFunctions> functions = build(layer, wanted, seeded);
  if (failed(functions))
    return nullptr;
  return &built.emplace(key, *functions).first->second;
}

FailureOr<LayerFunctions> LayerDifferentiation::build(LayerOp layer,
                                                      ArrayRef<bool> wanted,
                                                      ArrayRef<bool> seeded) {
  FailureOr<func::FuncOp> function = toFunction(layer);
  if (failed(function))
    return failure();
  LayerFunctions answer;
  answer.numInputs = layer.getNumInputs();
  answer.numParams = layer.getNumParams();
  answer.takesKey = function->getNumArguments() > layer.getNumArguments();

  nn::DifferentiationRequest request;
  request.forwardName = names.take(layer.getSymName() + ".forward");
  request.backwardName = names.take(layer.getSymName() + ".backward");
  request.wanted.assign(wanted.begin(), wanted.end());
  request.wanted.resize(function->getNumArguments(), false);
  request.accumulated.assign(function->getNumArguments(), false);
  for (unsigned i = 0; i < answer.numParams; ++i)
    request.accumulated[answer.numInputs + i] =
        llvm::is_contained(seeded, true);
  request.seeded.assign(seeded.begin(), seeded.end());
  auto differentiated = nn::differentiate(*function, request);
  function->erase();
  if (failed(differentiated))
    return failure();
  answer.functions = *differentiated;

  Builder builder(layer.getContext());
  func::FuncOp backward = answer.functions.backward;
  for (func::FuncOp half : {answer.functions.forward, backward})
    half->setAttr(attr::kLayerFunction, builder.getUnitAttr());
  if (backward.getNumResults() == 0) {
    backward.erase();
    answer.functions.backward = {};
    return answer;
  }
  for (unsigned i = 0; i < backward.getNumResults(); ++i) {
    bool isInput = i < answer.functions.firstSum();
    backward.setResultAttr(i, attr::kGrad,
                           builder.getStringAttr(isInput ? "input" : "param"));
    if (!isInput)
      backward.setResultAttr(
          i, attr::kAccumulates,
          builder.getI64IntegerAttr(answer.functions.firstAccumulator() + i -
                                    answer.functions.firstSum()));
  }
  return answer;
}

} // namespace pp
