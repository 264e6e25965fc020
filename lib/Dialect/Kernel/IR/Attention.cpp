//===- Attention.cpp - Attention and its adjoint --------------------------===//
//
// On CPUs a kernel of the runtime, on GPUs a plan of cuDNN, or kernels of the
// compiler where cuDNN has none: their names stand beside the op
// (`pp.fallback`), and go with the description of the call.
//
//===----------------------------------------------------------------------===//

#include "Operands.h"
#include "pp/Dialect/Kernel/IR/CallBuilder.h"

#include "pprt_gpu_cost.h"
#include "pprt_gpu_workspace.h"
#include "pprt_kernels.h"

#include <cmath>

using namespace mlir;
using namespace pp;
using namespace pp::kernel;

//===----------------------------------------------------------------------===//
// Verifiers
//===----------------------------------------------------------------------===//

/// Matrices of rows by heads side by side.
static LogicalResult verifyAttention(Operation *op, ValueRange queryLike,
                                     ValueRange keyLike, Value lse,
                                     Value documents, int64_t batch,
                                     int64_t heads, int64_t kvHeads,
                                     double scale) {
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
  auto call = cast<LibraryCallOpInterface>(op);
  if (failed(verifyElements(op, matrices)) ||
      failed(verifyF32(op, "lse", lse)) ||
      failed(verifyF32(op, "workspace", call.getWorkspaceOperand()->get())))
    return failure();
  if (!std::isfinite(static_cast<float>(scale))) // C4
    return op->emitOpError("found scale = ")
           << scale << ", expected a number that is finite in f32, in which "
           << "the kernel computes";
  if (documents && // C5
      (q[0] != k[0] || shapeOf(documents) != ArrayRef<int64_t>{k[0]}))
    return op->emitOpError("found documents of type ")
           << documents.getType() << " for " << q[0] << " queries and " << k[0]
           << " keys, expected as many queries as keys and a number for each";
  return verifyWorkspace(call);
}

LogicalResult AttentionOp::verify() {
  return verifyAttention(*this, {getQuery(), getOut()}, {getKey(), getValue()},
                         getLse(), getDocuments(), getBatch(), getHeads(),
                         getKvHeads(), getScale().convertToDouble());
}

LogicalResult AttentionGradOp::verify() {
  return verifyAttention(*this, {getQuery(), getOut(), getDout(), getDquery()},
                         {getKey(), getValue(), getDkey(), getDvalue()},
                         getLse(), getDocuments(), getBatch(), getHeads(),
                         getKvHeads(), getScale().convertToDouble());
}

//===----------------------------------------------------------------------===//
// Shapes and workspaces
//===----------------------------------------------------------------------===//

namespace {
/// What both calls have.
struct Shape {
  int64_t batch, heads, kvHeads, queries, keys, columns;
  double scale;
  bool causal, isBF16, hasDocuments;
};
} // namespace

template <typename OpTy> static Shape attentionShape(OpTy op) {
  ArrayRef<int64_t> q = shapeOf(op.getQuery()), k = shapeOf(op.getKey());
  int64_t batch = op.getBatch(), heads = op.getHeads();
  return {batch,
          heads,
          static_cast<int64_t>(op.getKvHeads()),
          q[0] / batch,
          k[0] / batch,
          q[1] / heads,
          op.getScale().convertToDouble(),
          op.getCausal(),
          elementOf(op.getQuery()).isBF16(),
          bool(op.getDocuments())};
}

/// What the runtime's struct for either target says of a shape.
template <typename StructTy> static StructTy structOf(const Shape &shape) {
  StructTy s = {};
  s.batch = shape.batch;
  s.heads = shape.heads;
  s.kv_heads = shape.kvHeads;
  s.t = shape.queries;
  s.s = shape.keys;
  s.d = shape.columns;
  s.scale = shape.scale;
  s.causal = shape.causal;
  return s;
}

/// But for leading dimensions, workspace and fallbacks. Elements that are not
/// bf16 are f32.
static pprt_gpu_attention deviceShape(const Shape &shape) {
  auto s = structOf<pprt_gpu_attention>(shape);
  s.type = shape.isBF16 ? PPRT_GPU_BF16 : PPRT_GPU_F32;
  return s;
}

static int64_t workspaceBytes(const Shape &shape, bool isAdjoint,
                              const LibraryTarget &target) {
  if (target.isDevice) {
    pprt_gpu_attention s = deviceShape(shape);
    // For kernels of the compiler.
    if (shape.hasDocuments)
      return isAdjoint ? pprt_gpu_attention_sums_bytes(&s) : 0;
    s.any_order = target.anyOrder;
    return pprt_gpu_attention_workspace(&s, isAdjoint, target.least,
                                        target.most, target.cudnn);
  }
  int64_t elements =
      shape.isBF16 ? pprt_attention_bf16_workspace(isAdjoint, shape.queries,
                                                   shape.keys, shape.columns)
                   : pprt_attention_workspace(isAdjoint, shape.columns);
  return elements * sizeof(float);
}

