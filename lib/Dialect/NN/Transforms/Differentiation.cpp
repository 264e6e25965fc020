//===- Differentiation.cpp - Reverse-mode differentiation ----------------===//
//
// One function holds both directions first: a copy of the forward body, below
// it the adjoint of each operation in reverse order, which reads forward values
// directly. Cleaning that function up (dead code, common subexpressions) acts
// over both directions at once. Only then is it cut in two, and whatever
// crosses the cut is what the backward has to be given.
//
// A function whose arguments and results say how they are distributed over a
// mesh hands that on: cotangents have the dual distributions, residuals those
// that the rules of the ops give. The result can then be proven as the function
// itself can.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/NN/Transforms/Differentiation.h"

#include "pp/Dialect/Comm/Analysis/DistributionInference.h"
#include "pp/Dialect/Comm/IR/CommDialect.h"
#include "pp/Dialect/NN/IR/NNOps.h"
#include "pp/Dialect/NN/Transforms/SavedValues.h"
#include "pp/Interfaces/AccumulatingOpInterface.h"
#include "pp/Interfaces/DifferentiableOpInterface.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/CSE.h"

using namespace mlir;

namespace pp::nn {
namespace {

/// A detached function
///   (arguments..., cotangents of seeded results..., accumulators...) ->
///   (outputs..., cotangents of arguments..., sums...)
struct JointFunction {
  OwningOpRef<func::FuncOp> function;
  unsigned numArguments = 0, numOutputs = 0;
  SmallVector<unsigned> seeds, accumulators, cotangents;

  Block &body() { return function->getBody().front(); }
};

/// Sums of bf16 are kept in f32.
Type accumulatorType(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.getElementType().isBF16())
    return type;
  return tensor.clone(Float32Type::get(type.getContext()));
}

bool isDifferentiable(Type type) {
  return isa<FloatType>(getElementTypeOrSelf(type));
}

/// Adds cotangents, and knows which values need one.
class ReversePass {
public:
  ReversePass(JointFunction &joint, OpBuilder &builder)
      : joint(joint), builder(builder) {}

  void activate(Value value) { active.insert(value); }
  void propagateActivity();
  void add(Value value, Value cotangent, bool isOwned = false);
  LogicalResult run(ArrayRef<Operation *> forward);
  Value lookup(Value value) const { return cotangents.lookup(value); }
  /// What was added, each with what it is a cotangent of.
  ArrayRef<std::pair<Value, Value>> getSummands() const { return summands; }

private:
  LogicalResult runOn(Operation *op);

