//===- KernelToLLVM.cpp - Library calls on pointers -----------------------===//
//
// All shapes and strides are static here: a call is pointers and constants. A
// matrix whose columns, not rows, are contiguous is the transpose of one whose
// rows are, so it costs a flag and no copy.
//
//===----------------------------------------------------------------------===//

#include "pp/Conversion/Passes.h"
#include "pp/Dialect/Kernel/IR/KernelOps.h"

#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"

namespace pp {
#define GEN_PASS_DEF_CONVERTKERNELTOLLVM
#include "pp/Conversion/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp::kernel;

namespace {
/// A matrix, or a batch of them, as a library wants it.
struct Matrix {
  Value pointer;
  int64_t leading = 0;     ///< distance of rows
  int64_t stride = 0;      ///< distance of matrices of a batch
  bool transposed = false; ///< memory holds the transpose
};

/// Builds calls in front of one op.
class CallBuilder {
public:
  CallBuilder(Operation *op) : op(op), builder(op) {}

  Value i32(int64_t value) { return constant(builder.getI32Type(), value); }
  Value i64(int64_t value) { return constant(builder.getI64Type(), value); }
  Value f32(double value) {
    return LLVM::ConstantOp::create(builder, op->getLoc(),
                                    builder.getF32FloatAttr(value));
  }

  /// The address of the first element of a memref with a static offset.
  FailureOr<Value> pointer(Value buffer) {
    auto type = cast<MemRefType>(buffer.getType());
    SmallVector<int64_t> strides;
    int64_t offset;
    if (failed(type.getStridesAndOffset(strides, offset)) ||
        ShapedType::isDynamic(offset))
      return op->emitOpError("found operand of type ")
             << type << ", expected a static offset";
    Location loc = op->getLoc();
    Value address = arith::IndexCastOp::create(
        builder, loc, builder.getI64Type(),
        memref::ExtractAlignedPointerAsIndexOp::create(builder, loc, buffer));
    auto pointerType = LLVM::LLVMPointerType::get(builder.getContext());
    Value result = LLVM::IntToPtrOp::create(builder, loc, pointerType, address);
    if (offset != 0)
      result = LLVM::GEPOp::create(
          builder, loc, pointerType, type.getElementType(), result,
          ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)});
    return result;
  }

  FailureOr<Matrix> matrix(Value buffer, bool mayTranspose) {
    auto type = cast<MemRefType>(buffer.getType());
    SmallVector<int64_t> strides;
    int64_t offset;
    if (failed(type.getStridesAndOffset(strides, offset)) ||
        llvm::is_contained(strides, ShapedType::kDynamic))
      return op->emitOpError("found operand of type ")
             << type << ", expected static strides";
    Matrix matrix;
    int64_t rank = type.getRank();
    int64_t rows = type.getDimSize(rank - 2),
            columns = type.getDimSize(rank - 1);
    int64_t rowStride = strides[rank - 2], columnStride = strides[rank - 1];
    // The stride of a dimension of size 1 means nothing.
    if (columnStride == 1 || columns == 1) {
      matrix.leading = rows == 1 ? columns : rowStride;
      // A column of distant elements is a matrix of rows of one element.
      if (columns == 1 && rows == 1)
        matrix.leading = 1;
    } else if (mayTranspose && (rowStride == 1 || rows == 1)) {
      matrix.leading = columnStride;
      matrix.transposed = true;
    } else {
      return op->emitOpError("found operand of type ")
             << type << ", expected contiguous rows; copy it first";
    }
    if (rank == 3)
      matrix.stride = strides[0];
    FailureOr<Value> address = pointer(buffer);
    if (failed(address))
      return failure();
    matrix.pointer = *address;
    return matrix;
  }

  /// Calls `name`, which returns nothing, and erases the op.
  LogicalResult call(StringRef name, ValueRange operands) {
    auto module = op->getParentOfType<ModuleOp>();
    SmallVector<Type> types(operands.getTypes());
    FailureOr<LLVM::LLVMFuncOp> callee =
        LLVM::lookupOrCreateFn(builder, module, name, types,
                               LLVM::LLVMVoidType::get(builder.getContext()));
    if (failed(callee))
      return failure();
    LLVM::CallOp::create(builder, op->getLoc(), *callee, operands);
    op->erase();
    return success();
  }

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

private:
  Value constant(Type type, int64_t value) {
    return LLVM::ConstantOp::create(builder, op->getLoc(), type, value);
  }

  Operation *op;
  OpBuilder builder;
};
} // namespace

static LogicalResult lower(GemmOp op) {
  CallBuilder builder(op);
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
static LogicalResult pushMatrices(CallBuilder &builder, ValueRange buffers,
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
static Value attentionShape(CallBuilder &builder, OpTy op) {
  auto q = cast<MemRefType>(op.getQuery().getType());
  auto k = cast<MemRefType>(op.getKey().getType());
  return builder.attentionShape(
      op.getBatch(), op.getHeads(), op.getKvHeads(),
      q.getDimSize(0) / op.getBatch(), k.getDimSize(0) / op.getBatch(),
      q.getDimSize(1) / op.getHeads(), op.getScale().convertToDouble(),
      op.getCausal());
}

static LogicalResult lower(AttentionOp op) {
  CallBuilder builder(op);
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
  CallBuilder builder(op);
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
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa_and_nonnull<KernelDialect>(op->getDialect()))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      LogicalResult result = isa<GemmOp>(op) ? lower(cast<GemmOp>(op))
                             : isa<AttentionOp>(op)
                                 ? lower(cast<AttentionOp>(op))
                                 : lower(cast<AttentionGradOp>(op));
      if (failed(result))
        return signalPassFailure();
    }
  }
};
} // namespace
