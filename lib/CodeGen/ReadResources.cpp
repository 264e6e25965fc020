//===- ReadResources.cpp - Blobs of a file as numbers ---------------------===//
//
// Front ends write large constants as blobs beside the code. Passes ask
// constants for their numbers, and so blobs become those first.
//
//===----------------------------------------------------------------------===//

#include "pp/CodeGen/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/DialectResourceBlobManager.h"

namespace pp {
#define GEN_PASS_DEF_READRESOURCES
#include "pp/CodeGen/Passes.h.inc"
} // namespace pp

using namespace mlir;

static LogicalResult readResource(arith::ConstantOp constant) {
  auto numbers = dyn_cast<DenseResourceElementsAttr>(constant.getValue());
  if (!numbers)
    return success();
  AsmResourceBlob *blob = numbers.getRawHandle().getBlob();
  ShapedType type = numbers.getType();
  bool isSplat;
  if (!blob ||
      !DenseElementsAttr::isValidRawBuffer(type, blob->getData(), isSplat))
    return constant.emitOpError("found ")
           << (blob ? blob->getData().size() : 0) << " bytes in the resource '"
           << numbers.getRawHandle().getKey() << "', expected the numbers of "
           << type << ": write them as dense<...>, or give the resource";
  constant.setValueAttr(
      DenseElementsAttr::getFromRawBuffer(type, blob->getData()));
  return success();
}

namespace {
struct ReadResources : pp::impl::ReadResourcesBase<ReadResources> {
  void runOnOperation() override {
    WalkResult result = getOperation().walk([](arith::ConstantOp constant) {
      return WalkResult(readResource(constant));
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
