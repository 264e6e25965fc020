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
// The end of a step has a function for each number of elements that a parameter
// may have (pp-add-optimizer), whose loops differ in nothing else. There the
// number is an argument, and buffers are as long as any, so that all of them
// share their kernels: what LLVM has to do does not grow with the parameters.
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

/// Elements of a buffer in a kernel for any number of them.
static constexpr int64_t kAnyLength = int64_t(1) << 40;

/// The number of elements that a function of the end of a step is made for; 0
/// for other functions.
static int64_t lengthOf(func::FuncOp function) {
  if (!function->hasAttr("pp.role") || function.getNumArguments() == 0)
    return 0;
  auto type = dyn_cast<MemRefType>(function.getArgumentTypes().front());
  return type && type.getRank() == 1 && type.hasStaticShape()
             ? type.getNumElements()
             : 0;
}

/// The type of a buffer in a kernel for any number of elements, where it has
/// `length` of them and nothing in the kernel asks for its type; else its own.
static Type typeInKernel(Value value, int64_t length, scf::ForOp loop,
                         const Captures &captures) {
  auto type = dyn_cast<MemRefType>(value.getType());
  if (!type || length == 0 || type.getRank() != 1 ||
      type.getNumElements() != length || !type.getLayout().isIdentity() ||
      length * pp::getElementBytes(type.getElementType()) < 64)
    return value.getType();
  bool isPlain = llvm::all_of(value.getUsers(), [&](Operation *user) {
    return isa<memref::LoadOp, memref::StoreOp, memref::SubViewOp>(user) ||
           !(loop->isAncestor(user) || captures.internal.contains(user));
  });
  return isPlain ? MemRefType::get({kAnyLength}, type.getElementType())
                 : value.getType();
}

/// Bytes that a pointer to a buffer of this type may be followed for.
static int64_t sizeInBytes(MemRefType type) {
  return type.getNumElements() * pp::getElementBytes(type.getElementType());
}

static func::FuncOp buildKernel(OpBuilder &builder, scf::ForOp loop,
                                Captures &captures, int64_t length) {
  SmallVector<Type> types;
  for (Value argument : captures.arguments)
    types.push_back(typeInKernel(argument, length, loop, captures));
  auto kernel = func::FuncOp::create(
      loop.getLoc(), "kernel", builder.getFunctionType(types, TypeRange()));
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
    kernel.setArgAttr(i, "llvm.align",
                      builder.getI64IntegerAttr(
                          pp::getPromisedAlignment(sizeInBytes(buffer))));
    if (buffer.getNumElements() != kAnyLength)
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
        const int64_t length = lengthOf(function);
        if (length != 0)
          captures.arguments.insert(loop.getUpperBound());
        for (Value value : values)
          if (!captures.arguments.contains(value))
            capture(value, captures);
        OpBuilder builder(loop);
        func::FuncOp kernel = buildKernel(builder, loop, captures, length);
        std::string text;
        llvm::raw_string_ostream stream(text);
        kernel.print(stream, OpPrintingFlags().useLocalScope());
        auto [entry, isNew] = kernels.try_emplace(text, kernel);
        if (isNew) {
          kernel.setName(("kernel_" + Twine(kernels.size() - 1)).str());
          symbols.insert(kernel, module.getBody()->begin());
        } else {
          kernel.erase();
        }
        SmallVector<Value> operands(captures.arguments.getArrayRef());
        for (auto [operand, type] :
             llvm::zip_equal(operands, entry->second.getArgumentTypes()))
          if (operand.getType() != type)
            operand = memref::ReinterpretCastOp::create(
                builder, loop.getLoc(), cast<MemRefType>(type), operand,
                /*offset=*/0, ArrayRef<int64_t>{kAnyLength},
                ArrayRef<int64_t>{1});
        func::CallOp::create(builder, loop.getLoc(), entry->second, operands);
        loop.erase();
      }
    }
  }
};
} // namespace
