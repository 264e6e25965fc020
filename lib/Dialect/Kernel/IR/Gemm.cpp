//===- Gemm.cpp - Matrix products -----------------------------------------===//
//
// The call on CPUs is a function for each type of elements; on GPUs one
// function takes a description, with which the runtime asks cuBLASLt for a
// plan.
//
//===----------------------------------------------------------------------===//

#include "Operands.h"
#include "pp/Dialect/Kernel/IR/CallBuilder.h"

#include "pprt_gpu_cost.h"
#include "pprt_gpu_workspace.h"
#include "pprt_kernels.h"

using namespace mlir;
using namespace pp;
using namespace pp::kernel;

//===----------------------------------------------------------------------===//
// Verifiers
//===----------------------------------------------------------------------===//

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
  return verifyWorkspace(*this);
}

/// An operand of an epilogue: of this shape, with the elements of `out`.
static LogicalResult verifyEpilogueOperand(FusedGemmOp op, StringRef name,
                                           Value value,
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
  } operands[] = {
      {"bias", getBias(), epilogue == Epilogue::Bias,
       epilogue == Epilogue::Bias || epilogue == Epilogue::Gelu ||
           epilogue == Epilogue::Add},
      {"input", getInput(), hasInput, hasInput},
      {"aux", getAux(), epilogue == Epilogue::Gelu, epilogue == Epilogue::Gelu},
      {"sums", getSums(), isSums, isSums}};
  for (auto [name, value, isExpected, isAllowed] : operands)
    if (value ? !isAllowed : isExpected)
      return emitOpError("found ")
             << (value ? "" : "no ") << name << " with the epilogue "
             << stringifyEpilogue(epilogue) << ", expected "
             << (value ? "none" : "one");
  ArrayRef<int64_t> shape = shapeOf(getOut());
  if (failed(verifyEpilogueOperand(*this, "bias", getBias(), shape[1])) ||
      failed(verifyEpilogueOperand(*this, "input", getInput(), shape)) ||
      failed(verifyEpilogueOperand(*this, "aux", getAux(), shape)) ||
      failed(verifyEpilogueOperand(*this, "sums", getSums(),
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

//===----------------------------------------------------------------------===//
// Destinations and workspaces
//===----------------------------------------------------------------------===//

Value GemmOp::getReadDestination() {
  return getAccumulate() ? getOut() : Value();
}
Value FusedGemmOp::getReadDestination() {
  return getAccumulate() ? getOut() : Value();
}

OpOperand *GemmOp::getWorkspaceOperand() { return &getWorkspaceMutable(); }
OpOperand *FusedGemmOp::getWorkspaceOperand() { return &getWorkspaceMutable(); }

int64_t GemmOp::getWorkspaceBytes(const LibraryTarget &target) {
  if (target.isDevice)
    return PPRT_GPU_GEMM_WORKSPACE;
  ArrayRef<int64_t> a = shapeOf(getLhs()).take_back(2),
                    c = shapeOf(getOut()).take_back(2);
  int64_t m = c[0], n = c[1], k = a[!getTransposeA()];
  int64_t elements =
      elementOf(getLhs()).isBF16()
          ? pprt_gemm_bf16_workspace(m, n, k, elementOf(getOut()).isBF16())
          : pprt_gemm_workspace(m, n, k);
  return elements * sizeof(float);
}

/// CPUs have no such call.
int64_t FusedGemmOp::getWorkspaceBytes(const LibraryTarget &target) {
  return target.isDevice ? PPRT_GPU_GEMM_WORKSPACE : 0;
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

LogicalResult GemmOp::lowerToHostCall(CallBuilder &calls) {
  FailureOr<Matrix> a = calls.matrix(getLhs(), true);
  FailureOr<Matrix> b = calls.matrix(getRhs(), true);
  FailureOr<Matrix> c = calls.matrix(getOut(), false);
  if (failed(a) || failed(b) || failed(c))
    return failure();
  auto lhs = cast<MemRefType>(getLhs().getType());
  auto out = cast<MemRefType>(getOut().getType());
  int64_t rank = out.getRank();
  int64_t m = out.getDimSize(rank - 2), n = out.getDimSize(rank - 1);
  int64_t k = lhs.getDimSize(getTransposeA() ? rank - 2 : rank - 1);
  SmallVector<Value> operands{calls.i32(getTransposeA() != a->transposed),
                              calls.i32(getTransposeB() != b->transposed),
                              calls.i64(m),
                              calls.i64(n),
                              calls.i64(k),
                              a->pointer,
                              calls.i64(a->leading),
                              b->pointer,
                              calls.i64(b->leading)};
  bool isBF16 = lhs.getElementType().isBF16();
  if (isBF16)
    operands.append(
        {calls.i32(getAccumulate()), calls.i32(out.getElementType().isBF16())});
  else
    operands.push_back(calls.f32(getAccumulate() ? 1.0 : 0.0));
  operands.append({c->pointer, calls.i64(c->leading)});
  FailureOr<Value> workspace = calls.pointer(getWorkspace());
  if (failed(workspace))
    return failure();
  if (rank == 3)
    for (int64_t value : {out.getDimSize(0), a->stride, b->stride, c->stride})
      operands.push_back(calls.i64(value));
  operands.push_back(*workspace);
  StringRef name = isBF16 ? "pprt_gemm_bf16" : "pprt_sgemm";
  return calls.call((name + (rank == 2 ? "" : "_batched")).str(), operands);
}

namespace {
/// Kind and operands of the epilogue of a product.
struct EpilogueOperands {
  pprt_gpu_epilogue epilogue = PPRT_GPU_EPILOGUE_NONE;
  Value vector; ///< bias or sums
  Value matrix; ///< the auxiliary matrix
  pprt_gpu_add add = PPRT_GPU_ADD_NOTHING;
};
} // namespace

static EpilogueOperands epilogueOf(GemmOp) { return {}; }
static EpilogueOperands epilogueOf(FusedGemmOp op) {
  switch (op.getEpilogue()) {
  case Epilogue::Bias:
    return {PPRT_GPU_EPILOGUE_BIAS, op.getBias(), {}};
  case Epilogue::Add:
    return {op.getBias() ? PPRT_GPU_EPILOGUE_BIAS : PPRT_GPU_EPILOGUE_NONE,
            op.getBias(), op.getInput(), PPRT_GPU_ADD_AUX};
  case Epilogue::Gelu:
    return {op.getBias() ? PPRT_GPU_EPILOGUE_GELU_AUX_BIAS
                         : PPRT_GPU_EPILOGUE_GELU_AUX,
            op.getBias(), op.getAux()};
  case Epilogue::GeluGrad:
    return {PPRT_GPU_EPILOGUE_DGELU, {}, op.getInput()};
  case Epilogue::LhsSums:
    return {PPRT_GPU_EPILOGUE_BGRAD_A, op.getSums(), {}};
  case Epilogue::RhsSums:
    return {PPRT_GPU_EPILOGUE_BGRAD_B, op.getSums(), {}};
  }
  llvm_unreachable("all epilogues have a case");
}

PP_DEFINE_STRUCT_FIELDS(fieldsOf, pprt_gpu_gemm, PPRT_GPU_GEMM_FIELDS)

template <typename OpTy>
static FailureOr<DictionaryAttr> lowerToDevice(OpTy op,
                                               DeviceCallBuilder &calls) {
  FailureOr<Matrix> a = calls.matrix(op.getLhs(), true);
  FailureOr<Matrix> b = calls.matrix(op.getRhs(), true);
  FailureOr<Matrix> c = calls.matrix(op.getOut(), false);
  FailureOr<Value> workspace = calls.pointer(op.getWorkspace());
  FailureOr<int32_t> typeA = calls.typeOf(op.getLhs()),
                     typeB = calls.typeOf(op.getRhs()),
                     typeC = calls.typeOf(op.getOut());
  if (failed(a) || failed(b) || failed(c) || failed(workspace) ||
      failed(typeA) || failed(typeB) || failed(typeC))
    return failure();
  EpilogueOperands epilogue = epilogueOf(op);
  Value none = calls.null();
  FailureOr<Value> vector = none;
  FailureOr<Matrix> aux = Matrix{none};
  if (epilogue.vector)
    vector = calls.pointer(epilogue.vector);
  if (epilogue.matrix)
    aux = calls.matrix(epilogue.matrix, false);
  if (failed(vector) || failed(aux))
    return failure();
  auto lhs = cast<MemRefType>(op.getLhs().getType());
  auto out = cast<MemRefType>(op.getOut().getType());
  int64_t rank = out.getRank();
  pprt_gpu_gemm s = {};
  s.m = out.getDimSize(rank - 2);
  s.n = out.getDimSize(rank - 1);
  s.k = lhs.getDimSize(op.getTransposeA() ? rank - 2 : rank - 1);
  s.lda = a->leading;
  s.ldb = b->leading;
  s.ldc = c->leading;
  s.ldaux = aux->leading;
  s.batch = rank == 3 ? out.getDimSize(0) : 1;
  s.stride_a = a->stride;
  s.stride_b = b->stride;
  s.stride_c = c->stride;
  s.workspace_bytes = bytesOf(op.getWorkspace());
  s.transpose_a = op.getTransposeA() != a->transposed;
  s.transpose_b = op.getTransposeB() != b->transposed;
  s.add = op.getAccumulate() ? PPRT_GPU_ADD_C : epilogue.add;
  s.type_a = *typeA;
  s.type_b = *typeB;
  s.type_c = s.type_bias = *typeC;
  s.epilogue = epilogue.epilogue;
  char name[PPRT_GPU_NAME_BYTES];
  pprt_gpu_gemm_name(&s, name);
  int64_t bytes = pprt_gpu_gemm_bytes(&s);
  DictionaryAttr cost =
      calls.cost(name, "product", bytes, bytes, pprt_gpu_gemm_operations(&s),
                 pprt_gpu_type_name(s.type_a));
  calls.useLibraries(PPRT_GPU_CALLS_PRODUCTS);
  if (failed(calls.callWithContext("pprt_gpu_matmul",
                                   {calls.constantStruct("gemm", fieldsOf(s)),
                                    a->pointer, b->pointer, c->pointer, *vector,
                                    aux->pointer, *workspace})))
    return failure();
  return cost;
}

FailureOr<DictionaryAttr> GemmOp::lowerToDeviceCall(DeviceCallBuilder &calls) {
  return lowerToDevice(*this, calls);
}
FailureOr<DictionaryAttr>
FusedGemmOp::lowerToDeviceCall(DeviceCallBuilder &calls) {
  return lowerToDevice(*this, calls);
}