  JointFunction &joint;
  OpBuilder &builder;
  DenseSet<Value> active;
  DenseMap<Value, Value> cotangents;
  SmallVector<std::pair<Value, Value>> summands;
  /// Values that are the cotangent of something: what is added must not be
  /// added to them.
  DenseSet<Value> published;
};

/// A value is active if it depends differentiably on an argument whose
/// cotangent is asked for.
void ReversePass::propagateActivity() {
  for (Operation &op : joint.body())
    if (llvm::any_of(op.getOperands(),
                     [&](Value operand) { return active.contains(operand); }))
      for (Value result : op.getResults())
        if (isDifferentiable(result.getType()))
          active.insert(result);
}

/// Adds `cotangent` to that of `value`. If `isOwned`, nothing else refers to
/// `cotangent` yet, so an op that can accumulate takes over the addition.
void ReversePass::add(Value value, Value cotangent, bool isOwned) {
  summands.push_back({cotangent, value});
  Value &sum = cotangents[value];
  auto accumulating = cotangent.getDefiningOp<AccumulatingOpInterface>();
  if (!sum) {
    sum = cotangent;
  } else if (isOwned && accumulating && !accumulating.getInit() &&
             cotangent.use_empty()) {
    // The sum may be of the same adjoint and stand behind.
    Operation *definition = sum.getDefiningOp();
    if (definition && !definition->isBeforeInBlock(accumulating))
      accumulating->moveAfter(definition);
    accumulating.getInitMutable().assign(sum);
    cotangent.setType(sum.getType());
    sum = cotangent;
  } else {
    if (cotangent.getType() != sum.getType())
      cotangent =
          CastOp::create(builder, cotangent.getLoc(), sum.getType(), cotangent);
    sum = arith::AddFOp::create(builder, cotangent.getLoc(), sum, cotangent);
  }
  published.insert(sum);
}

LogicalResult ReversePass::runOn(Operation *op) {
  SmallVector<Value> resultCotangents;
  for (Value result : op->getResults())
    resultCotangents.push_back(cotangents.lookup(result));
  if (llvm::none_of(resultCotangents, [](Value v) { return bool(v); }))
    return success();

  SmallVector<bool> needed;
  for (Value operand : op->getOperands())
    needed.push_back(active.contains(operand));
  if (!llvm::is_contained(needed, true))
    return success();

  auto differentiable = dyn_cast<DifferentiableOpInterface>(op);
  if (!differentiable)
    return op->emitError("'")
           << op->getName()
           << "' has no derivative, but a gradient must pass through it: "
              "express it by differentiable ops or implement "
              "DifferentiableOpInterface for it";

  SmallVector<Value> operandCotangents(op->getNumOperands());
  if (failed(differentiable.buildAdjoint(builder, resultCotangents, needed,
                                         operandCotangents)))
    return failure();
  for (unsigned i = op->getNumOperands(); i-- > 0;) {
    Value operand = op->getOperand(i), cotangent = operandCotangents[i];
    if (!needed[i] || !cotangent)
      continue;
    if (cotangent.getType() != operand.getType())
      return op->emitError("the adjoint of operand ")
             << i << " of '" << op->getName() << "' has type "
             << cotangent.getType() << ", expected that of the operand, "
             << operand.getType();
    bool isOwned = !published.contains(cotangent) &&
                   llvm::count(operandCotangents, cotangent) == 1;
    add(operand, cotangent, isOwned);
  }
  return success();
}

LogicalResult ReversePass::run(ArrayRef<Operation *> forward) {
  for (Operation *op : llvm::reverse(forward))
    if (failed(runOn(op)))
      return failure();
  return success();
}

LogicalResult verifyBody(func::FuncOp function) {
  if (!llvm::hasSingleElement(function.getBody()))
    return function.emitError("expected a function of one block, found ")
           << function.getBody().getBlocks().size()
           << ": differentiation knows no control flow";
  for (Operation &op : function.getBody().front().without_terminator())
    if (!isMemoryEffectFree(&op) || op.getNumRegions() != 0)
      return op.emitError("'")
             << op.getName()
             << "' cannot be differentiated: expected an op without regions "
                "and side effects";
  return success();
}

void eraseDeadOps(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (isOpTriviallyDead(&op))
      op.erase();
}

/// The distributions of all values of the joint function, where those of
/// `function` are known.
class JointDistributions {
public:
  /// Sets the arguments of the joint function: those of `function`, cotangents
  /// of the results `seeds`, and accumulators.
  JointDistributions(func::FuncOp function, JointFunction &joint,
                     ArrayRef<unsigned> seeds)
      : body(joint.body()) {
    if (!comm::hasDistributions(function))
      return;
    MeshOpInterface mesh = findMesh(function);
    if (!mesh)
      return;
    inference.emplace(mesh);
    for (unsigned i = 0; i < joint.numArguments; ++i)
      inference->set(body.getArgument(i),
                     comm::getArgumentDistribution(function, i));
    unsigned next = joint.numArguments;
    for (unsigned i : seeds)
      inference->set(body.getArgument(next++),
                     comm::getDual(comm::getResultDistribution(function, i)));
    for (unsigned i : joint.accumulators)
      inference->set(body.getArgument(next++),
                     comm::getDual(comm::getArgumentDistribution(function, i)));
  }

  LogicalResult infer() {
    return inference ? inference->infer(body) : success();
  }

  /// Infers, and declares of cotangents that repeat along a dimension whether
  /// they are parts along it: their values are, and nothing else may say so.
  LogicalResult inferAndDeclare(ArrayRef<std::pair<Value, Value>> summands) {
    if (!inference)
      return success();
    DenseMap<Value, Value> valueOf(summands.begin(), summands.end());
    for (Operation &op : body.without_terminator()) {
      if (failed(inference->infer(&op)))
        return failure();
      Value value =
          op.getNumResults() == 1 ? valueOf.lookup(op.getResult(0)) : Value();
      if (!value || !inference->isKnown(value))
        continue;
      if (comm::DistributionAttr parts =
              inference->declareParts(op.getResult(0), value))
        op.setAttr(comm::CommDialect::getDistributionName(), parts);
    }
    return success();
  }

