//===- CostOpInterface.cpp - What an op costs -----------------------------===//

#include "pp/Interfaces/CostOpInterface.h"

#include "pp/Interfaces/ElementBytes.h"

#include "mlir/IR/BuiltinTypes.h"

uint64_t pp::detail::sumOfBytes(mlir::TypeRange types) {
  uint64_t bytes = 0;
  for (mlir::Type type : types) {
    auto shaped = llvm::dyn_cast<mlir::ShapedType>(type);
    if (!shaped || !shaped.hasStaticShape() ||
        !shaped.getElementType().isIntOrFloat() ||
        !getMemoryType(shaped.getElementType()))
      continue;
    bytes += shaped.getNumElements() * getElementBytes(shaped.getElementType());
  }
  return bytes;
}

bool pp::communicates(mlir::Operation *op) {
  auto cost = llvm::dyn_cast<CostOpInterface>(op);
  return cost && cost.getCommunication().has_value();
}

#include "pp/Interfaces/CostOpInterface.cpp.inc"
