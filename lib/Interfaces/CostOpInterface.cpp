//===- CostOpInterface.cpp - What an op costs -----------------------------===//

#include "pp/Interfaces/CostOpInterface.h"

#include "mlir/IR/BuiltinTypes.h"

uint64_t pp::detail::sumOfBytes(mlir::TypeRange types) {
  uint64_t bytes = 0;
  for (mlir::Type type : types) {
    auto shaped = llvm::dyn_cast<mlir::ShapedType>(type);
    if (!shaped || !shaped.hasStaticShape() ||
        !shaped.getElementType().isIntOrFloat())
      continue;
    uint64_t bits = shaped.getElementTypeBitWidth();
    bytes += shaped.getNumElements() * ((bits + 7) / 8);
  }
  return bytes;
}

#include "pp/Interfaces/CostOpInterface.cpp.inc"
