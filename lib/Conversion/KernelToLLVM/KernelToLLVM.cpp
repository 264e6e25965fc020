//===- KernelToLLVM.cpp - Library calls on pointers -----------------------===//
//
// Each op is one call; its shape is arguments, or a struct on the stack. Public
// functions get the runtime's context first, whatever they call, so that their
// callers need not know.
//
//===----------------------------------------------------------------------===//

#include "pp/Conversion/KernelCalls.h"
#include "pp/Conversion/Passes.h"
#include "pp/Dialect/Kernel/IR/KernelOps.h"

namespace pp {
#define GEN_PASS_DEF_CONVERTKERNELTOLLVM
#include "pp/Conversion/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp;
using namespace pp::kernel;

namespace {
class HostCallBuilder : public CallBuilder {
public:
  using CallBuilder::CallBuilder;

  /// The address of a pprt_attention_shape on the stack.
  Value attentionShape(int64_t batch, int64_t heads, int64_t kvHeads, int64_t t,
                       int64_t s, int64_t d, double scale, bool causal) {
    Location loc = op->getLoc();
    MLIRContext *context = builder.getContext();
    Type i64Type = builder.getI64Type();
    auto type = LLVM::LLVMStructType::getLiteral(
        context, {i64Type, i64Type, i64Type, i64Type, i64Type, i64Type,
                  builder.getF32Type(), builder.getI32Type()});
    Value fields[] = {i64(batch), i64(heads), i64(kvHeads), i64(t),
                      i64(s),     i64(d),     f32(scale),   i32(causal)};
    auto pointerType = LLVM::LLVMPointerType::get(context);
    Value shape = LLVM::AllocaOp::create(builder, loc, pointerType, type,
                                         i64(1), /*alignment=*/8);
    for (auto [i, field] : llvm::enumerate(fields)) {
      Value address = LLVM::GEPOp::create(
          builder, loc, pointerType, type, shape,
          ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(i)});
      LLVM::StoreOp::create(builder, loc, field, address);
    }
    return shape;
  }
};
} // namespace

static LogicalResult lower(GemmOp op) {
  HostCallBuilder builder(op);
  FailureOr<Matrix> a = builder.matrix(op.getLhs(), true);
  FailureOr<Matrix> b = builder.matrix(op.getRhs(), true);
  FailureOr<Matrix> c = builder.matrix(op.getOut(), false);
  if (failed(a) || failed(b) || failed(c))
    return failure();
  auto lhs = cast<MemRefType>(op.getLhs().getType());
  auto out = cast<MemRefType>(op.getOut().getType());
  int64_t rank = out.getRank();
  int64_t m = out.getDimSize(rank - 2), n = out.getDimSize(rank - 1);
  int64_t k = lhs.getDimSize(op.getTransposeA() ? rank - 2 : rank - 1);
  SmallVector<Value> operands{builder.i32(op.getTransposeA() != a->transposed),
                              builder.i32(op.getTransposeB() != b->transposed),
                              builder.i64(m),
                              builder.i64(n),
                              builder.i64(k),
                              a->pointer,
                              builder.i64(a->leading),
                              b->pointer,
                              builder.i64(b->leading)};
  bool isBF16 = lhs.getElementType().isBF16();
  if (isBF16)
    operands.append({builder.i32(op.getAccumulate()),
                     builder.i32(out.getElementType().isBF16())});
  else
    operands.push_back(builder.f32(op.getAccumulate() ? 1.0 : 0.0));
  operands.append({c->pointer, builder.i64(c->leading)});
  FailureOr<Value> workspace = builder.pointer(op.getWorkspace());
  if (failed(workspace))
    return failure();
  if (rank == 3)
    for (int64_t value : {out.getDimSize(0), a->stride, b->stride, c->stride})
      operands.push_back(builder.i64(value));
  operands.push_back(*workspace);
  StringRef name = isBF16 ? "pprt_gemm_bf16" : "pprt_sgemm";
  return builder.call((name + (rank == 2 ? "" : "_batched")).str(), operands);
}

