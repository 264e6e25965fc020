//===- BindDestinations.cpp - Results become written arguments ------------===//
//
// Every op with a destination starts from a `tensor.empty`, whose contents mean
// nothing: any other tensor may take its place. Following a returned value back
// through the destinations of its producers to that `tensor.empty` and putting
// the argument there makes the value appear where the caller wants it.
// Bufferization checks afterwards that the buffer is free, and copies if not.
//
//===----------------------------------------------------------------------===//

#include "pp/CodeGen/Passes.h"

#include "mlir/Interfaces/DestinationStyleOpInterface.h"

namespace pp {
#define GEN_PASS_DEF_BINDDESTINATIONS
#include "pp/CodeGen/Passes.h.inc"
} // namespace pp

using namespace mlir;

/// The use of a `tensor.empty` in which the value of `operand` starts, and the
/// reshapes between, outermost first; null where there is none.
static OpOperand *findStart(OpOperand *operand,
                            SmallVectorImpl<Operation *> &reshapes) {
  while (true) {
    auto result = dyn_cast<OpResult>(operand->get());
    if (!result)
      return nullptr;
    Operation *producer = result.getOwner();
    if (isa<tensor::EmptyOp>(producer))
      return operand;
    if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(producer)) {
      reshapes.push_back(producer);
      operand = &producer->getOpOperand(0);
    } else if (auto insert = dyn_cast<tensor::InsertSliceOp>(producer)) {
      operand = &insert.getDestMutable();
    } else if (auto loop = dyn_cast<scf::ForOp>(producer)) {
      operand = loop.getTiedLoopInit(result);
    } else if (auto style = dyn_cast<DestinationStyleOpInterface>(producer)) {
      operand = style.getTiedOpOperand(result);
    } else {
      return nullptr;
    }
  }
}

/// `value` in the shape that `reshapes` started from.
static Value undoReshapes(OpBuilder &builder, Value value,
                          ArrayRef<Operation *> reshapes) {
  for (Operation *op : reshapes) {
    Type type = op->getOperand(0).getType();
    if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
      value = tensor::CollapseShapeOp::create(
          builder, op->getLoc(), type, value, expand.getReassociationIndices());
    else
      value = tensor::ExpandShapeOp::create(
          builder, op->getLoc(), type, value,
          cast<tensor::CollapseShapeOp>(op).getReassociationIndices());
  }
  return value;
}

/// Makes the value of `operand` start in `destination` if it starts in a
/// `tensor.empty`, and returns whether it does; the builder stands where
/// `destination` is defined.
static bool bind(OpBuilder &builder, OpOperand *operand, Value destination) {
  SmallVector<Operation *> reshapes;
  OpOperand *start = findStart(operand, reshapes);
  if (start)
    start->set(undoReshapes(builder, destination, reshapes));
  return start != nullptr;
}

/// The tensor that a chain of insertions starts from.
static Value rootOfInsertions(tensor::InsertSliceOp insert) {
  while (auto before = insert.getDest().getDefiningOp<tensor::InsertSliceOp>())
    insert = before;
  return insert.getDest();
}

/// Moves an insertion right behind the last of what it takes.
static void moveUp(tensor::InsertSliceOp insert) {
  Operation *last = nullptr;
  for (Value operand : insert->getOperands())
    if (Operation *definition = operand.getDefiningOp())
      if (!last || last->isBeforeInBlock(definition))
        last = definition;
  if (last)
    insert->moveAfter(last);
}

/// The whole that the piece of `insert`, which starts at `start`, can be a
/// slice of: the one that it is inserted into, else the one that all pieces
/// are, if either is there early enough. After the former nobody writes between
/// the slice and the insertion, which is what bufferization wants to see.
static Value wholeFor(tensor::InsertSliceOp insert, OpOperand *start) {
  Operation *before = insert.getDest().getDefiningOp();
  if (isa_and_nonnull<tensor::InsertSliceOp>(before) &&
      before->isBeforeInBlock(start->getOwner()))
    return insert.getDest();
  Value root = rootOfInsertions(insert);
  Operation *definition = root.getDefiningOp();
  // A `tensor.empty` can stand anywhere; other roots must be arguments or
  // reshapes of them, which stand at the start.
  if (auto empty = root.getDefiningOp<tensor::EmptyOp>())
    empty->moveBefore(empty->getBlock(), empty->getBlock()->begin());
  else if (definition &&
           (!isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(definition) ||
            !definition->isBeforeInBlock(start->getOwner())))
    return {};
  return root;
}