OpOperand *AttentionOp::getWorkspaceOperand() { return &getWorkspaceMutable(); }
OpOperand *AttentionGradOp::getWorkspaceOperand() {
  return &getWorkspaceMutable();
}

int64_t AttentionOp::getWorkspaceBytes(const LibraryTarget &target) {
  return workspaceBytes(attentionShape(*this), /*isAdjoint=*/false, target);
}
int64_t AttentionGradOp::getWorkspaceBytes(const LibraryTarget &target) {
  return workspaceBytes(attentionShape(*this), /*isAdjoint=*/true, target);
}
bool AttentionGradOp::hasChoiceOfOrder() { return true; }

//===----------------------------------------------------------------------===//
// Calls on CPUs
//===----------------------------------------------------------------------===//

PP_DEFINE_STRUCT_FIELDS(fieldsOf, pprt_attention_shape,
                        PPRT_ATTENTION_SHAPE_FIELDS)

template <typename OpTy> static Value hostShape(OpTy op, CallBuilder &calls) {
  return calls.structOnStack(
      fieldsOf(structOf<pprt_attention_shape>(attentionShape(op))));
}

/// Pushes the address of the documents, null without.
static LogicalResult pushDocuments(CallBuilder &calls, Value documents,
                                   SmallVectorImpl<Value> &operands) {
  FailureOr<Value> pointer =
      documents ? calls.pointer(documents) : calls.null();
  if (failed(pointer))
    return failure();
  operands.push_back(*pointer);
  return success();
}

/// Pushes address and leading dimension of each buffer.
static LogicalResult pushMatrices(CallBuilder &calls, ValueRange buffers,
                                  SmallVectorImpl<Value> &operands) {
  for (Value buffer : buffers) {
    FailureOr<Matrix> matrix = calls.matrix(buffer, false);
    if (failed(matrix))
      return failure();
    operands.push_back(matrix->pointer);
    operands.push_back(calls.i64(matrix->leading));
  }
  return success();
}

/// The kernel for the elements of `query`.
static std::string kernelName(StringRef name, Value query) {
  return (name + (elementOf(query).isBF16() ? "_bf16" : "_f32")).str();
}

/// A head of one element may have been taken out of a wider one.
bool AttentionOp::wantsContiguousRows() { return true; }
bool AttentionGradOp::wantsContiguousRows() { return true; }

LogicalResult AttentionOp::lowerToHostCall(CallBuilder &calls) {
  SmallVector<Value> operands{hostShape(*this, calls)};
  if (failed(pushMatrices(calls, {getQuery(), getKey(), getValue(), getOut()},
                          operands)))
    return failure();
  for (Value buffer : {getLse(), getWorkspace()}) {
    FailureOr<Value> pointer = calls.pointer(buffer);
    if (failed(pointer))
      return failure();
    operands.push_back(*pointer);
  }
  if (failed(pushDocuments(calls, getDocuments(), operands)))
    return failure();
  return calls.call(kernelName("pprt_attention_forward", getQuery()), operands);
}

LogicalResult AttentionGradOp::lowerToHostCall(CallBuilder &calls) {
  SmallVector<Value> operands{hostShape(*this, calls)};
  FailureOr<Value> lse = calls.pointer(getLse());
  if (failed(lse) ||
      failed(pushMatrices(calls, {getQuery(), getKey(), getValue(), getOut()},
                          operands)))
    return failure();
  operands.push_back(*lse);
  FailureOr<Value> workspace = calls.pointer(getWorkspace());
  if (failed(workspace) ||
      failed(pushMatrices(
          calls, {getDout(), getDquery(), getDkey(), getDvalue()}, operands)))
    return failure();
  operands.push_back(*workspace);
  if (failed(pushDocuments(calls, getDocuments(), operands)))
    return failure();
  return calls.call(kernelName("pprt_attention_backward", getQuery()),
                    operands);
}

//===----------------------------------------------------------------------===//
// Calls on GPUs
//===----------------------------------------------------------------------===//

PP_DEFINE_STRUCT_FIELDS(fieldsOf, pprt_gpu_attention, PPRT_GPU_ATTENTION_FIELDS)

/// Keeps the largest workspaces of adjoints of attention on the module, for
/// reports.
static void noteWorkspaces(ModuleOp module, DictionaryAttr sums) {
  auto known = module->getAttrOfType<DictionaryAttr>(kAttentionWorkspaces);
  auto first = [](DictionaryAttr attribute) {
    return attribute.getAs<DenseI64ArrayAttr>("workspaces").asArrayRef()[0];
  };
  if (!known || first(known) < first(sums))
    module->setAttr(kAttentionWorkspaces, sums);
}

