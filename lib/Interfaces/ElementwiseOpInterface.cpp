//===- ElementwiseOpInterface.cpp - One scalar at a time ------------------===//

#include "pp/Interfaces/ElementwiseOpInterface.h"

#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;

SmallVector<AffineMap> pp::detail::broadcastIndexingMaps(Operation *op) {
  MLIRContext *context = op->getContext();
  auto result = cast<RankedTensorType>(op->getResult(0).getType());
  int64_t rank = result.getRank();
  SmallVector<AffineMap> maps;
  for (Type type : op->getOperandTypes()) {
    ArrayRef<int64_t> shape = cast<RankedTensorType>(type).getShape();
    int64_t missing = rank - static_cast<int64_t>(shape.size());
    SmallVector<AffineExpr> exprs;
    for (auto [i, size] : llvm::enumerate(shape)) {
      int64_t dim = missing + static_cast<int64_t>(i);
      bool repeats = size == 1 && result.getDimSize(dim) != 1;
      exprs.push_back(repeats ? getAffineConstantExpr(0, context)
                              : getAffineDimExpr(dim, context));
    }
    maps.push_back(AffineMap::get(rank, 0, exprs, context));
  }
  maps.push_back(AffineMap::getMultiDimIdentityMap(rank, context));
  return maps;
}

#include "pp/Interfaces/ElementwiseOpInterface.cpp.inc"
