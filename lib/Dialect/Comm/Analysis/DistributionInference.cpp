//===- DistributionInference.cpp - Distributions of all values ------------===//
//
// The state of the inference, and what it takes to be where a distribution was
// declared. The rules themselves are in OpInference.cpp.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/Comm/Analysis/DistributionInference.h"

#include "OpInference.h"

#include "pp/Dialect/Comm/IR/CommDialect.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace pp;
using namespace pp::comm;
using Kind = Distribution::Kind;

DistributionInference::DistributionInference(MeshOpInterface mesh) {
  for (auto [axis, size] : llvm::zip_equal(
           mesh.getAxes().getAsRange<StringAttr>(), mesh.getSizes()))
    if (size > 1 && mesh.isSpmd(axis))
      axes.push_back(axis);
}

void DistributionInference::set(Value value, DistributionAttr distribution) {
  SmallVector<Distribution, 3> state;
  for (StringAttr axis : axes)
    state.push_back(distribution ? distribution.lookup(axis)
                                 : Distribution::invariant());
  states[value] = state;
}

LogicalResult
DistributionInference::inferFunction(FunctionOpInterface function) {
  for (BlockArgument argument : function.getArguments())
    set(argument, getArgumentDistribution(function, argument.getArgNumber()));
  return infer(function.getFunctionBody().front());
}

LogicalResult DistributionInference::infer(Operation *op) {
  return OpInference(*this, op).run();
}

LogicalResult DistributionInference::infer(Block &block) {
  for (Operation &op : block.without_terminator())
    if (failed(infer(&op)))
      return failure();
  return success();
}

Distribution DistributionInference::lookup(Value value, unsigned axis) const {
  Distribution found = states.find(value)->second[axis];
  // No cotangent of an integer is ever asked for.
  bool isEqual = found.is(Kind::Invariant) || found.is(Kind::Replicated);
  if (isEqual && !isa<FloatType>(getElementTypeOrSelf(value.getType())))
    return Distribution::constant();
  return found;
}

DistributionAttr DistributionInference::getAttribute(Value value) const {
  auto it = states.find(value);
  if (it == states.end())
    return {};
  SmallVector<StringAttr> names;
  SmallVector<Distribution> distributions;
  for (auto [axis, distribution] : llvm::zip_equal(axes, it->second)) {
    if (distribution.is(Kind::Invariant))
      continue;
    names.push_back(axis);
    distributions.push_back(distribution);
  }
  if (names.empty())
    return {};
  return DistributionAttr::get(value.getContext(), names, distributions);
}

DistributionAttr DistributionInference::declareParts(Value cotangent,
                                                     Value value) {
  const SmallVector<Distribution, 3> parts = states[value];
  return declareParts(cotangent, parts);
}

DistributionAttr
DistributionInference::declareParts(Value value, ArrayRef<Distribution> parts) {
  SmallVector<StringAttr> names;
  SmallVector<Distribution> distributions;
  for (auto [number, axis, found, whole] :
       llvm::enumerate(axes, states[value], parts)) {
    bool isEqual = found.is(Kind::Replicated) || found.is(Kind::Constant);
    bool isPart = isEqual && whole.isSharded() ? repeatsAlong(value, whole.dim)
                                               : mayBe(value, number, whole);
    if (!isPart)
      continue;
    alternatives.erase({value, unsigned(number)});
    found = whole;
    names.push_back(axis);
    distributions.push_back(whole);
  }
  if (names.empty())
    return {};
  return DistributionAttr::get(value.getContext(), names, distributions);
}

bool DistributionInference::repeatsAlong(Value value, int64_t dim) const {
  if (isUniform(value, dim))
    return true;
  auto known = states.find(value);
  return known != states.end() &&
         cast<RankedTensorType>(value.getType()).getDimSize(dim) == 1 &&
         llvm::none_of(known->second, [&](Distribution one) {
           return one.isVarying() && (!one.isSharded() || one.dim == dim);
         });
}

LogicalResult DistributionInference::inferCall(Operation *call,
                                               FunctionOpInterface callee,
                                               ValueRange arguments) {
  for (auto [i, value] : llvm::enumerate(arguments))
    if (failed(check(value, getArgumentDistribution(callee, i), call,
                     "argument #" + Twine(i))))
      return failure();
  for (auto [i, value] : llvm::enumerate(call->getResults()))
    set(value, getResultDistribution(callee, i));
  return success();
}

