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

#include <cmath>

using namespace mlir;
using namespace pp::kernel;

#include "pp/Dialect/Kernel/IR/KernelEnums.cpp.inc"

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
void FusedGemmOp::getEffects(Effects &effects) {
  memrefEffects(*this, getAccumulate() ? getOut() : Value(), effects);
}
void ScatterAddOp::getEffects(Effects &effects) {
  memrefEffects(*this, getTable(), effects);
}
void SumOfSquaresOp::getEffects(Effects &effects) {
  memrefEffects(*this, Value(), effects);
}
/// The runtime hears of it, so an op without results is not dead.
void CheckIdsOp::getEffects(Effects &effects) {
  if (isa<MemRefType>(getIds().getType()))
    effects.emplace_back(MemoryEffects::Read::get(), &getIdsMutable());
  effects.emplace_back(MemoryEffects::Write::get());
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

/// Sizes and elements of a product.
template <typename OpTy> static LogicalResult verifyProduct(OpTy op) {
  ArrayRef<int64_t> a = shapeOf(op.getLhs()).take_back(2),
                    b = shapeOf(op.getRhs()).take_back(2),
                    c = shapeOf(op.getOut()).take_back(2);
  int64_t m = a[op.getTransposeA()], k = a[!op.getTransposeA()];
  int64_t kb = b[op.getTransposeB()], n = b[!op.getTransposeB()];
  if (k != kb)
    return op.emitOpError("found inner dimensions ")
           << k << " and " << kb << ", expected them equal; check the "
           << "transpose attributes";
  if (c[0] != m || c[1] != n)
    return op.emitOpError("found a destination of ")
           << c[0] << "x" << c[1] << ", expected " << m << "x" << n;
  if (failed(verifyElements(op, {op.getLhs(), op.getRhs()})) ||
      failed(verifyF32(op, "workspace", op.getWorkspace())))
    return failure();
  if (!elementOf(op.getOut()).isF32() &&
      elementOf(op.getOut()) != elementOf(op.getLhs()))
    return op.emitOpError("found a destination of type ")
           << op.getOut().getType() << ", expected elements of "
           << elementOf(op.getLhs())
           << (elementOf(op.getLhs()).isBF16() ? " or f32" : "");
  return success();
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
  if (failed(verifyProduct(*this)))
    return failure();
  int64_t m = c[c.size() - 2], n = c.back();
  int64_t k = a[a.size() - (getTransposeA() ? 2 : 1)];
  return verifyWorkspace(
      *this, getWorkspace(),
      elementOf(getLhs()).isBF16()
          ? pprt_gemm_bf16_workspace(m, n, k, elementOf(getOut()).isBF16())
          : pprt_gemm_workspace(m, n, k));
}

/// An operand beside a product: of this shape, with the elements of `out`.
static LogicalResult verifyBeside(FusedGemmOp op, StringRef name, Value value,
                                  ArrayRef<int64_t> shape) {
  if (!value)
    return success();
  auto type = cast<ShapedType>(value.getType());
  if (type.getShape() != shape || elementOf(value) != elementOf(op.getOut())) {
    auto expected = RankedTensorType::get(shape, elementOf(op.getOut()));
    return op.emitOpError("found ")
           << name << " of type " << type << ", expected the elements of "
           << expected;
  }
  auto memref = dyn_cast<MemRefType>(type);
  SmallVector<int64_t> strides;
  int64_t offset;
  if (memref && shape.size() == 1 &&
      succeeded(memref.getStridesAndOffset(strides, offset)) &&
      strides[0] != 1 && shape[0] != 1)
    return op.emitOpError("found ")
           << name << " of type " << type
           << ", expected neighbouring elements; copy it first";
  return success();
}

LogicalResult FusedGemmOp::verify() {
  for (Value matrix : {getLhs(), getRhs(), getOut()})
    if (shapeOf(matrix).size() != 2)
      return emitOpError("found an operand of type ")
             << matrix.getType()
             << ", expected rank 2; collapse leading dimensions first";
  if (failed(verifyProduct(*this)))
    return failure();
  Epilogue epilogue = getEpilogue();
  bool isSums = epilogue == Epilogue::LhsSums || epilogue == Epilogue::RhsSums;
  bool hasInput = epilogue == Epilogue::GeluGrad || epilogue == Epilogue::Add;
  struct {
    StringRef name;
    Value value;
    bool isExpected, isAllowed;
  } beside[] = {
      {"bias", getBias(), epilogue == Epilogue::Bias,
       epilogue == Epilogue::Bias || epilogue == Epilogue::Gelu ||
           epilogue == Epilogue::Add},
      {"input", getInput(), hasInput, hasInput},
      {"aux", getAux(), epilogue == Epilogue::Gelu, epilogue == Epilogue::Gelu},
      {"sums", getSums(), isSums, isSums}};
  for (auto [name, value, isExpected, isAllowed] : beside)
    if (value ? !isAllowed : isExpected)
      return emitOpError("found ")
             << (value ? "" : "no ") << name << " with the epilogue "
             << stringifyEpilogue(epilogue) << ", expected "
             << (value ? "none" : "one");
  ArrayRef<int64_t> shape = shapeOf(getOut());
  if (failed(verifyBeside(*this, "bias", getBias(), shape[1])) ||
      failed(verifyBeside(*this, "input", getInput(), shape)) ||
      failed(verifyBeside(*this, "aux", getAux(), shape)) ||
      failed(verifyBeside(*this, "sums", getSums(),
                          shape[epilogue == Epilogue::RhsSums])))
    return failure();
  if (epilogue == Epilogue::Add && getAccumulate())
    return emitOpError("found accumulate with the epilogue add, expected one "
                       "of them: the library adds one matrix");
  if ((epilogue == Epilogue::Gelu || epilogue == Epilogue::GeluGrad) &&
      shape[1] % 8 != 0)
    return emitOpError("found ")
           << shape[1] << " columns with the epilogue "
           << stringifyEpilogue(epilogue)
           << ", expected a multiple of 8: leave the product alone";
  if (getSums() && failed(verifyF32(*this, "sums", getSums())))
    return failure();
  if (shapeOf(getWorkspace()).size() != 1)
    return emitOpError("found workspace of type ")
           << getWorkspace().getType() << ", expected a vector";
  return success();
}

LogicalResult CheckIdsOp::verify() {
  if (static_cast<int64_t>(getSize()) > 0) // C1
    return success();
  return emitOpError("found size = ")
         << static_cast<int64_t>(getSize()) << ", expected a positive size";
}

/// A thread has four elements, or more where there are many.
int64_t SumOfSquaresOp::countBlocks(int64_t elements) {
  constexpr int64_t most = 1024;
  return std::clamp<int64_t>(llvm::divideCeil(elements, 4 * kThreads), 1, most);
}

LogicalResult SumOfSquaresOp::verify() {
  auto hasElements = [](Value value, unsigned bits) {
    Type element = getElementTypeOrSelf(value.getType());
    return element.isFloat(bits) && !element.isBF16();
  };
  if (shapeOf(getInput()).size() != 1 || !hasElements(getInput(), 32) ||
      !shapeOf(getSum()).empty() || !hasElements(getSum(), 64)) // C1
    return emitOpError("found operands of type ")
           << getInput().getType() << " and " << getSum().getType()
           << ", expected a vector of f32 and a sum of f64 without dimensions";
  const int64_t blocks = countBlocks(shapeOf(getInput())[0]);
  if (shapeOf(getPartials()) != ArrayRef<int64_t>(blocks) ||
      !hasElements(getPartials(), 64)) // C2
    return emitOpError("found partials of type ")
           << getPartials().getType() << ", expected " << blocks
           << " elements of f64";
  return success();
}

LogicalResult ScatterAddOp::verify() {
  ArrayRef<int64_t> rows = shapeOf(getRows()), table = shapeOf(getTable());
  Type from = getElementTypeOrSelf(getRows().getType()),
       to = getElementTypeOrSelf(getTable().getType());
  bool fits = from == to ||
              from.getIntOrFloatBitWidth() < to.getIntOrFloatBitWidth(); // C2
  if (rows.size() != 2 || table.size() != 2 ||
      rows[0] != shapeOf(getIds())[0] || rows[1] != table[1] || !fits) // C1
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
                                     double scale, bool backward) {
  for (Value value : llvm::concat<Value>(llvm::to_vector(queryLike),
                                         llvm::to_vector(keyLike)))
    if (shapeOf(value).size() != 2)
      return op->emitOpError("expects matrices of rank 2, found ")
             << value.getType() << "; collapse leading dimensions first";
  ArrayRef<int64_t> q = shapeOf(queryLike.front()),
                    k = shapeOf(keyLike.front());
  if (heads < 1 || kvHeads < 1 || heads % kvHeads != 0)
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
  if (!std::isfinite(static_cast<float>(scale))) // C4
    return op->emitOpError("found scale = ")
           << scale << ", expected a number that is finite in f32, in which "
           << "the kernel computes";
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
                         getKvHeads(), getScale().convertToDouble(), false);
}

LogicalResult AttentionGradOp::verify() {
  return verifyAttention(*this, {getQuery(), getOut(), getDout(), getDquery()},
                         {getKey(), getValue(), getDkey(), getDvalue()},
                         getLse(), getWorkspace(), getBatch(), getHeads(),
                         getKvHeads(), getScale().convertToDouble(), true);
}
