//===- GPULowerCalls.cpp - Launches and library calls to the runtime ------===//
//
// Shapes are constants of the program, equal ones once: the runtime keeps the
// plan of a product by the address of its shape.
//
// Each call says what it is and what it moves and computes (`pp.cost`), by the
// names that the runtime's times of kernels have.
//
//===----------------------------------------------------------------------===//

#include "AttentionShape.h"
#include "KernelTraffic.h"

#include "pp/CodeGen/GPU/Passes.h"
#include "pp/Conversion/KernelCalls.h"
#include "pp/Dialect/Kernel/IR/KernelOps.h"
#include "pp/Interfaces/ElementBytes.h"

#include "pprt_gpu_cost.h"

#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringMap.h"

namespace pp {
#define GEN_PASS_DEF_GPULOWERCALLS
#include "pp/CodeGen/GPU/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp;
using namespace pp::kernel;

namespace {
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

static int64_t bytesOf(MemRefType type) {
  return type.getNumElements() * getElementBytes(type.getElementType());
}

/// Calls with addresses on the device.
class DeviceCalls final : public CallBuilder {
public:
  DeviceCalls(Operation *op, ModuleOp module)
      : CallBuilder(op), module(module) {}

protected:
  /// A constant lies in the host's memory: its copy is meant.
  FailureOr<Value> base(Value buffer) override {
    FailureOr<Value> address = CallBuilder::base(buffer);
    Value root = device::rootOf(buffer);
    if (failed(address) || !root.getDefiningOp<memref::GetGlobalOp>())
      return address;
    Value bytes = i64(bytesOf(cast<MemRefType>(root.getType())));
    FailureOr<Value> first = context();
    FailureOr<LLVM::LLVMFuncOp> callee = LLVM::lookupOrCreateFn(
        builder, module, "pprt_gpu_constant",
        {address->getType(), address->getType(), bytes.getType()},
        address->getType());
    if (failed(first) || failed(callee))
      return failure();
    return LLVM::CallOp::create(builder, op->getLoc(), *callee,
                                ValueRange{*first, *address, bytes})
        .getResult();
  }

private:
  ModuleOp module;
};

class CallLowering {
public:
  CallLowering(ModuleOp module)
      : module(module), builder(module.getContext()),
        pointerType(LLVM::LLVMPointerType::get(module.getContext())) {
    llvm::StringMap<int64_t> blocks;
    module.walk([&](gpu::LaunchFuncOp launch) {
      int64_t &count = blocks[launch.getKernelName().getValue()];
      gpu::KernelDim3 grid = launch.getGridSizeOperandValues();
      count = std::max(count, *getConstantIntValue(grid.x) *
                                  *getConstantIntValue(grid.y) *
                                  *getConstantIntValue(grid.z));
    });
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
      for (BlockArgument buffer : kernel.getWorkgroupAttributions())
        shared += bytesOf(cast<MemRefType>(buffer.getType()));
      add("name", kernel.getNameAttr());
      add("arguments", builder.getI32IntegerAttr(kernel.getNumArguments()));
      add("shared", builder.getI32IntegerAttr(shared));
      add("threads", builder.getI32IntegerAttr(threads));
      device::KernelTraffic moved =
          device::trafficOf(kernel, blocks.lookup(kernel.getName()));
      traffic[kernel.getName()] = moved;
      add("bytes", builder.getI64IntegerAttr(moved.bytes));
      for (unsigned i = 0; i < kernel.getNumArguments(); ++i)
        kernel.removeArgAttr(i,
                             builder.getStringAttr(device::kTemporary.str()));
      descriptions.push_back(builder.getDictionaryAttr(fields));
    });
    module->setAttr("pp.gpu_kernels", builder.getArrayAttr(descriptions));
  }