  /// The attribute of a value, null where there is none to set.
  comm::DistributionAttr lookup(Value value) const {
    return inference ? inference->getAttribute(value)
                     : comm::DistributionAttr();
  }

private:
  Block &body;
  std::optional<comm::DistributionInference> inference;
};

FailureOr<JointFunction> buildJoint(func::FuncOp function,
                                    const DifferentiationRequest &request) {
  JointFunction joint;
  joint.function = function.clone();
  Block &body = joint.body();
  joint.numArguments = body.getNumArguments();
  Operation *terminator = body.getTerminator();
  joint.numOutputs = terminator->getNumOperands();
  SmallVector<Operation *> forward;
  for (Operation &op : body.without_terminator())
    forward.push_back(&op);

  OpBuilder builder(terminator);
  ReversePass pass(joint, builder);
  for (unsigned i = 0; i < joint.numArguments; ++i)
    if ((request.wanted[i] || request.accumulated[i]) &&
        isDifferentiable(body.getArgument(i).getType()))
      pass.activate(body.getArgument(i));
  pass.propagateActivity();

  SmallVector<std::pair<unsigned, BlockArgument>> seeds;
  for (unsigned i = 0; i < joint.numOutputs; ++i) {
    Value output = terminator->getOperand(i);
    if (request.seeded[i] && isDifferentiable(output.getType()))
      seeds.push_back({i, body.addArgument(output.getType(), output.getLoc())});
  }
  SmallVector<BlockArgument> accumulators;
  for (unsigned i = 0; i < joint.numArguments; ++i) {
    BlockArgument argument = body.getArgument(i);
    if (!request.accumulated[i] || !isDifferentiable(argument.getType()))
      continue;
    joint.accumulators.push_back(i);
    accumulators.push_back(body.addArgument(accumulatorType(argument.getType()),
                                            argument.getLoc()));
    // The first contribution lands on the accumulator.
    pass.add(argument, accumulators.back());
  }

  for (auto [output, seed] : llvm::reverse(seeds))
    pass.add(terminator->getOperand(output), seed);
  if (failed(pass.run(forward)))
    return failure();

  SmallVector<Value> results(terminator->getOperands());
  for (unsigned i = 0; i < joint.numArguments; ++i)
    if (Value cotangent = pass.lookup(body.getArgument(i));
        cotangent && request.wanted[i]) {
      joint.cotangents.push_back(i);
      results.push_back(cotangent);
    }
  for (unsigned i : joint.accumulators)
    results.push_back(pass.lookup(body.getArgument(i)));
  terminator->setOperands(results);

  eraseDeadOps(body);
  SmallVector<unsigned> seeded;
  for (auto [output, seed] : seeds)
    seeded.push_back(output);
  JointDistributions distributions(function, joint, seeded);
  if (failed(distributions.inferAndDeclare(pass.getSummands())))
    return failure();
  joint.function->setFunctionType(builder.getFunctionType(
      body.getArgumentTypes(), ValueRange(results).getTypes()));
  joint.function->removeArgAttrsAttr();
  joint.function->removeResAttrsAttr();
  IRRewriter rewriter(builder);
  DominanceInfo dominance(*joint.function);
  eliminateCommonSubExpressions(rewriter, dominance, *joint.function);

  // Drop the seeds that reach nothing.
  for (auto [output, seed] : llvm::reverse(seeds)) {
    if (seed.use_empty())
      body.eraseArgument(seed.getArgNumber());
    else
      joint.seeds.insert(joint.seeds.begin(), output);
  }
  return joint;
}

void setArgument(func::FuncOp function, unsigned i,
                 comm::DistributionAttr distribution) {
  if (distribution)
    function.setArgAttr(i, comm::CommDialect::getDistributionName(),
                        distribution);
}
void setResult(func::FuncOp function, unsigned i,
               comm::DistributionAttr distribution) {
  if (distribution)
    function.setResultAttr(i, comm::CommDialect::getDistributionName(),
                           distribution);
}

/// Builds `name` with the given block arguments from `ops` of the joint body.
func::FuncOp emit(OpBuilder &builder, func::FuncOp like, StringRef name,
                  ValueRange arguments, ArrayRef<Operation *> ops,
                  ValueRange results) {
  auto type = builder.getFunctionType(arguments.getTypes(), results.getTypes());
  auto function = func::FuncOp::create(builder, like.getLoc(), name, type);
  function.setPrivate();
  Block *body = function.addEntryBlock();
  IRMapping mapping;
  mapping.map(arguments, body->getArguments());
  OpBuilder inner = OpBuilder::atBlockEnd(body);
  for (Operation *op : ops)
    inner.clone(*op, mapping);
  SmallVector<Value> mapped;
  for (Value result : results)
    mapped.push_back(mapping.lookup(result));
  func::ReturnOp::create(inner, like.getLoc(), mapped);
  builder.setInsertionPointAfter(function);
  return function;
}

} // namespace

