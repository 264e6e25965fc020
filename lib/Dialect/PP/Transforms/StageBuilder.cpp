//===- StageBuilder.cpp - A function of a stage under construction -------===//

#include "StageBuilder.h"

#include "pp/Dialect/Comm/IR/CommDialect.h"
#include "pp/Dialect/NN/IR/NNOps.h"
#include "pp/Dialect/PP/IR/PPOps.h"

using namespace mlir;

namespace pp {

StageBuilder::StageBuilder(OpBuilder &module, Location loc, StringRef name)
    : builder(module), loc(loc) {
  function =
      func::FuncOp::create(module, loc, name, module.getFunctionType({}, {}));
  function.setPrivate();
  builder.setInsertionPointToStart(function.addEntryBlock());
}

/// The attributes of an argument or a result: `attributes` and, if it has one,
/// the distribution.
static DictionaryAttr withDistribution(MLIRContext *context,
                                       ArrayRef<NamedAttribute> attributes,
                                       comm::DistributionAttr distribution) {
  NamedAttrList all(attributes);
  if (distribution)
    all.set(comm::CommDialect::getDistributionName(), distribution);
  return all.getDictionary(context);
}

Value StageBuilder::getArgument(StringRef attribute, Attribute name, Type type,
                                comm::DistributionAttr distribution) {
  Value &argument = bound[{builder.getStringAttr(attribute), name}];
  if (!argument) {
    argument = function.getBody().front().addArgument(type, loc);
    argumentAttributes.push_back(
        withDistribution(builder.getContext(),
                         builder.getNamedAttr(attribute, name), distribution));
  }
  return argument;
}

Value StageBuilder::getValue(StringRef name, Type type,
                             comm::DistributionAttr distribution) {
  return getArgument(attr::kValue, builder.getStringAttr(name), type,
                     distribution);
}
Value StageBuilder::getParam(StringRef name, Type type,
                             comm::DistributionAttr distribution) {
  return getArgument(attr::kParam, builder.getStringAttr(name), type,
                     distribution);
}
Value StageBuilder::getData(StringRef name, Type type,
                            comm::DistributionAttr distribution) {
  return getArgument(attr::kData, builder.getStringAttr(name), type,
                     distribution);
}

Value StageBuilder::getKey(int64_t apply) {
  Value key =
      getArgument(attr::kKey, builder.getUnitAttr(), builder.getI64Type(), {});
  return nn::MixKeyOp::create(builder, loc, key,
                              builder.getI64IntegerAttr(apply));
}

Value StageBuilder::addAccumulator(StringRef name, int64_t use, Type type,
                                   comm::DistributionAttr distribution) {
  argumentAttributes.push_back(withDistribution(
      builder.getContext(),
      {builder.getNamedAttr(attr::kGrad, builder.getStringAttr(name)),
       builder.getNamedAttr(attr::kUse, builder.getI64IntegerAttr(use))},
      distribution));
  return function.getBody().front().addArgument(type, loc);
}

func::CallOp StageBuilder::call(func::FuncOp callee, ValueRange operands) {
  return func::CallOp::create(builder, loc, callee, operands);
}

func::CallOp StageBuilder::call(func::FuncOp callee, ValueRange operands,
                                int64_t apply, char part) {
  func::CallOp op = call(callee, operands);
  op->setAttr(attr::kPart, builder.getStringAttr(Twine(apply) + Twine(part)));
  return op;
}

void StageBuilder::addValue(Value value, StringRef name,
                            comm::DistributionAttr distribution,
                            ArrayRef<NamedAttribute> attributes) {
  SmallVector<NamedAttribute> all(attributes);
  all.push_back(
      builder.getNamedAttr(attr::kValue, builder.getStringAttr(name)));
  results.push_back(value);
  resultAttributes.push_back(
      withDistribution(builder.getContext(), all, distribution));
}

void StageBuilder::addSum(Value sum, Value accumulator) {
  unsigned number = cast<BlockArgument>(accumulator).getArgNumber();
  results.push_back(sum);
  resultAttributes.push_back(withDistribution(
      builder.getContext(),
      {builder.getNamedAttr(attr::kAccumulates,
                            builder.getI64IntegerAttr(number)),
       builder.getNamedAttr(attr::kGrad, builder.getStringAttr("param"))},
      argumentAttributes[number].getAs<comm::DistributionAttr>(
          comm::CommDialect::getDistributionName())));
}

func::FuncOp StageBuilder::finish() {
  func::ReturnOp::create(builder, loc, results);
  function.setFunctionType(
      builder.getFunctionType(function.getBody().front().getArgumentTypes(),
                              ValueRange(results).getTypes()));
  function.setAllArgAttrs(argumentAttributes);
  function.setAllResultAttrs(resultAttributes);
  return function;
}

} // namespace pp