  LogicalResult lower(Operation *op) {
    // The call takes the place of the op.
    Operation *next = op->getNextNode();
    FailureOr<DictionaryAttr> cost = lowerToCall(op);
    if (failed(cost))
      return failure();
    if (*cost)
      next->getPrevNode()->setAttr("pp.cost", *cost);
    return success();
  }

private:
  /// `element` names the type that a product or attention reads; none for
  /// kernels. Not a type: later passes replace those of bf16.
  DictionaryAttr cost(const Twine &name, StringRef kind, int64_t bytes,
                      int64_t least, double operations,
                      StringRef element = "") {
    NamedAttrList fields(
        {builder.getNamedAttr("name", builder.getStringAttr(name)),
         builder.getNamedAttr("kind", builder.getStringAttr(kind)),
         builder.getNamedAttr("bytes", builder.getI64IntegerAttr(bytes)),
         builder.getNamedAttr("least", builder.getI64IntegerAttr(least)),
         builder.getNamedAttr("operations",
                              builder.getF64FloatAttr(operations))});
    if (!element.empty())
      fields.append("element", builder.getStringAttr(element));
    return fields.getDictionary(builder.getContext());
  }

  DictionaryAttr costOf(const pprt_gpu_gemm &shape) {
    char name[PPRT_GPU_NAME_BYTES];
    pprt_gpu_gemm_name(&shape, name);
    int64_t bytes = pprt_gpu_gemm_bytes(&shape);
    return cost(name, "product", bytes, bytes, pprt_gpu_gemm_operations(&shape),
                pprt_gpu_type_name(shape.type_a));
  }

  DictionaryAttr costOf(const pprt_gpu_attention &shape, bool isAdjoint) {
    char name[PPRT_GPU_NAME_BYTES];
    pprt_gpu_attention_name(&shape, isAdjoint, name);
    int64_t bytes = pprt_gpu_attention_bytes(&shape, isAdjoint);
    return cost(name, isAdjoint ? "attention_backward" : "attention_forward",
                bytes, bytes, pprt_gpu_attention_operations(&shape, isAdjoint),
                pprt_gpu_type_name(shape.type));
  }

  /// Makes the call in the place of `op` and says what it costs; null for a
  /// call that is not worth a line.
  FailureOr<DictionaryAttr> lowerToCall(Operation *op) {
    builder.setInsertionPoint(op);
    loc = op->getLoc();
    if (auto launch = dyn_cast<gpu::LaunchFuncOp>(op))
      return lowerLaunch(launch);
    if (auto gemm = dyn_cast<GemmOp>(op))
      return lowerGemm(gemm);
    if (auto gemm = dyn_cast<FusedGemmOp>(op))
      return lowerGemm(gemm);
    if (auto grad = dyn_cast<AttentionGradOp>(op))
      return lowerAttention(
          grad, "attention_grad", "pprt_gpu_attention_backward",
          {grad.getQuery(), grad.getKey(), grad.getValue(), grad.getOut()},
          {grad.getDout(), grad.getDquery(), grad.getDkey(), grad.getDvalue()});
    if (auto attention = dyn_cast<AttentionOp>(op))
      return lowerAttention(attention, "attention",
                            "pprt_gpu_attention_forward",
                            {attention.getQuery(), attention.getKey(),
                             attention.getValue(), attention.getOut()},
                            {});
    if (isa<CheckIdsOp>(op)) {
      if (failed(DeviceCalls(op, module).checkIds("pprt_gpu_check_ids")))
        return failure();
      return DictionaryAttr();
    }
    return op->emitOpError("found no call of the runtime for it");
  }

  Value constant(int64_t value, unsigned bits) {
    return LLVM::ConstantOp::create(builder, loc, builder.getIntegerType(bits),
                                    value);
  }

