//===- KernelOps.cpp - Calls of library kernels ---------------------------===//
//
// On tensors a call is pure and its destinations come back as results; on
// memrefs it reads and writes memory. The trait of destination-passing style
// checks that the two forms are not mixed.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/Kernel/IR/KernelOps.h"

#include "pprt_kernels.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace pp::kernel;

#define GET_OP_CLASSES
#include "pp/Dialect/Kernel/IR/KernelOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Effects
//===----------------------------------------------------------------------===//

using Effects = SmallVectorImpl<MemoryEffects::EffectInstance>;

/// Reads of every memref, writes of destinations. What a destination holds is
/// ignored, but for that of `read`.
static void memrefEffects(DestinationStyleOpInterface op, Value read,
                          Effects &effects) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    if (operand.get() == read || !op.isDpsInit(&operand))
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
    if (op.isDpsInit(&operand))
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
  }
}

void GemmOp::getEffects(Effects &effects) {
  memrefEffects(*this, getAccumulate() ? getOut() : Value(), effects);
}
void ScatterAddOp::getEffects(Effects &effects) {
  memrefEffects(*this, getTable(), effects);
}
void AttentionOp::getEffects(Effects &effects) {
  memrefEffects(*this, Value(), effects);
}
void AttentionGradOp::getEffects(Effects &effects) {
  memrefEffects(*this, Value(), effects);
}

//===----------------------------------------------------------------------===//
// Verifiers
//===----------------------------------------------------------------------===//

static ArrayRef<int64_t> shapeOf(Value value) {
  return cast<ShapedType>(value.getType()).getShape();
}

static Type elementOf(Value value) {
  return cast<ShapedType>(value.getType()).getElementType();
}

/// f32, as sums and statistics are.
static LogicalResult verifyF32(Operation *op, StringRef name, Value value) {
  if (elementOf(value).isF32())
    return success();
  return op->emitOpError("found ") << name << " of type " << value.getType()
                                   << ", expected elements of f32";
}

