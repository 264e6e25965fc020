//===- GPULowerCalls.cpp - Launches and library calls to the runtime ------===//
//
// Shapes are constants of the program, equal ones once: the runtime keeps the
// plan of a product by the address of its shape.
//
//===----------------------------------------------------------------------===//

#include "pp/CodeGen/GPU/Passes.h"
#include "pp/Dialect/Kernel/IR/KernelOps.h"

#include "pprt_gpu.h"

#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringMap.h"

namespace pp {
#define GEN_PASS_DEF_GPULOWERCALLS
#include "pp/CodeGen/GPU/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp::kernel;

namespace {
/// A matrix, or a batch of them, as the runtime wants it.
struct Matrix {
  Value pointer;
  int64_t leading = 0;
  int64_t stride = 0;
  bool transposed = false;
};

/// One field of a shape.
struct Field {
  Field(int64_t value) : value(value), bits(64) {}
  Field(int64_t value, int bits) : value(value), bits(bits) {}
  static Field f32(double value) {
    float narrow = value;
    int32_t word;
    std::memcpy(&word, &narrow, sizeof(word));
    Field field(word, 32);
    field.isFloat = true;
    return field;
  }
  int64_t value;
  int bits;
  bool isFloat = false;
};

class CallLowering {
public:
  CallLowering(ModuleOp module)
      : module(module), builder(module.getContext()),
        pointerType(LLVM::LLVMPointerType::get(module.getContext())) {
    // The number of a kernel is its place.
    module.walk([&](gpu::GPUFuncOp kernel) {
      numbers[kernel.getName()] = numbers.size();
      SmallVector<NamedAttribute> fields;
      auto add = [&](StringRef name, Attribute value) {
        fields.push_back(builder.getNamedAttr(name, value));
      };
      int64_t threads = 1, shared = 0;
      if (auto size = kernel.getKnownBlockSizeAttr())
        for (int32_t extent : size.asArrayRef())
          threads *= extent;
      for (BlockArgument buffer : kernel.getWorkgroupAttributions()) {
        auto type = cast<MemRefType>(buffer.getType());
        shared += type.getNumElements() *
                  llvm::divideCeil(type.getElementTypeBitWidth(), 8);
      }
      add("name", kernel.getNameAttr());
      add("arguments", builder.getI32IntegerAttr(kernel.getNumArguments()));
      add("shared", builder.getI32IntegerAttr(shared));
      add("threads", builder.getI32IntegerAttr(threads));
      descriptions.push_back(builder.getDictionaryAttr(fields));
    });
    module->setAttr("pp.gpu_kernels", builder.getArrayAttr(descriptions));
  }

  LogicalResult lower(Operation *op) {
    builder.setInsertionPoint(op);
    loc = op->getLoc();
    if (auto launch = dyn_cast<gpu::LaunchFuncOp>(op))
      return lowerLaunch(launch);
    if (auto gemm = dyn_cast<GemmOp>(op))
      return lowerGemm(gemm);
    if (auto attention = dyn_cast<AttentionOp>(op))
      return lowerAttention(attention);
    if (auto attention = dyn_cast<AttentionGradOp>(op))
      return lowerAttentionGrad(attention);
    return op->emitOpError("found no call of the runtime for it");
  }

private:
  Value constant(int64_t value, unsigned bits) {
    return LLVM::ConstantOp::create(builder, loc, builder.getIntegerType(bits),
                                    value);
  }

  LogicalResult call(Operation *op, StringRef name, ValueRange operands) {
    FailureOr<LLVM::LLVMFuncOp> callee = LLVM::lookupOrCreateFn(
        builder, module, name, SmallVector<Type>(operands.getTypes()),
        LLVM::LLVMVoidType::get(builder.getContext()));
    if (failed(callee))
      return failure();
    LLVM::CallOp::create(builder, loc, *callee, operands);
    op->erase();
    return success();
  }

  /// The address of the first element of a memref with a static offset.
  FailureOr<Value> pointer(Operation *op, Value buffer) {
    auto type = cast<MemRefType>(buffer.getType());
    SmallVector<int64_t> strides;
    int64_t offset;
    if (failed(type.getStridesAndOffset(strides, offset)) ||
        ShapedType::isDynamic(offset))
      return op->emitOpError("found operand of type ")
             << type << ", expected a static offset";
    Value address = arith::IndexCastOp::create(
        builder, loc, builder.getI64Type(),
        memref::ExtractAlignedPointerAsIndexOp::create(builder, loc, buffer));
    Value result = LLVM::IntToPtrOp::create(builder, loc, pointerType, address);
    if (offset != 0)
      result = LLVM::GEPOp::create(
          builder, loc, pointerType, type.getElementType(), result,
          ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)});
    return result;
  }

