//===- KernelOps.cpp - Calls of library kernels ---------------------------===//
//
// What all calls have in common. On tensors a call is pure and its destinations
// come back as results; on memrefs it reads and writes memory. The trait of
// destination-passing style checks that the two forms are not mixed.
//
// What one call is stands in a file of its own.
//
//===----------------------------------------------------------------------===//

#include "Operands.h"
#include "pp/Interfaces/ElementBytes.h"

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/IR/DialectImplementation.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace pp::kernel;

#include "pp/Dialect/Kernel/IR/KernelEnums.cpp.inc"
#include "pp/Dialect/Kernel/IR/LibraryCallOpInterface.cpp.inc"

#define GET_OP_CLASSES
#include "pp/Dialect/Kernel/IR/KernelOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Effects and bufferization
//===----------------------------------------------------------------------===//

static bool isDestination(LibraryCallOpInterface call, OpOperand &operand) {
  auto destinations = dyn_cast<DestinationStyleOpInterface>(*call);
  return destinations && destinations.isDpsInit(&operand);
}

bool pp::kernel::detail::readsMemory(LibraryCallOpInterface call,
                                     OpOperand &operand) {
  return !isDestination(call, operand) ||
         operand.get() == call.getReadDestination();
}

bool pp::kernel::detail::writesMemory(LibraryCallOpInterface call,
                                      OpOperand &operand) {
  return isDestination(call, operand);
}

void pp::kernel::detail::addEffects(
    LibraryCallOpInterface call,
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  for (OpOperand &operand : call->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    if (readsMemory(call, operand))
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
    if (writesMemory(call, operand))
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
  }
  if (call.actsBeyondBuffers())
    effects.emplace_back(MemoryEffects::Write::get());
}

AliasingValueList
pp::kernel::detail::aliasingValues(LibraryCallOpInterface call,
                                   OpOperand &operand) {
  if (!isDestination(call, operand))
    return {};
  return {{cast<DestinationStyleOpInterface>(*call).getTiedOpResult(&operand),
           BufferRelation::Equivalent}};
}

/// Memory without gaps, in the order of elements, wherever it begins.
static bool isContiguous(Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  return type.areTrailingDimsContiguous(type.getRank());
}

/// Rows without gaps in them, wherever they are.
static bool hasContiguousRows(Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  return type.getRank() == 0 || type.getShape().back() == 1 ||
         type.areTrailingDimsContiguous(1);
}

/// The op is created again on the buffers of its operands, without results.
LogicalResult pp::kernel::detail::bufferize(LibraryCallOpInterface call,
                                            RewriterBase &rewriter,
                                            const BufferizationOptions &options,
                                            BufferizationState &state) {
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(call);
  SmallVector<Value> buffers, results;
  SmallVector<std::pair<Value, Value>> copiesBack; // from, to
  for (OpOperand &operand : call->getOpOperands()) {
    if (!isa<TensorType>(operand.get().getType())) {
      buffers.push_back(operand.get());
      continue;
    }
    FailureOr<Value> buffer =
        getBuffer(rewriter, operand.get(), options, state);
    if (failed(buffer))
      return failure();
    if (isDestination(call, operand))
      results.push_back(*buffer);
    if ((call.wantsContiguousOperands() && !isContiguous(*buffer)) ||
        (call.wantsContiguousRows() && !hasContiguousRows(*buffer))) {
      auto type = cast<MemRefType>(buffer->getType());
      FailureOr<Value> copy = options.createAlloc(
          rewriter, call->getLoc(),
          MemRefType::get(type.getShape(), type.getElementType()), {});
      if (failed(copy) || (readsMemory(call, operand) &&
                           failed(options.createMemCpy(rewriter, call->getLoc(),
                                                       *buffer, *copy))))
        return failure();
      if (isDestination(call, operand))
        copiesBack.emplace_back(*copy, *buffer);
      buffer = copy;
    }
    buffers.push_back(*buffer);
  }
  OperationState created(call->getLoc(), call->getName(), buffers, TypeRange(),
                         call->getAttrs());
  rewriter.create(created);
  for (auto [from, to] : copiesBack)
    if (failed(options.createMemCpy(rewriter, call->getLoc(), from, to)))
      return failure();
  replaceOpWithBufferizedValues(rewriter, call, results);
  return success();
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

int64_t pp::kernel::bytesOf(Value value) {
  auto type = cast<ShapedType>(value.getType());
  return type.getNumElements() * getElementBytes(type.getElementType());
}

/// f32, as sums and statistics are.
LogicalResult pp::kernel::verifyF32(Operation *op, StringRef name,
                                    Value value) {
  if (elementOf(value).isF32())
    return success();
  return op->emitOpError("found ") << name << " of type " << value.getType()
                                   << ", expected elements of f32";
}

/// All have the elements of the first, f32 or bf16.
LogicalResult pp::kernel::verifyElements(Operation *op, ValueRange matrices) {
  Type element = elementOf(matrices.front());
  if (!element.isF32() && !element.isBF16())
    return op->emitOpError("found elements of type ")
           << element << ", expected f32 or bf16: the library has no other "
           << "kernel";
  for (Value matrix : matrices)
    if (elementOf(matrix) != element)
      return op->emitOpError("found an operand of type ")
             << matrix.getType() << ", expected elements of " << element
             << " as the first has: convert one";
  return success();
}

LogicalResult pp::kernel::verifyWorkspace(LibraryCallOpInterface call) {
  Value workspace = call.getWorkspaceOperand()->get();
  int64_t needed = call.getWorkspaceBytes(LibraryTarget()) /
                   getElementBytes(elementOf(workspace));
  if (shapeOf(workspace).size() == 1 && shapeOf(workspace)[0] >= needed)
    return success();
  return call.emitOpError("found workspace of type ")
         << workspace.getType() << ", expected at least " << needed
         << " elements";
}
