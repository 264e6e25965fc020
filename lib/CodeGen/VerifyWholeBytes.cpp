//===- VerifyWholeBytes.cpp - No access that LLVM would pack --------------===//

#include "pp/CodeGen/Passes.h"
#include "pp/Interfaces/ElementBytes.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace pp {
#define GEN_PASS_DEF_VERIFYWHOLEBYTES
#include "pp/CodeGen/Passes.h.inc"
} // namespace pp

using namespace mlir;

/// What lies in memory where a value of `type` is, or is stored: an integer, an
/// index or a float; null for all else.
static Type elementOf(Type type) {
  if (auto shaped = dyn_cast<ShapedType>(type))
    type = shaped.getElementType();
  else if (auto array = dyn_cast<LLVM::LLVMArrayType>(type))
    return elementOf(array.getElementType());
  return type.isIntOrIndexOrFloat() ? type : Type();
}

/// The type that `op` finds in memory at an address without a type.
static Type accessedType(Operation *op) {
  if (auto load = dyn_cast<LLVM::LoadOp>(op))
    return load.getType();
  if (auto store = dyn_cast<LLVM::StoreOp>(op))
    return store.getValue().getType();
  if (auto global = dyn_cast<LLVM::GlobalOp>(op))
    return global.getType();
  if (auto global = dyn_cast<memref::GlobalOp>(op))
    return global.getType();
  return {};
}

namespace {
struct VerifyWholeBytes : pp::impl::VerifyWholeBytesBase<VerifyWholeBytes> {
  void runOnOperation() override {
    WalkResult walk = getOperation().walk([](Operation *op) {
      SmallVector<Type> types;
      if (Type type = accessedType(op))
        types.push_back(type);
      for (Type type : op->getOperandTypes())
        if (isa<MemRefType>(type))
          types.push_back(type);
      for (Type type : op->getResultTypes())
        if (isa<MemRefType>(type))
          types.push_back(type);
      for (Type type : types) {
        Type element = elementOf(type);
        if (!element || pp::getMemoryType(element) == element)
          continue;
        op->emitOpError("found ")
            << type << " in memory, which scalar and vector code lay out "
            << "differently; expected elements of whole bytes: run "
               "pp-store-whole-bytes before";
        return WalkResult::interrupt();
      }
      return WalkResult::advance();
    });
    if (walk.wasInterrupted())
      signalPassFailure();
    else
      markAllAnalysesPreserved();
  }
};
} // namespace