  LogicalResult lowerLaunch(gpu::LaunchFuncOp op) {
    auto function = op->getParentOfType<func::FuncOp>();
    SmallVector<Value> values;
    for (Value operand : op.getKernelOperands()) {
      if (!isa<MemRefType>(operand.getType())) {
        values.push_back(operand);
        continue;
      }
      FailureOr<Value> address = pointer(op, operand);
      if (failed(address))
        return failure();
      values.push_back(*address);
    }
    // On the stack once a function, however many launches it has.
    Value slots, addresses;
    {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(&function.front());
      auto &[storage, list, count] = stacks[function];
      if (!storage) {
        auto size = constant(0, 64);
        storage = LLVM::AllocaOp::create(builder, loc, pointerType,
                                         builder.getI64Type(), size, 8);
        list = LLVM::AllocaOp::create(builder, loc, pointerType, pointerType,
                                      size, 8);
      }
      count = std::max<int64_t>(count, values.size());
      slots = storage;
      addresses = list;
    }
    for (unsigned i = 0; i < values.size(); ++i) {
      auto at = [&](Value base, Type type) -> Value {
        return LLVM::GEPOp::create(
            builder, loc, pointerType, type, base,
            ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(i)});
      };
      Value slot = at(slots, builder.getI64Type());
      LLVM::StoreOp::create(builder, loc, values[i], slot);
      LLVM::StoreOp::create(builder, loc, slot, at(addresses, pointerType));
    }
    SmallVector<Value> operands{
        constant(numbers.lookup(op.getKernelName().getValue()), 32)};
    for (gpu::KernelDim3 dims :
         {op.getGridSizeOperandValues(), op.getBlockSizeOperandValues()})
      for (Value size : {dims.x, dims.y, dims.z})
        operands.push_back(constant(*getConstantIntValue(size), 32));
    operands.push_back(addresses);
    return call(op, "pprt_gpu_launch", operands);
  }

public:
  /// Gives the stack slots of each function their size.
  void finish() {
    for (auto &[function, stack] : stacks) {
      auto &[storage, list, count] = stack;
      auto size = storage.getDefiningOp<LLVM::AllocaOp>()
                      .getArraySize()
                      .getDefiningOp<LLVM::ConstantOp>();
      size.setValueAttr(builder.getI64IntegerAttr(std::max<int64_t>(count, 1)));
    }
  }