FailureOr<DifferentiatedFunction>
differentiate(func::FuncOp function, const DifferentiationRequest &request) {
  assert(request.wanted.size() == function.getNumArguments() &&
         request.accumulated.size() == function.getNumArguments() &&
         request.seeded.size() == function.getNumResults());
  if (failed(verifyBody(function)))
    return failure();
  FailureOr<JointFunction> joint = buildJoint(function, request);
  if (failed(joint))
    return failure();

  JointDistributions distributions(function, *joint, joint->seeds);
  if (failed(distributions.infer()))
    return failure();

  Block &body = joint->body();
  SavedValues selection(body, joint->numArguments, joint->numOutputs);
  ValueRange results = body.getTerminator()->getOperands();
  ValueRange outputs = results.take_front(joint->numOutputs);
  ValueRange arguments = body.getArguments();

  DifferentiatedFunction answer;
  answer.numOutputs = joint->numOutputs;
  answer.seeds = joint->seeds;
  answer.accumulators = joint->accumulators;
  answer.cotangents = joint->cotangents;

  SmallVector<Value> forwardResults(outputs);
  for (Value value : selection.getSaved()) {
    SavedValue entry;
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      entry = {SavedValue::Kind::Argument, argument.getArgNumber()};
    } else if (auto it = llvm::find(outputs, value); it != outputs.end()) {
      entry = {SavedValue::Kind::Output, unsigned(it - outputs.begin())};
    } else {
      entry = {SavedValue::Kind::Residual, answer.numResiduals++};
      forwardResults.push_back(value);
    }
    answer.saved.push_back(entry);
  }

  SmallVector<Operation *> forwardOps;
  SmallVector<Operation *> backwardOps(selection.getRepeated());
  for (Operation &op : body.without_terminator())
    (selection.isFirst(&op) ? forwardOps : backwardOps).push_back(&op);

  OpBuilder builder(function.getContext());
  builder.setInsertionPointAfter(function);
  answer.forward = emit(builder, function, request.forwardName,
                        arguments.take_front(joint->numArguments), forwardOps,
                        forwardResults);
  SmallVector<Value> backwardArguments(selection.getSaved());
  llvm::append_range(backwardArguments,
                     arguments.drop_front(joint->numArguments));
  answer.backward =
      emit(builder, function, request.backwardName, backwardArguments,
           backwardOps, results.drop_front(joint->numOutputs));

  // What was declared stays so; what is declared here is to be proven.
  for (unsigned i = 0; i < joint->numArguments; ++i)
    setArgument(answer.forward, i, comm::getArgumentDistribution(function, i));
  for (auto [i, value] : llvm::enumerate(forwardResults))
    setResult(answer.forward, i,
              i < joint->numOutputs ? comm::getResultDistribution(function, i)
                                    : distributions.lookup(value));
  for (auto [i, value] : llvm::enumerate(backwardArguments))
    setArgument(answer.backward, i, distributions.lookup(value));
  SmallVector<unsigned> gradients(joint->cotangents);
  llvm::append_range(gradients, joint->accumulators);
  for (auto [i, argument] : llvm::enumerate(gradients))
    setResult(answer.backward, i,
              comm::getDual(comm::getArgumentDistribution(function, argument)));
  return answer;
}

} // namespace pp::nn
