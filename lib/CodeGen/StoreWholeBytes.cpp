//===- StoreWholeBytes.cpp - One layout for elements of odd widths --------===//
//
// LLVM stores an i1 as a byte, and a vector of them as a bit each: code that
// reads by another width than was written reads something else. So no buffer
// has such elements: values are extended where they are stored and truncated
// where they are loaded, be it one or many at a time. On an index, whose width
// differs between processors, it is a cast to 64 bits.
//
// Types of buffers change in place; views, branches and calls of functions
// follow. What is left are the ops that know elements.
//
//===----------------------------------------------------------------------===//

#include "pp/CodeGen/Passes.h"
#include "pp/Interfaces/ElementBytes.h"

#include "mlir/Dialect/Linalg/Transforms/Transforms.h"

namespace pp {
#define GEN_PASS_DEF_STOREWHOLEBYTES
#include "pp/CodeGen/Passes.h.inc"
} // namespace pp

using namespace mlir;

/// The same buffer with elements as they lie in memory.
static Type convert(Type type) {
  auto buffer = dyn_cast<MemRefType>(type);
  if (!buffer)
    return type;
  Type element = pp::getMemoryType(buffer.getElementType());
  if (element == buffer.getElementType())
    return type;
  return MemRefType::get(buffer.getShape(), element, buffer.getLayout(),
                         buffer.getMemorySpace());
}

static bool isNarrow(Type type) { return convert(type) != type; }

static bool isNarrow(Value value) { return isNarrow(value.getType()); }

/// `value` as it lies in memory.
static Value widen(OpBuilder &builder, Location loc, Value value) {
  Type type = pp::getMemoryType(value.getType());
  if (isa<IndexType>(value.getType()))
    return arith::IndexCastOp::create(builder, loc, type, value);
  return arith::ExtUIOp::create(builder, loc, type, value);
}

/// Gives `loaded` the type that it has in memory, its users what they had.
static void narrowUses(OpBuilder &builder, Value loaded) {
  Type type = loaded.getType();
  loaded.setType(pp::getMemoryType(type));
  if (loaded.use_empty())
    return;
  Location loc = loaded.getLoc();
  Operation *narrow =
      isa<IndexType>(type)
          ? arith::IndexCastOp::create(builder, loc, type, loaded)
          : arith::TruncIOp::create(builder, loc, type, loaded).getOperation();
  loaded.replaceAllUsesExcept(narrow->getResult(0), narrow);
}

/// The elements of `op`, of which some operands have narrow ones.
static void convertElements(linalg::GenericOp op) {
  OpBuilder builder(op);
  Operation *yield = op.getBody()->getTerminator();
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isNarrow(operand.get()))
      continue;
    builder.setInsertionPointToStart(op.getBody());
    narrowUses(builder, op.getMatchingBlockArgument(&operand));
    if (!op.isDpsInit(&operand))
      continue;
    OpOperand *yielded = op.getMatchingYieldValue(&operand);
    builder.setInsertionPoint(yield);
    yielded->set(widen(builder, yield->getLoc(), yielded->get()));
  }
}

static LogicalResult convertElements(Operation *op) {
  OpBuilder builder(op);
  if (auto load = dyn_cast<memref::LoadOp>(op)) {
    builder.setInsertionPointAfter(op);
    narrowUses(builder, load.getResult());
    return success();
  }
  if (auto store = dyn_cast<memref::StoreOp>(op)) {
    store.getValueMutable().assign(
        widen(builder, op->getLoc(), store.getValue()));
    return success();
  }
  // Moves elements as they are.
  if (isa<linalg::CopyOp>(op) && getElementTypeOrSelf(op->getOperand(0)) ==
                                     getElementTypeOrSelf(op->getOperand(1))) {
    for (BlockArgument argument : op->getRegion(0).getArguments())
      argument.setType(pp::getMemoryType(argument.getType()));
    return success();
  }
  if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
    convertElements(generic);
    return success();
  }
  if (isa<linalg::LinalgOp>(op)) {
    IRRewriter rewriter(builder);
    FailureOr<linalg::GenericOp> generic =
        linalg::generalizeNamedOp(rewriter, cast<linalg::LinalgOp>(op));
    if (failed(generic))
      return failure();
    convertElements(*generic);
    return success();
  }
  return op->emitOpError("found on elements without whole bytes, expected "
                         "linalg ops, loads and stores of scalars only");
}

static void convertGlobal(memref::GlobalOp global) {
  auto type = cast<MemRefType>(convert(global.getType()));
  global.setType(type);
  auto elements =
      dyn_cast_or_null<DenseIntElementsAttr>(global.getInitialValueAttr());
  if (!elements)
    return;
  unsigned bits = type.getElementTypeBitWidth();
  global.setInitialValueAttr(
      elements.mapValues(type.getElementType(), [&](const APInt &value) {
        return value.zextOrTrunc(bits);
      }));
}

/// Ops that access the elements of a buffer, not only its address.
static bool knowsElements(Operation *op) {
  return isa<memref::LoadOp, memref::StoreOp>(op) ||
         isa_and_nonnull<linalg::LinalgDialect, vector::VectorDialect>(
             op->getDialect());
}

namespace {
struct StoreWholeBytes : pp::impl::StoreWholeBytesBase<StoreWholeBytes> {
  void runOnOperation() override {
    SmallVector<Operation *> narrow;
    WalkResult walk = getOperation().walk([&](Operation *op) {
      auto elementOf = [](Type type) {
        auto buffer = dyn_cast<MemRefType>(type);
        return buffer ? buffer.getElementType() : Type();
      };
      SmallVector<Type> types(op->getOperandTypes());
      llvm::append_range(types, op->getResultTypes());
      if (auto function = dyn_cast<func::FuncOp>(op))
        llvm::append_range(types, function.getArgumentTypes());
      for (Type type : types)
        if (Type element = elementOf(type);
            element && !pp::getMemoryType(element)) {
          op->emitOpError("found a buffer of type ")
              << type
              << ", expected elements that are integers or floats of "
                 "whole bytes; cast the tensor";
          return WalkResult::interrupt();
        }
      if (knowsElements(op) &&
          llvm::any_of(op->getOperands(),
                       [](Value operand) { return isNarrow(operand); }))
        narrow.push_back(op);
      return WalkResult::advance();
    });
    if (walk.wasInterrupted())
      return signalPassFailure();
    // Elements first: the types of buffers say which are narrow.
    for (Operation *op : narrow)
      if (failed(convertElements(op)))
        return signalPassFailure();
    convertBuffers();
  }

  void convertBuffers() {
    auto convertAll = [](ValueRange values) {
      for (Value value : values)
        value.setType(convert(value.getType()));
    };
    getOperation().walk([&](Operation *op) {
      if (auto global = dyn_cast<memref::GlobalOp>(op))
        convertGlobal(global);
      convertAll(op->getResults());
      for (Region &region : op->getRegions())
        for (Block &block : region)
          convertAll(block.getArguments());
      auto function = dyn_cast<func::FuncOp>(op);
      if (!function)
        return;
      auto types = [](TypeRange range) {
        return llvm::map_to_vector(range, convert);
      };
      function.setFunctionType(FunctionType::get(
          op->getContext(), types(function.getArgumentTypes()),
          types(function.getResultTypes())));
    });
  }
};
} // namespace