/// Pieces start in their slice of the whole where the whole is there early
/// enough.
static void bindPieces(func::FuncOp function) {
  SmallVector<tensor::InsertSliceOp> inserts(
      function.getOps<tensor::InsertSliceOp>());
  for (tensor::InsertSliceOp insert : inserts) {
    SmallVector<Operation *> reshapes;
    OpOperand *start = findStart(&insert.getSourceMutable(), reshapes);
    if (start && start->getOwner() != insert &&
        start->get() != rootOfInsertions(insert))
      if (Value whole = wholeFor(insert, start)) {
        OpBuilder builder(function.getContext());
        builder.setInsertionPointAfterValue(whole);
        Value slice = tensor::ExtractSliceOp::create(
            builder, insert.getLoc(), insert.getSourceType(), whole,
            insert.getMixedOffsets(), insert.getMixedSizes(),
            insert.getMixedStrides());
        start->set(undoReshapes(builder, slice, reshapes));
      }
    moveUp(insert);
  }
}

namespace {
struct BindDestinations : pp::impl::BindDestinationsBase<BindDestinations> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    for (auto [i, type] : llvm::enumerate(function.getResultTypes()))
      if (!isa<RankedTensorType>(type)) {
        function.emitError("found result ")
            << i << " of type " << type
            << ", expected tensors: a layer function returns what it computes "
               "as tensors, make it a tensor of rank 0";
        return signalPassFailure();
      }
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      setWritable(i, false);

    auto terminator = cast<func::ReturnOp>(function.front().getTerminator());
    SmallVector<Value> destinations;
    for (unsigned i = 0; i < terminator->getNumOperands(); ++i) {
      std::optional<unsigned> argument = destinationOf(i);
      if (!argument)
        return signalPassFailure();
      destinations.push_back(function.getArgument(*argument));
    }
    OpBuilder start = OpBuilder::atBlockBegin(&function.front());
    SmallVector<unsigned> bound, others;
    for (auto [i, destination] : llvm::enumerate(destinations))
      (bind(start, &terminator->getOpOperand(i), destination) ? bound : others)
          .push_back(i);
    bindPieces(function);

    // From here on destinations are buffers: one-shot analysis takes a second
    // write to a tensor argument (the one of `materialize_in_destination`) for
    // a conflict with a loop that updates it.
    // Values that are not bound come first: one may be computed in place of a
    // slice of a destination that is bound to another value, which is then
    // copied there. The analysis does not see that a buffer is written while
    // a tensor in it is still to be read.
    OpBuilder end(terminator);
    for (unsigned i : llvm::concat<unsigned>(others, bound)) {
      bool inPlace = terminator->getOperand(i) == destinations[i];
      Value buffer = makeBuffer(cast<BlockArgument>(destinations[i]));
      if (!inPlace)
        bufferization::MaterializeInDestinationOp::create(
            end, terminator.getLoc(), /*result=*/Type(),
            terminator->getOperand(i), buffer, /*restrict=*/false,
            /*writable=*/true);
    }
    func::ReturnOp::create(end, terminator.getLoc());
    terminator.erase();
    BitVector all(function.getNumResults(), true);
    (void)function.eraseResults(all);
  }

  void setWritable(unsigned argument, bool writable) {
    if (isa<RankedTensorType>(getOperation().getArgument(argument).getType()))
      getOperation().setArgAttr(argument, "bufferization.writable",
                                BoolAttr::get(&getContext(), writable));
  }

  /// Turns a tensor argument into a buffer, which its uses read and write as a
  /// tensor.
  Value makeBuffer(BlockArgument argument) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type)
      return argument;
    func::FuncOp function = getOperation();
    function.removeArgAttr(argument.getArgNumber(), "bufferization.writable");
    argument.setType(MemRefType::get(type.getShape(), type.getElementType()));
    OpBuilder start = OpBuilder::atBlockBegin(&function.front());
    auto tensor = bufferization::ToTensorOp::create(
        start, argument.getLoc(), type, argument, /*restrict=*/true,
        /*writable=*/true);
    argument.replaceAllUsesExcept(tensor, tensor);
    SmallVector<Type> inputs(function.front().getArgumentTypes());
    function.setType(
        FunctionType::get(&getContext(), inputs, function.getResultTypes()));
    return argument;
  }

  /// The argument that result `i` is written to, a new one if it does not
  /// accumulate.
  std::optional<unsigned> destinationOf(unsigned i) {
    func::FuncOp function = getOperation();
    Type type = function.getResultTypes()[i];
    if (auto index =
            function.getResultAttrOfType<IntegerAttr>(i, "pp.accumulates")) {
      int64_t argument = index.getInt();
      if (argument >= 0 && argument < function.getNumArguments() &&
          function.getArgument(argument).getType() == type)
        return argument;
      function.emitError("found pp.accumulates = ")
          << argument << " on result " << i
          << ", expected the number of an argument of type " << type;
      return std::nullopt;
    }
    unsigned argument = function.getNumArguments();
    if (failed(function.insertArgument(argument, type, {}, function.getLoc())))
      return std::nullopt;
    return argument;
  }
};
} // namespace