  FailureOr<DictionaryAttr> lowerLaunch(gpu::LaunchFuncOp op) {
    DeviceCalls calls(op, module);
    auto function = op->getParentOfType<func::FuncOp>();
    SmallVector<Value> values;
    for (Value operand : op.getKernelOperands()) {
      if (!isa<MemRefType>(operand.getType())) {
        values.push_back(operand);
        continue;
      }
      FailureOr<Value> address = calls.pointer(operand);
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
    StringRef kernel = op.getKernelName().getValue();
    SmallVector<Value> operands{constant(numbers.lookup(kernel), 32)};
    for (gpu::KernelDim3 dims :
         {op.getGridSizeOperandValues(), op.getBlockSizeOperandValues()})
      for (Value size : {dims.x, dims.y, dims.z})
        operands.push_back(constant(*getConstantIntValue(size), 32));
    operands.push_back(addresses);
    device::KernelTraffic moved = traffic.lookup(kernel);
    DictionaryAttr moves = cost(kernel, "kernel", moved.bytes, moved.least, 0);
    if (failed(calls.callWithContext("pprt_gpu_launch", operands)))
      return failure();
    return moves;
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
    if (libraries)
      module->setAttr("pp.gpu_libraries", builder.getI32IntegerAttr(libraries));
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

  /// Kind and operands of the epilogue of a product.
  struct EpilogueOperands {
    pprt_gpu_epilogue epilogue = PPRT_GPU_EPILOGUE_NONE;
    Value vector, matrix; // bias or its gradient; auxiliary matrix
    pprt_gpu_add add = PPRT_GPU_ADD_NOTHING;
  };

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

  template <typename OpTy> FailureOr<DictionaryAttr> lowerGemm(OpTy op) {
    DeviceCalls calls(op, module);
    FailureOr<Matrix> a = calls.matrix(op.getLhs(), true);
    FailureOr<Matrix> b = calls.matrix(op.getRhs(), true);
    FailureOr<Matrix> c = calls.matrix(op.getOut(), false);
    FailureOr<Value> workspace = calls.pointer(op.getWorkspace());
    FailureOr<int32_t> typeA = typeOf(op, op.getLhs()),
                       typeB = typeOf(op, op.getRhs()),
                       typeC = typeOf(op, op.getOut());
    if (failed(a) || failed(b) || failed(c) || failed(workspace) ||
        failed(typeA) || failed(typeB) || failed(typeC))
      return failure();
    EpilogueOperands epilogue = epilogueOf(op);
    Value none = LLVM::ZeroOp::create(builder, loc, pointerType);
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
    s.workspace_bytes = bytesOf(cast<MemRefType>(op.getWorkspace().getType()));
    s.transpose_a = op.getTransposeA() != a->transposed;
    s.transpose_b = op.getTransposeB() != b->transposed;
    s.add = op.getAccumulate() ? PPRT_GPU_ADD_C : epilogue.add;
    s.type_a = *typeA;
    s.type_b = *typeB;
    s.type_c = s.type_bias = *typeC;
    s.epilogue = epilogue.epilogue;
    DictionaryAttr moves = costOf(s);
    libraries |= PPRT_GPU_CALLS_PRODUCTS;
    if (failed(calls.callWithContext("pprt_gpu_matmul",
                                     {shape("gemm", fieldsOf(s)), a->pointer,
                                      b->pointer, c->pointer, *vector,
                                      aux->pointer, *workspace})))
      return failure();
    return moves;
  }

  static SmallVector<Field> fieldsOf(const pprt_gpu_gemm &s) {
    return {s.m,
            s.n,
            s.k,
            s.lda,
            s.ldb,
            s.ldc,
            s.ldaux,
            s.batch,
            s.stride_a,
            s.stride_b,
            s.stride_c,
            s.workspace_bytes,
            {s.transpose_a, 32},
            {s.transpose_b, 32},
            {s.add, 32},
            {s.type_a, 32},
            {s.type_b, 32},
            {s.type_c, 32},
            {s.type_bias, 32},
            {s.epilogue, 32}};
  }

  /// Fields of pprt_gpu_attention.
  template <typename OpTy>
  FailureOr<SmallVector<Field>> attentionFields(OpTy op,
                                                const pprt_gpu_attention &s,
                                                ArrayRef<int64_t> leading) {
    FailureOr<int32_t> type = typeOf(op, op.getQuery());
    if (failed(type))
      return failure();
    if (*type == PPRT_GPU_BF16)
      libraries |= PPRT_GPU_CALLS_BF16_ATTENTION;
    SmallVector<Field> fields{s.batch, s.heads, s.kv_heads, s.t, s.s, s.d};
    for (int64_t i = 0; i < 8; ++i)
      fields.push_back({i < int64_t(leading.size()) ? leading[i] : int64_t(0)});
    fields.push_back({bytesOf(cast<MemRefType>(op.getWorkspace().getType()))});
    fields.push_back(Field::f32(s.scale));
    fields.push_back({s.causal, 32});
    fields.push_back({*type, 32});
    auto sums = op->template getAttrOfType<DictionaryAttr>("pp.sums");
    fields.push_back(
        {sums && sums.template getAs<BoolAttr>("any_order").getValue(), 32});
    if (sums && *type == PPRT_GPU_BF16)
      noteWorkspaces(sums);
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

  /// Keeps the largest workspaces of adjoints of attention on the module, for
  /// reports.
  void noteWorkspaces(DictionaryAttr sums) {
    auto known = module->getAttrOfType<DictionaryAttr>(kAttentionWorkspaces);
    auto bytesOf = [](DictionaryAttr attribute) {
      return attribute.getAs<DenseI64ArrayAttr>("workspaces").asArrayRef();
    };
    if (!known || bytesOf(known).front() < bytesOf(sums).front())
      module->setAttr(kAttentionWorkspaces, sums);
  }

  /// The call of attention or its gradient: shape, query to output, lse, what
  /// only the gradient has, workspace.
  template <typename OpTy>
  FailureOr<DictionaryAttr> lowerAttention(OpTy op, StringRef kind,
                                           StringRef callee, ValueRange forward,
                                           ValueRange backward) {
    DeviceCalls calls(op, module);
    SmallVector<int64_t> leading;
    SmallVector<Value> pointers;
    for (Value buffer : llvm::concat<Value>(llvm::to_vector(forward),
                                            llvm::to_vector(backward))) {
      FailureOr<Matrix> matrix = calls.matrix(buffer, false);
      if (failed(matrix))
        return failure();
      pointers.push_back(matrix->pointer);
      leading.push_back(matrix->leading);
    }
    FailureOr<Value> lse = calls.pointer(op.getLse());
    FailureOr<Value> workspace = calls.pointer(op.getWorkspace());
    const pprt_gpu_attention attention = device::attentionShapeOf(op);
    auto fields = attentionFields(op, attention, leading);
    if (failed(lse) || failed(workspace) || failed(fields))
      return failure();
    SmallVector<Value> operands{shape(kind, *fields)};
    auto split = pointers.begin() + forward.size();
    operands.append(pointers.begin(), split);
    operands.push_back(*lse);
    operands.append(split, pointers.end());
    operands.push_back(*workspace);
    DictionaryAttr moves = costOf(attention, /*isAdjoint=*/!backward.empty());
    if (failed(calls.callWithContext(callee, operands)))
      return failure();
    return moves;
  }

  ModuleOp module;
  OpBuilder builder;
  Type pointerType;
  Location loc = builder.getUnknownLoc();
  llvm::StringMap<int32_t> numbers;
  llvm::StringMap<device::KernelTraffic> traffic;
  SmallVector<Attribute> descriptions;
  llvm::StringMap<StringAttr> shapes;
  int32_t libraries = 0; ///< as pprt_gpu_code has them
  struct Stack {
    Value storage, list;
    int64_t count = 0;
  };
  llvm::MapVector<Operation *, Stack> stacks;
};

struct GPULowerCalls : pp::impl::GPULowerCallsBase<GPULowerCalls> {
  void runOnOperation() override {
    addContexts(getOperation());
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