/// All have the elements of the first, f32 or bf16.
static LogicalResult verifyElements(Operation *op, ValueRange matrices) {
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

static LogicalResult verifyWorkspace(Operation *op, Value workspace,
                                     int64_t needed) {
  if (shapeOf(workspace).size() == 1 && shapeOf(workspace)[0] >= needed)
    return success();
  return op->emitOpError("found workspace of type ")
         << workspace.getType() << ", expected at least " << needed
         << " elements";
}

LogicalResult GemmOp::verify() {
  ArrayRef<int64_t> a = shapeOf(getLhs()), b = shapeOf(getRhs()),
                    c = shapeOf(getOut());
  if ((a.size() != 2 && a.size() != 3) || a.size() != b.size() ||
      a.size() != c.size())
    return emitOpError("expects operands of rank 2, or all of rank 3, found ")
           << a.size() << ", " << b.size() << " and " << c.size()
           << "; collapse leading dimensions first";
  if (a.size() == 3 && (a[0] != b[0] || a[0] != c[0]))
    return emitOpError("expects one number of matrices, found ")
           << a[0] << ", " << b[0] << " and " << c[0];
  a = a.take_back(2);
  b = b.take_back(2);
  c = c.take_back(2);
  int64_t m = a[getTransposeA()], k = a[!getTransposeA()];
  int64_t kb = b[getTransposeB()], n = b[!getTransposeB()];
  if (k != kb)
    return emitOpError("found inner dimensions ")
           << k << " and " << kb << ", expected them equal; check the "
           << "transpose attributes";
  if (c[0] != m || c[1] != n)
    return emitOpError("found a destination of ")
           << c[0] << "x" << c[1] << ", expected " << m << "x" << n;
  if (failed(verifyElements(*this, {getLhs(), getRhs()})) ||
      failed(verifyF32(*this, "workspace", getWorkspace())))
    return failure();
  bool isBF16 = elementOf(getLhs()).isBF16();
  if (!elementOf(getOut()).isF32() &&
      elementOf(getOut()) != elementOf(getLhs()))
    return emitOpError("found a destination of type ")
           << getOut().getType() << ", expected elements of "
           << elementOf(getLhs()) << (isBF16 ? " or f32" : "");
  return verifyWorkspace(*this, getWorkspace(),
                         isBF16 ? pprt_gemm_bf16_workspace(m, n, k)
                                : pprt_gemm_workspace(m, n, k));
}

LogicalResult ScatterAddOp::verify() {
  ArrayRef<int64_t> rows = shapeOf(getRows()), table = shapeOf(getTable());
  if (rows.size() != 2 || table.size() != 2 ||
      rows[0] != shapeOf(getIds())[0] || rows[1] != table[1] ||
      getElementTypeOrSelf(getRows().getType()) !=
          getElementTypeOrSelf(getTable().getType()))
    return emitOpError("found rows of type ")
           << getRows().getType() << ", expected as many as the ids of type "
           << getIds().getType() << ", like rows of the table of type "
           << getTable().getType();
  return success();
}

/// Matrices of rows by heads side by side.
static LogicalResult verifyAttention(Operation *op, ValueRange queryLike,
                                     ValueRange keyLike, Value lse,
                                     Value workspace, int64_t batch,
                                     int64_t heads, int64_t kvHeads,
                                     bool backward) {
  for (Value value : llvm::concat<Value>(llvm::to_vector(queryLike),
                                         llvm::to_vector(keyLike)))
    if (shapeOf(value).size() != 2)
      return op->emitOpError("expects matrices of rank 2, found ")
             << value.getType() << "; collapse leading dimensions first";
  ArrayRef<int64_t> q = shapeOf(queryLike.front()),
                    k = shapeOf(keyLike.front());
  if (kvHeads < 1 || heads % kvHeads != 0)
    return op->emitOpError("found ")
           << heads << " heads and " << kvHeads
           << " key heads, expected the second to divide the first";
  if (batch < 1 || q[0] % batch != 0 || k[0] % batch != 0 ||
      q[1] % heads != 0 || q[1] / heads * kvHeads != k[1])
    return op->emitOpError("found queries of ")
           << q[0] << "x" << q[1] << " and keys of " << k[0] << "x" << k[1]
           << ", which " << batch << " batches of " << heads << " and "
           << kvHeads << " heads do not divide";
  for (Value value : queryLike)
    if (shapeOf(value) != q)
      return op->emitOpError("expects ")
             << value.getType() << " to have the shape of the query";
  for (Value value : keyLike)
    if (shapeOf(value) != k)
      return op->emitOpError("expects ")
             << value.getType() << " to have the shape of the key";
  if (shapeOf(lse) != ArrayRef<int64_t>{batch, heads, q[0] / batch})
    return op->emitOpError("found lse of type ")
           << lse.getType() << ", expected " << batch << "x" << heads << "x"
           << q[0] / batch;
  SmallVector<Value> matrices(queryLike);
  llvm::append_range(matrices, keyLike);
  if (failed(verifyElements(op, matrices)) ||
      failed(verifyF32(op, "lse", lse)) ||
      failed(verifyF32(op, "workspace", workspace)))
    return failure();
  int64_t size = q[1] / heads;
  return verifyWorkspace(op, workspace,
                         elementOf(matrices.front()).isBF16()
                             ? pprt_attention_bf16_workspace(
                                   backward, q[0] / batch, k[0] / batch, size)
                             : pprt_attention_workspace(backward, size));
}

LogicalResult AttentionOp::verify() {
  return verifyAttention(*this, {getQuery(), getOut()}, {getKey(), getValue()},
                         getLse(), getWorkspace(), getBatch(), getHeads(),
                         getKvHeads(), false);
}

LogicalResult AttentionGradOp::verify() {
  return verifyAttention(*this, {getQuery(), getOut(), getDout(), getDquery()},
                         {getKey(), getValue(), getDkey(), getDvalue()},
                         getLse(), getWorkspace(), getBatch(), getHeads(),
                         getKvHeads(), true);
}