private:
  FailureOr<int32_t> typeOf(Operation *op, Value buffer) {
    Type element = cast<MemRefType>(buffer.getType()).getElementType();
    if (element.isF32())
      return PPRT_GPU_F32;
    if (element.isBF16())
      return PPRT_GPU_BF16;
    if (element.isF64())
      return PPRT_GPU_F64;
    return op->emitOpError("found elements of type ")
           << element << ", expected f32, bf16 or f64";
  }

  FailureOr<Matrix> matrix(Operation *op, Value buffer, bool mayTranspose) {
    auto type = cast<MemRefType>(buffer.getType());
    SmallVector<int64_t> strides;
    int64_t offset;
    if (failed(type.getStridesAndOffset(strides, offset)) ||
        llvm::is_contained(strides, ShapedType::kDynamic))
      return op->emitOpError("found operand of type ")
             << type << ", expected static strides";
    Matrix matrix;
    int64_t rank = type.getRank();
    int64_t rows = type.getDimSize(rank - 2);
    int64_t columns = type.getDimSize(rank - 1);
    // The stride of a dimension of size 1 means nothing.
    if (strides[rank - 1] == 1 || columns == 1) {
      matrix.leading = rows == 1 ? columns : strides[rank - 2];
    } else if (mayTranspose && (strides[rank - 2] == 1 || rows == 1)) {
      matrix.leading = strides[rank - 1];
      matrix.transposed = true;
    } else {
      return op->emitOpError("found operand of type ")
             << type << ", expected contiguous rows; copy it first";
    }
    if (rank == 3)
      matrix.stride = strides[0];
    FailureOr<Value> address = pointer(op, buffer);
    if (failed(address))
      return failure();
    matrix.pointer = *address;
    return matrix;
  }

  /// The address of a constant struct of these fields.
  Value shape(StringRef kind, ArrayRef<Field> fields) {
    std::string key = kind.str();
    SmallVector<Type> types;
    for (const Field &field : fields) {
      key += "," + std::to_string(field.value);
      types.push_back(field.isFloat ? Type(builder.getF32Type())
                                    : builder.getIntegerType(field.bits));
    }
    StringAttr &name = shapes[key];
    if (!name) {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(module.getBody());
      auto type = LLVM::LLVMStructType::getLiteral(builder.getContext(), types);
      name =
          builder.getStringAttr("pp." + kind + "." + Twine(shapes.size() - 1));
      auto global =
          LLVM::GlobalOp::create(builder, loc, type, /*isConstant=*/true,
                                 LLVM::Linkage::Internal, name, Attribute());
      Block *block = builder.createBlock(&global.getInitializerRegion());
      builder.setInsertionPointToStart(block);
      Value value = LLVM::UndefOp::create(builder, loc, type);
      for (auto [i, field] : llvm::enumerate(fields)) {
        Value element;
        if (field.isFloat) {
          float number;
          int32_t word = field.value;
          std::memcpy(&number, &word, sizeof(number));
          element = LLVM::ConstantOp::create(builder, loc,
                                             builder.getF32FloatAttr(number));
        } else {
          element = constant(field.value, field.bits);
        }
        value = LLVM::InsertValueOp::create(builder, loc, value, element, i);
      }
      LLVM::ReturnOp::create(builder, loc, value);
    }
    return LLVM::AddressOfOp::create(builder, loc, pointerType, name);
  }

  static int64_t bytesOf(Value workspace) {
    auto type = cast<MemRefType>(workspace.getType());
    return type.getNumElements() * (type.getElementTypeBitWidth() / 8);
  }

  LogicalResult lowerGemm(GemmOp op) {
    FailureOr<Matrix> a = matrix(op, op.getLhs(), true);
    FailureOr<Matrix> b = matrix(op, op.getRhs(), true);
    FailureOr<Matrix> c = matrix(op, op.getOut(), false);
    FailureOr<Value> workspace = pointer(op, op.getWorkspace());
    FailureOr<int32_t> typeA = typeOf(op, op.getLhs()),
                       typeB = typeOf(op, op.getRhs()),
                       typeC = typeOf(op, op.getOut());
    if (failed(a) || failed(b) || failed(c) || failed(workspace) ||
        failed(typeA) || failed(typeB) || failed(typeC))
      return failure();
    auto lhs = cast<MemRefType>(op.getLhs().getType());
    auto out = cast<MemRefType>(op.getOut().getType());
    int64_t rank = out.getRank();
    int64_t k = lhs.getDimSize(op.getTransposeA() ? rank - 2 : rank - 1);
    // As pprt_gpu_gemm.
    Field fields[] = {{out.getDimSize(rank - 2)},
                      {out.getDimSize(rank - 1)},
                      {k},
                      {a->leading},
                      {b->leading},
                      {c->leading},
                      {0},
                      {rank == 3 ? out.getDimSize(0) : 1},
                      {a->stride},
                      {b->stride},
                      {c->stride},
                      {bytesOf(op.getWorkspace())},
                      {op.getTransposeA() != a->transposed, 32},
                      {op.getTransposeB() != b->transposed, 32},
                      {op.getAccumulate(), 32},
                      {*typeA, 32},
                      {*typeB, 32},
                      {*typeC, 32},
                      {*typeC, 32},
                      {PPRT_GPU_EPILOGUE_NONE, 32}};
    Value none = LLVM::ZeroOp::create(builder, loc, pointerType);
    return call(op, "pprt_gpu_matmul",
                {shape("gemm", fields), a->pointer, b->pointer, c->pointer,
                 none, none, *workspace});
  }

  /// Fields of pprt_gpu_attention.
  template <typename OpTy>
  FailureOr<SmallVector<Field>> attentionFields(OpTy op,
                                                ArrayRef<int64_t> leading) {
    FailureOr<int32_t> type = typeOf(op, op.getQuery());
    if (failed(type))
      return failure();
    auto q = cast<MemRefType>(op.getQuery().getType());
    auto k = cast<MemRefType>(op.getKey().getType());
    SmallVector<Field> fields{{int64_t(op.getBatch())},
                              {int64_t(op.getHeads())},
                              {int64_t(op.getKvHeads())},
                              {q.getDimSize(0) / int64_t(op.getBatch())},
                              {k.getDimSize(0) / int64_t(op.getBatch())},
                              {q.getDimSize(1) / int64_t(op.getHeads())}};
    for (int64_t i = 0; i < 8; ++i)
      fields.push_back({i < int64_t(leading.size()) ? leading[i] : int64_t(0)});
    fields.push_back({bytesOf(op.getWorkspace())});
    fields.push_back(Field::f32(op.getScale().convertToDouble()));
    fields.push_back({op.getCausal(), 32});
    fields.push_back({*type, 32});
    // The fallback: a kernel, its grid and its block, twice.
    for (StringRef attribute : {"pp.fallback", "pp.fallback2"}) {
      auto launch = op->template getAttrOfType<DictionaryAttr>(attribute);
      auto kernel =
          launch ? launch.template getAs<StringAttr>("kernel") : StringAttr();
      fields.push_back({kernel ? numbers.lookup(kernel.getValue()) : -1, 32});
      auto sizes = launch ? launch.template getAs<DenseI64ArrayAttr>("sizes")
                          : DenseI64ArrayAttr();
      for (int i = 0; i < 4; ++i)
        fields.push_back({sizes ? sizes[i] : 0, 32});
    }
    return fields;
  }

  /// Pushes the addresses of matrices, and their leading dimensions.
  LogicalResult matrices(Operation *op, ValueRange buffers,
                         SmallVectorImpl<Value> &pointers,
                         SmallVectorImpl<int64_t> &leading) {
    for (Value buffer : buffers) {
      FailureOr<Matrix> one = matrix(op, buffer, false);
      if (failed(one))
        return failure();
      pointers.push_back(one->pointer);
      leading.push_back(one->leading);
    }
    return success();
  }

  LogicalResult lowerAttention(AttentionOp op) {
    SmallVector<Value> pointers;
    SmallVector<int64_t> leading;
    if (failed(matrices(
            op, {op.getQuery(), op.getKey(), op.getValue(), op.getOut()},
            pointers, leading)))
      return failure();
    FailureOr<Value> lse = pointer(op, op.getLse());
    FailureOr<Value> workspace = pointer(op, op.getWorkspace());
    auto fields = attentionFields(op, leading);
    if (failed(lse) || failed(workspace) || failed(fields))
      return failure();
    SmallVector<Value> operands{shape("attention", *fields)};
    operands.append(pointers);
    operands.append({*lse, *workspace});
    return call(op, "pprt_gpu_attention_forward", operands);
  }

  LogicalResult lowerAttentionGrad(AttentionGradOp op) {
    SmallVector<Value> pointers;
    SmallVector<int64_t> leading;
    if (failed(matrices(op,
                        {op.getQuery(), op.getKey(), op.getValue(), op.getOut(),
                         op.getDout(), op.getDquery(), op.getDkey(),
                         op.getDvalue()},
                        pointers, leading)))
      return failure();
    FailureOr<Value> lse = pointer(op, op.getLse());
    FailureOr<Value> workspace = pointer(op, op.getWorkspace());
    auto fields = attentionFields(op, leading);
    if (failed(lse) || failed(workspace) || failed(fields))
      return failure();
    SmallVector<Value> operands{shape("attention_grad", *fields)};
    operands.append(pointers.begin(), pointers.begin() + 4);
    operands.push_back(*lse);
    operands.append(pointers.begin() + 4, pointers.end());
    operands.push_back(*workspace);
    return call(op, "pprt_gpu_attention_backward", operands);
  }

  ModuleOp module;
  OpBuilder builder;
  Type pointerType;
  Location loc = builder.getUnknownLoc();
  llvm::StringMap<int32_t> numbers;
  SmallVector<Attribute> descriptions;
  llvm::StringMap<StringAttr> shapes;
  struct Stack {
    Value storage, list;
    int64_t count = 0;
  };
  llvm::MapVector<Operation *, Stack> stacks;
};

struct GPULowerCalls : pp::impl::GPULowerCallsBase<GPULowerCalls> {
  void runOnOperation() override {
    CallLowering lowering(getOperation());
    SmallVector<Operation *> ops;
    for (auto function : getOperation().getOps<func::FuncOp>())
      function.walk([&](Operation *op) {
        if (isa<gpu::LaunchFuncOp>(op) ||
            isa_and_nonnull<KernelDialect>(op->getDialect()))
          ops.push_back(op);
      });
    for (Operation *op : ops)
      if (failed(lowering.lower(op)))
        return signalPassFailure();
    lowering.finish();
  }
};
} // namespace