/// Pushes address and leading dimension of each buffer.
static LogicalResult pushMatrices(HostCallBuilder &builder, ValueRange buffers,
                                  SmallVectorImpl<Value> &operands) {
  for (Value buffer : buffers) {
    FailureOr<Matrix> matrix = builder.matrix(buffer, false);
    if (failed(matrix))
      return failure();
    operands.push_back(matrix->pointer);
    operands.push_back(builder.i64(matrix->leading));
  }
  return success();
}

/// The kernel for the elements of `op`.
template <typename OpTy>
static std::string kernelName(StringRef name, OpTy op) {
  auto type = cast<MemRefType>(op.getQuery().getType());
  return (name + (type.getElementType().isBF16() ? "_bf16" : "_f32")).str();
}

template <typename OpTy>
static Value attentionShape(HostCallBuilder &builder, OpTy op) {
  auto q = cast<MemRefType>(op.getQuery().getType());
  auto k = cast<MemRefType>(op.getKey().getType());
  return builder.attentionShape(
      op.getBatch(), op.getHeads(), op.getKvHeads(),
      q.getDimSize(0) / op.getBatch(), k.getDimSize(0) / op.getBatch(),
      q.getDimSize(1) / op.getHeads(), op.getScale().convertToDouble(),
      op.getCausal());
}

static LogicalResult lower(AttentionOp op) {
  HostCallBuilder builder(op);
  SmallVector<Value> operands{attentionShape(builder, op)};
  if (failed(pushMatrices(
          builder, {op.getQuery(), op.getKey(), op.getValue(), op.getOut()},
          operands)))
    return failure();
  for (Value buffer : {op.getLse(), op.getWorkspace()}) {
    FailureOr<Value> pointer = builder.pointer(buffer);
    if (failed(pointer))
      return failure();
    operands.push_back(*pointer);
  }
  std::string name = kernelName("pprt_attention_forward", op);
  return builder.call(name, operands);
}

static LogicalResult lower(AttentionGradOp op) {
  HostCallBuilder builder(op);
  SmallVector<Value> operands{attentionShape(builder, op)};
  FailureOr<Value> lse = builder.pointer(op.getLse());
  if (failed(lse) ||
      failed(pushMatrices(
          builder, {op.getQuery(), op.getKey(), op.getValue(), op.getOut()},
          operands)))
    return failure();
  operands.push_back(*lse);
  FailureOr<Value> workspace = builder.pointer(op.getWorkspace());
  if (failed(workspace) ||
      failed(pushMatrices(
          builder, {op.getDout(), op.getDquery(), op.getDkey(), op.getDvalue()},
          operands)))
    return failure();
  operands.push_back(*workspace);
  std::string name = kernelName("pprt_attention_backward", op);
  return builder.call(name, operands);
}

namespace {
struct ConvertKernelToLLVM
    : pp::impl::ConvertKernelToLLVMBase<ConvertKernelToLLVM> {
  void runOnOperation() override {
    addContexts(getOperation());
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa_and_nonnull<KernelDialect>(op->getDialect()))
        ops.push_back(op);
    });
    for (Operation *op : ops)
      if (failed(lowerOp(op)))
        return signalPassFailure();
  }

  static LogicalResult lowerOp(Operation *op) {
    if (auto gemm = dyn_cast<GemmOp>(op))
      return lower(gemm);
    if (auto attention = dyn_cast<AttentionOp>(op))
      return lower(attention);
    if (auto grad = dyn_cast<AttentionGradOp>(op))
      return lower(grad);
    if (isa<CheckIdsOp>(op))
      return HostCallBuilder(op).checkIds("pprt_check_ids");
    return op->emitOpError("found in code for a CPU, whose runtime has no call "
                           "for it, expected code for a GPU");
  }
};
} // namespace
