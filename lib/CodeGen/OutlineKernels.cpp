//===- OutlineKernels.cpp - Loop nests become functions -------------------===//
//
// LLVM vectorises a loop without run-time checks only where it knows that
// buffers do not overlap, and the promise (`noalias`) can be made for function
// arguments alone. So each outermost loop becomes a function of the whole
// buffers that it touches: two views of one buffer are taken inside, from one
// argument, which keeps the promise true where a value is updated in place.
//
// Functions are compared by their text, which needs no second definition of
// equality.
//
//===----------------------------------------------------------------------===//

#include "pp/CodeGen/Passes.h"
#include "pp/Interfaces/ElementBytes.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/StringMap.h"

namespace pp {
#define GEN_PASS_DEF_OUTLINEKERNELS
#include "pp/CodeGen/Passes.h.inc"
} // namespace pp

using namespace mlir;

namespace {
/// What a loop nest takes from outside.
struct Captures {
  SetVector<Value> arguments;      ///< whole buffers, scalars
  SetVector<Operation *> internal; ///< constants and views, in order of need
};
} // namespace

/// True for what is better computed again inside than passed.
static bool isRecomputed(Operation *op) {
  if (!op)
    return false;
  if (op->hasTrait<OpTrait::ConstantLike>() || isa<memref::GetGlobalOp>(op))
    return true;
  // Views of the workspace are buffers of their own.
  return isa<ViewLikeOpInterface>(op) && !isa<memref::ViewOp>(op);
}

static void capture(Value value, Captures &captures) {
  Operation *definition = value.getDefiningOp();
  if (!isRecomputed(definition)) {
    captures.arguments.insert(value);
    return;
  }
  if (captures.internal.contains(definition))
    return;
  for (Value operand : definition->getOperands())
    capture(operand, captures);
  captures.internal.insert(definition);
}

/// Bytes that a pointer to a buffer of this type may be followed for.
static int64_t sizeInBytes(MemRefType type) {
  return type.getNumElements() * pp::getElementBytes(type.getElementType());
}

static func::FuncOp buildKernel(OpBuilder &builder, scf::ForOp loop,
                                Captures &captures) {
  SmallVector<Type> types(
      ValueRange(captures.arguments.getArrayRef()).getTypes());
  auto kernel =
      func::FuncOp::create(loop.getLoc(), "kernel",
                           builder.getFunctionType(types, TypeRange()));
  kernel.setPrivate();
  kernel->setAttr("pp.kernel", builder.getUnitAttr());
  Block *body = kernel.addEntryBlock();
  IRMapping mapping;
  mapping.map(captures.arguments.getArrayRef(), body->getArguments());
  for (auto [i, type] : llvm::enumerate(types)) {
    auto buffer = dyn_cast<MemRefType>(type);
    if (!buffer)
      continue;
    kernel.setArgAttr(i, "llvm.noalias", builder.getUnitAttr());
    kernel.setArgAttr(i, "llvm.nonnull", builder.getUnitAttr());
    kernel.setArgAttr(i, "llvm.align", builder.getI64IntegerAttr(64));
    kernel.setArgAttr(i, "llvm.dereferenceable",
                      builder.getI64IntegerAttr(sizeInBytes(buffer)));
  }
  OpBuilder inside = OpBuilder::atBlockBegin(body);
  for (Operation *op : captures.internal)
    inside.clone(*op, mapping);
  inside.clone(*loop, mapping);
  func::ReturnOp::create(inside, loop.getLoc());
  return kernel;
}

namespace {
struct OutlineKernels : pp::impl::OutlineKernelsBase<OutlineKernels> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    llvm::StringMap<func::FuncOp> kernels;
    for (auto function :
         llvm::make_early_inc_range(module.getOps<func::FuncOp>())) {
      if (function.isExternal())
        continue;
      for (auto loop :
           llvm::make_early_inc_range(function.getOps<scf::ForOp>())) {
        Captures captures;
        SetVector<Value> values;
        getUsedValuesDefinedAbove(loop.getRegion(), values);
        values.insert_range(loop->getOperands());
        for (Value value : values)
          capture(value, captures);
        OpBuilder builder(loop);
        func::FuncOp kernel = buildKernel(builder, loop, captures);
        std::string text;
        llvm::raw_string_ostream stream(text);
        kernel.print(stream, OpPrintingFlags().useLocalScope());
        auto [entry, isNew] = kernels.try_emplace(text, kernel);
        if (isNew) {
          kernel.setName(
              ("kernel_" + Twine(kernels.size() - 1)).str());
          symbols.insert(kernel, module.getBody()->begin());
        } else {
          kernel.erase();
        }
        func::CallOp::create(builder, loop.getLoc(), entry->second,
                             captures.arguments.getArrayRef());
        loop.erase();
      }
    }
  }
};
} // namespace