/// A kernel of the compiler, its grid and its block.
static void describeFallback(Operation *op, StringRef attribute,
                             DeviceCallBuilder &calls, int32_t &kernel,
                             int32_t (&grid)[3], int32_t &block) {
  auto launch = op->getAttrOfType<DictionaryAttr>(attribute);
  kernel =
      calls.numberOf(launch ? launch.getAs<StringAttr>("kernel") : nullptr);
  if (!launch)
    return;
  ArrayRef<int64_t> sizes = launch.getAs<DenseI64ArrayAttr>("sizes");
  std::copy(sizes.begin(), sizes.begin() + 3, grid);
  block = sizes[3];
}

/// The call of attention or its gradient: shape, query to output, lse, what
/// only the gradient has, workspace.
template <typename OpTy>
static FailureOr<DictionaryAttr>
lowerToDevice(OpTy op, DeviceCallBuilder &calls, StringRef kind,
              StringRef callee, ValueRange forward, ValueRange backward) {
  const bool isAdjoint = !backward.empty();
  int64_t leading[8] = {};
  SmallVector<Value> pointers;
  for (auto [i, buffer] : llvm::enumerate(llvm::concat<Value>(
           llvm::to_vector(forward), llvm::to_vector(backward)))) {
    FailureOr<Matrix> matrix = calls.matrix(buffer, false);
    if (failed(matrix))
      return failure();
    pointers.push_back(matrix->pointer);
    leading[i] = matrix->leading;
  }
  FailureOr<Value> lse = calls.pointer(op.getLse());
  FailureOr<Value> workspace = calls.pointer(op.getWorkspace());
  FailureOr<int32_t> type = calls.typeOf(op.getQuery());
  if (failed(lse) || failed(workspace) || failed(type))
    return failure();
  pprt_gpu_attention s = deviceShape(attentionShape(op));
  char name[PPRT_GPU_NAME_BYTES];
  pprt_gpu_attention_name(&s, isAdjoint, name);
  int64_t bytes = pprt_gpu_attention_bytes(&s, isAdjoint);
  DictionaryAttr cost =
      calls.cost(name, isAdjoint ? "attention_backward" : "attention_forward",
                 bytes, bytes, pprt_gpu_attention_operations(&s, isAdjoint),
                 pprt_gpu_type_name(s.type));
  // cuDNN is not asked where there are documents.
  if (*type == PPRT_GPU_BF16 && !op.getDocuments())
    calls.useLibraries(PPRT_GPU_CALLS_BF16_ATTENTION);
  s.ldq = leading[0];
  s.ldk = leading[1];
  s.ldv = leading[2];
  s.ldo = leading[3];
  s.lddo = leading[4];
  s.lddq = leading[5];
  s.lddk = leading[6];
  s.lddv = leading[7];
  s.workspace_bytes = bytesOf(op.getWorkspace());
  s.type = *type;
  if (auto sums = op->template getAttrOfType<DictionaryAttr>("pp.sums")) {
    s.any_order = sums.template getAs<BoolAttr>("any_order").getValue();
    if (*type == PPRT_GPU_BF16 && !op.getDocuments())
      noteWorkspaces(calls.module(), sums);
  }
  describeFallback(op, "pp.fallback", calls, s.fallback_kernel, s.fallback_grid,
                   s.fallback_block);
  describeFallback(op, "pp.fallback2", calls, s.fallback_kernel2,
                   s.fallback_grid2, s.fallback_block2);
  SmallVector<Value> operands{calls.constantStruct(kind, fieldsOf(s))};
  auto split = pointers.begin() + forward.size();
  operands.append(pointers.begin(), split);
  operands.push_back(*lse);
  operands.append(split, pointers.end());
  operands.push_back(*workspace);
  std::string function = callee.str();
  if (op.getDocuments()) {
    function += "_documents";
    if (failed(pushDocuments(calls, op.getDocuments(), operands)))
      return failure();
  }
  if (failed(calls.callWithContext(function, operands)))
    return failure();
  return cost;
}

FailureOr<DictionaryAttr>
AttentionOp::lowerToDeviceCall(DeviceCallBuilder &calls) {
  return lowerToDevice(*this, calls, "attention", "pprt_gpu_attention_forward",
                       {getQuery(), getKey(), getValue(), getOut()}, {});
}

FailureOr<DictionaryAttr>
AttentionGradOp::lowerToDeviceCall(DeviceCallBuilder &calls) {
  return lowerToDevice(*this, calls, "attention_grad",
                       "pprt_gpu_attention_backward",
                       {getQuery(), getKey(), getValue(), getOut()},
                       {getDout(), getDquery(), getDkey(), getDvalue()});
}
