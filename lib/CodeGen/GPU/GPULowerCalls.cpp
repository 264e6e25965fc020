//===- GPULowerCalls.cpp - Launches and library calls to the runtime ------===//
//
// Shapes are constants of the program, equal ones once: the runtime keeps the
// plan of a product by the address of its shape.
//
// Each call says what it is and what it moves and computes (`pp.cost`), by the
// names that the runtime's times of kernels have.
//
//===----------------------------------------------------------------------===//

#include "KernelTraffic.h"

#include "pp/CodeGen/GPU/Passes.h"
#include "pp/Dialect/Kernel/IR/CallBuilder.h"
#include "pp/Dialect/Kernel/IR/KernelOps.h"
#include "pp/Interfaces/ElementBytes.h"

#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringMap.h"

namespace pp {
#define GEN_PASS_DEF_GPULOWERCALLS
#include "pp/CodeGen/GPU/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp;

namespace {
static int64_t bytesOf(MemRefType type) {
  return type.getNumElements() * getElementBytes(type.getElementType());
}

/// What all calls of a program share.
struct Program {
  explicit Program(ModuleOp module) : module(module) {}

  ModuleOp module;
  llvm::StringMap<int32_t> numbers;    ///< of kernels
  llvm::StringMap<StringAttr> structs; ///< constants by their values
  int32_t libraries = 0;               ///< as pprt_gpu_code has them
};

/// Calls with addresses on the device.
class DeviceCalls final : public DeviceCallBuilder {
public:
  DeviceCalls(Operation *op, Program &program)
      : DeviceCallBuilder(op), program(program) {}

  ModuleOp module() override { return program.module; }
  void useLibraries(int32_t bits) override { program.libraries |= bits; }
  int32_t numberOf(StringAttr kernel) override {
    return kernel ? program.numbers.lookup(kernel.getValue()) : -1;
  }
  Value constantStruct(StringRef kind, ArrayRef<StructField> fields) override;

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
        builder, program.module, "pprt_gpu_constant",
        {address->getType(), address->getType(), bytes.getType()},
        address->getType());
    if (failed(first) || failed(callee))
      return failure();
    return LLVM::CallOp::create(builder, op->getLoc(), *callee,
                                ValueRange{*first, *address, bytes})
        .getResult();
  }

private:
  Program &program;
};

class CallLowering {
public:
  CallLowering(ModuleOp module)
      : program(module), module(module), builder(module.getContext()),
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
      program.numbers[kernel.getName()] = program.numbers.size();
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
  /// Makes the call in the place of `op` and says what it costs; null for a
  /// call that is not worth a line.
  FailureOr<DictionaryAttr> lowerToCall(Operation *op) {
    builder.setInsertionPoint(op);
    loc = op->getLoc();
    if (auto launch = dyn_cast<gpu::LaunchFuncOp>(op))
      return lowerLaunch(launch);
    DeviceCalls calls(op, program);
    return cast<kernel::LibraryCallOpInterface>(op).lowerToDeviceCall(calls);
  }

  Value constant(int64_t value, unsigned bits) {
    return LLVM::ConstantOp::create(builder, loc, builder.getIntegerType(bits),
                                    value);
  }

  FailureOr<DictionaryAttr> lowerLaunch(gpu::LaunchFuncOp op) {
    DeviceCalls calls(op, program);
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
    SmallVector<Value> operands{constant(program.numbers.lookup(kernel), 32)};
    for (gpu::KernelDim3 dims :
         {op.getGridSizeOperandValues(), op.getBlockSizeOperandValues()})
      for (Value size : {dims.x, dims.y, dims.z})
        operands.push_back(constant(*getConstantIntValue(size), 32));
    operands.push_back(addresses);
    device::KernelTraffic moved = traffic.lookup(kernel);
    DictionaryAttr moves =
        calls.cost(kernel, "kernel", moved.bytes, moved.least, 0);
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
    if (program.libraries)
      module->setAttr("pp.gpu_libraries",
                      builder.getI32IntegerAttr(program.libraries));
  }

private:
  Program program;
  ModuleOp module;
  OpBuilder builder;
  Type pointerType;
  Location loc = builder.getUnknownLoc();
  llvm::StringMap<device::KernelTraffic> traffic;
  SmallVector<Attribute> descriptions;
  struct Stack {
    Value storage, list;
    int64_t count = 0;
  };
  llvm::MapVector<Operation *, Stack> stacks;
};

} // namespace

Value DeviceCalls::constantStruct(StringRef kind,
                                  ArrayRef<StructField> fields) {
  std::string key = kind.str();
  for (const StructField &field : fields)
    key += "," + (field.kind == StructField::Float32
                      ? std::to_string(llvm::bit_cast<int32_t>(field.number))
                      : std::to_string(field.integer));
  StringAttr &name = program.structs[key];
  Location loc = op->getLoc();
  if (!name) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(program.module.getBody());
    Type type = structTypeOf(builder.getContext(), fields);
    name = builder.getStringAttr("pp." + kind + "." +
                                 Twine(program.structs.size() - 1));
    auto global =
        LLVM::GlobalOp::create(builder, loc, type, /*isConstant=*/true,
                               LLVM::Linkage::Internal, name, Attribute());
    Block *block = builder.createBlock(&global.getInitializerRegion());
    builder.setInsertionPointToStart(block);
    Value value = LLVM::UndefOp::create(builder, loc, type);
    for (auto [i, field] : llvm::enumerate(fields)) {
      Value element = field.kind == StructField::Float32 ? f32(field.number)
                      : field.kind == StructField::Int64 ? i64(field.integer)
                                                         : i32(field.integer);
      value = LLVM::InsertValueOp::create(builder, loc, value, element, i);
    }
    LLVM::ReturnOp::create(builder, loc, value);
  }
  return LLVM::AddressOfOp::create(
      builder, loc, LLVM::LLVMPointerType::get(builder.getContext()), name);
}

namespace {
struct GPULowerCalls : pp::impl::GPULowerCallsBase<GPULowerCalls> {
  void runOnOperation() override {
    kernel::numberCollectives(getOperation());
    addContexts(getOperation());
    CallLowering lowering(getOperation());
    SmallVector<Operation *> ops;
    for (auto function : getOperation().getOps<func::FuncOp>())
      function.walk([&](Operation *op) {
        if (isa<gpu::LaunchFuncOp>(op) ||
            isa<kernel::LibraryCallOpInterface>(op))
          ops.push_back(op);
      });
    for (Operation *op : ops)
      if (failed(lowering.lower(op)))
        return signalPassFailure();
    lowering.finish();
  }
};
} // namespace