std::string DistributionInference::getRemedy(Distribution found,
                                             Distribution expected,
                                             StringAttr axis) const {
  std::string over = " over [\"" + axis.str() + "\"]";
  auto dim = [](Distribution d) {
    return " dim(" + std::to_string(d.dim) + ")";
  };
  if (found.is(Kind::Partial) && expected.is(Kind::Invariant))
    return "sum it with comm.all_reduce sum" + over;
  if (found.is(Kind::Partial) && expected.is(Kind::Replicated))
    return "sum it with comm.all_reduce sum and comm.vary" + over;
  if (found.is(Kind::Partial) && expected.isSharded())
    return "sum it with comm.reduce_scatter sum" + over + dim(expected);
  if (found.is(Kind::PartialMax))
    return "take the maximum with comm.all_reduce max" + over;
  if (found.isSharded() && expected.is(Kind::Replicated))
    return "gather it with comm.all_gather" + over + dim(found);
  if (found.isSharded() && expected.is(Kind::Invariant))
    return "gather it with comm.all_gather" + over + dim(found) + " invariant";
  if (found.isSharded() && expected.isSharded())
    return "exchange dimensions with comm.all_to_all" + over + " split(" +
           std::to_string(expected.dim) + ") concat(" +
           std::to_string(found.dim) + ")";
  if (found.is(Kind::Invariant) && expected.is(Kind::Replicated))
    return "its gradient would miss a sum: put comm.vary" + over + " before it";
  if (found.is(Kind::Invariant) && expected.isSharded())
    return "take the coordinate's part with comm.slice" + over + dim(expected);
  if (found.is(Kind::Replicated) && expected.is(Kind::Invariant))
    return "its gradient would be partial: drop a comm.vary" + over +
           ", or declare it replicated";
  if (expected.is(Kind::Partial))
    return "a sum over" + over.substr(5) +
           " would count it too often: drop a reduction, or declare it " +
           found.str();
  return "declare it " + found.str();
}

DistributionAttr pp::comm::getArgumentDistribution(FunctionOpInterface function,
                                                   unsigned argument) {
  return function.getArgAttrOfType<DistributionAttr>(
      argument, CommDialect::getDistributionName());
}

DistributionAttr pp::comm::getResultDistribution(FunctionOpInterface function,
                                                 unsigned result) {
  return function.getResultAttrOfType<DistributionAttr>(
      result, CommDialect::getDistributionName());
}

bool pp::comm::hasDistributions(FunctionOpInterface function) {
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (getArgumentDistribution(function, i))
      return true;
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    if (getResultDistribution(function, i))
      return true;
  return function
      ->walk([](CollectiveOpInterface) { return WalkResult::interrupt(); })
      .wasInterrupted();
}

DistributionAttr pp::comm::getDual(DistributionAttr distribution) {
  if (!distribution)
    return {};
  SmallVector<Distribution> duals;
  for (Distribution one : distribution.getDistributions())
    duals.push_back(one.getDual());
  return DistributionAttr::get(distribution.getContext(),
                               distribution.getAxes(), duals);
}

bool pp::comm::isZero(Value value) {
  return matchPattern(value, m_AnyZeroFloat()) || matchPattern(value, m_Zero());
}

LogicalResult DistributionInference::check(Value value,
                                           DistributionAttr declared,
                                           Operation *user,
                                           const Twine &what) const {
  bool isFloat = isa<FloatType>(getElementTypeOrSelf(value.getType()));
  for (auto [number, axis] : llvm::enumerate(axes)) {
    Distribution found = lookup(value, number);
    Distribution expected =
        declared ? declared.lookup(axis) : Distribution::invariant();
    if (found == expected || isZero(value) || mayBe(value, number, expected))
      continue;
    bool isEqual = expected.is(Kind::Invariant) ||
                   expected.is(Kind::Replicated) ||
                   (expected.is(Kind::Constant) && !isFloat);
    if (found.is(Kind::Constant) && isEqual)
      continue;
    // The cotangent of each coordinate's own loss is 1.
    if (found.is(Kind::Constant) && expected == Distribution::varying())
      continue;
    // A broadcast is the broadcast of its parts.
    if ((found.is(Kind::Constant) || found.is(Kind::Replicated)) &&
        expected.isSharded() && isUniform(value, expected.dim))
      continue;
    // A part is a value of the coordinate's own; and that is a part of what it
    // is declared to be part of.
    if (found.isVarying() && expected == Distribution::varying())
      continue;
    if (found == Distribution::varying() &&
        (expected.isVarying() || expected.is(Kind::Partial)))
      continue;
    InFlightDiagnostic error = user->emitError()
                               << what << " on axis " << axis << ": found "
                               << found.str() << ", expected " << expected.str()
                               << ": " << getRemedy(found, expected, axis);
    error.attachNote(value.getLoc()) << "the value is made here";
    return error;
  }
  return success();
}
