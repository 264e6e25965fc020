//===- ModelHash.cpp - Which mathematics a model is -----------------------===//
#include "ModelHash.h"

#include "pp/Dialect/NN/IR/NNDialect.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SHA256.h"

using namespace mlir;
using namespace pp;

/// Whether an attribute says what is computed, whatever the batch. Numbers of
/// pp's ops say where: stages of applies.
static bool isMathematics(Operation *op, Attribute attribute) {
  if (auto integer = dyn_cast<IntegerAttr>(attribute))
    return integer.getType().isInteger(1) || !isa<PPDialect>(op->getDialect());
  return isa<FloatAttr, StringAttr, SymbolRefAttr, UnitAttr>(attribute) ||
         isa<nn::NNDialect>(attribute.getDialect());
}

/// A type without its sizes.
static void print(Type type, raw_ostream &out) {
  auto shaped = dyn_cast<ShapedType>(type);
  out << ':' << (shaped ? shaped.getElementType() : type);
  if (shaped && shaped.hasRank())
    out << '^' << shaped.getRank();
}

std::string pp::hashOfModel(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream out(text);
  DenseMap<Value, unsigned> numbers;
  auto number = [&](Value value) {
    return numbers.try_emplace(value, numbers.size()).first->second;
  };
  module.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (op == module)
      return; // has what it was compiled with
    out << op->getName() << '(';
    for (Value operand : op->getOperands())
      out << number(operand) << ' ';
    out << ')';
    for (Value result : op->getResults()) {
      out << number(result);
      print(result.getType(), out);
    }
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Value argument : block.getArguments()) {
          out << number(argument);
          print(argument.getType(), out);
        }
    for (NamedAttribute attribute : op->getAttrs())
      if (isMathematics(op, attribute.getValue()))
        out << ' ' << attribute.getName() << '=' << attribute.getValue();
    out << '\n';
  });
  return llvm::toHex(
      ArrayRef(llvm::SHA256::hash(llvm::arrayRefFromStringRef(text)))
          .take_front(16),
      /*LowerCase=*/true);
}
