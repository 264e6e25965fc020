//===- GPUEmulateKernels.cpp - Kernels as functions of the host -----------===//

#include "pp/CodeGen/GPU/Passes.h"
#include "pp/Interfaces/ElementBytes.h"

#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"
#include "mlir/IR/IRMapping.h"

namespace pp {
#define GEN_PASS_DEF_GPUEMULATEKERNELS
#include "pp/CodeGen/GPU/Passes.h.inc"
} // namespace pp

using namespace mlir;

/// An op that `pp-gpu-use-instructions` has put in the place of another.
static bool isOfDevice(Operation *op) {
  if (auto call = dyn_cast<LLVM::CallIntrinsicOp>(op))
    return call.getIntrin() == "llvm.exp2.f32";
  return isa<LLVM::FPTruncOp>(op) && op->getResult(0).getType().isBF16();
}

namespace {
/// Replaces the ops of one function.
class Emulation {
public:
  Emulation(ModuleOp module, func::FuncOp function)
      : module(module), function(function), builder(function.getContext()) {}

  LogicalResult run() {
    SmallVector<Operation *> ops;
    function.walk([&](Operation *op) {
      if (isa<gpu::GPUDialect, NVVM::NVVMDialect>(op->getDialect()) ||
          isOfDevice(op))
        ops.push_back(op);
    });
    for (Operation *op : ops)
      if (failed(replace(op)))
        return failure();
    return checkAlignments();
  }

private:
  /// A device refuses what the host's vector instructions take.
  LogicalResult checkAlignments() {
    WalkResult result = function.walk([&](Operation *op) {
      builder.setInsertionPoint(op);
      loc = op->getLoc();
      if (auto load = dyn_cast<vector::LoadOp>(op))
        return checkAlignment(load, load.getBase());
      if (auto store = dyn_cast<vector::StoreOp>(op))
        return checkAlignment(store, store.getBase());
      if (auto load = dyn_cast<LLVM::LoadOp>(op))
        return checkAddress(load.getAlignment(), load.getAddr());
      if (auto store = dyn_cast<LLVM::StoreOp>(op))
        return checkAddress(store.getAlignment(), store.getAddr());
      return WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }

  template <typename Op> WalkResult checkAlignment(Op op, Value base) {
    if (!op.getAlignment())
      return WalkResult::advance();
    auto type = cast<MemRefType>(base.getType());
    if (type.getRank() != 1) {
      op->emitOpError("found a buffer of rank ")
          << type.getRank() << ", expected one of rank 1, as all in kernels";
      return WalkResult::interrupt();
    }
    Value begin =
        memref::ExtractAlignedPointerAsIndexOp::create(builder, loc, base);
    Value bytes = arith::ConstantIndexOp::create(
        builder, loc, pp::getElementBytes(type.getElementType()));
    Value offset =
        arith::MulIOp::create(builder, loc, op.getIndices()[0], bytes);
    Value address = arith::IndexCastOp::create(
        builder, loc, builder.getI64Type(),
        arith::AddIOp::create(builder, loc, begin, offset));
    auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
    return checkAddress(op.getAlignment(), LLVM::IntToPtrOp::create(
                                               builder, loc, pointer, address));
  }

  WalkResult checkAddress(std::optional<uint64_t> alignment, Value address) {
    if (alignment &&
        failed(call("pprt_gpu_host_aligned",
                    {address, number(static_cast<int32_t>(*alignment))},
                    Type())))
      return WalkResult::interrupt();
    return WalkResult::advance();
  }

  Value number(int32_t value) {
    return arith::ConstantIntOp::create(builder, loc, value, 32);
  }

  FailureOr<Value> call(StringRef name, ValueRange operands, Type result) {
    FailureOr<LLVM::LLVMFuncOp> callee = LLVM::lookupOrCreateFn(
        builder, module, name, SmallVector<Type>(operands.getTypes()),
        result ? result : LLVM::LLVMVoidType::get(builder.getContext()));
    if (failed(callee))
      return failure();
    auto made = LLVM::CallOp::create(builder, loc, *callee, operands);
    return result ? Value(made.getResult()) : Value();
  }

  /// Element `index` of pprt_gpu_thread.
  LogicalResult replaceRegister(Operation *op, int32_t index) {
    auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
    FailureOr<Value> thread = call("pprt_gpu_host_thread", {}, pointer);
    if (failed(thread))
      return failure();
    Value address =
        LLVM::GEPOp::create(builder, loc, pointer, builder.getI32Type(),
                            *thread, ArrayRef<LLVM::GEPArg>{index});
    Value value =
        LLVM::LoadOp::create(builder, loc, builder.getI32Type(), address);
    return finish(op, Value(arith::IndexCastOp::create(
                          builder, loc, builder.getIndexType(), value)));
  }

  LogicalResult finish(Operation *op, FailureOr<Value> value) {
    if (failed(value))
      return failure();
    if (*value)
      op->getResult(0).replaceAllUsesWith(*value);
    op->erase();
    return success();
  }

  LogicalResult replace(Operation *op) {
    builder.setInsertionPoint(op);
    loc = op->getLoc();
    if (auto id = dyn_cast<gpu::ThreadIdOp>(op))
      return replaceRegister(op, static_cast<int32_t>(id.getDimension()));
    if (auto id = dyn_cast<gpu::BlockIdOp>(op))
      return replaceRegister(op, 3 + static_cast<int32_t>(id.getDimension()));
    if (auto size = dyn_cast<gpu::GridDimOp>(op))
      return replaceRegister(op, 9 + static_cast<int32_t>(size.getDimension()));
    if (isa<gpu::BarrierOp>(op))
      return finish(op, call("pprt_gpu_host_barrier", {}, Type()));
    Type i32 = builder.getI32Type();
    if (auto shuffle = dyn_cast<gpu::ShuffleOp>(op)) {
      static constexpr int32_t modes[] = {0, 2, 1, 3}; // xor, down, up, idx
      return finish(
          op,
          call("pprt_gpu_host_shuffle",
               {number(modes[static_cast<int>(shuffle.getMode())]),
                shuffle.getValue(), shuffle.getOffset(), shuffle.getWidth()},
               i32));
    }
    if (isa<NVVM::SyncWarpOp>(op)) {
      // A shuffle holds all threads of a warp, too.
      FailureOr<Value> value =
          call("pprt_gpu_host_shuffle",
               {number(0), number(0), number(0), number(32)}, i32);
      op->erase();
      return success(succeeded(value));
    }
    // As they were before the device's instructions were put in their place.
    if (auto narrow = dyn_cast<LLVM::FPTruncOp>(op))
      return finish(
          op, Value(arith::TruncFOp::create(
                  builder, loc, op->getResult(0).getType(), narrow.getArg())));
    if (auto power = dyn_cast<LLVM::CallIntrinsicOp>(op))
      if (auto scaled = power.getArgs()[0].getDefiningOp<arith::MulFOp>())
        return finish(
            op, Value(math::ExpOp::create(builder, loc, scaled.getLhs())));
    if (isa<gpu::ReturnOp>(op)) {
      func::ReturnOp::create(builder, loc);
      op->erase();
      return success();
    }
    return op->emitOpError("found in a kernel, expected an op that the "
                           "emulated device knows");
  }

  ModuleOp module;
  func::FuncOp function;
  OpBuilder builder;
  Location loc = builder.getUnknownLoc();
};

struct GPUEmulateKernels : pp::impl::GPUEmulateKernelsBase<GPUEmulateKernels> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    for (auto kernels :
         llvm::make_early_inc_range(module.getOps<gpu::GPUModuleOp>())) {
      OpBuilder builder(kernels);
      for (auto global : kernels.getOps<memref::GlobalOp>()) {
        auto copy = cast<memref::GlobalOp>(builder.clone(*global));
        copy.setSymName((global.getSymName() + ".emulated").str());
      }
      for (auto kernel : kernels.getOps<gpu::GPUFuncOp>())
        if (failed(copy(module, builder, kernel)))
          return signalPassFailure();
    }
  }

  static LogicalResult copy(ModuleOp module, OpBuilder &builder,
                            gpu::GPUFuncOp kernel) {
    Block &body = kernel.getBody().front();
    SmallVector<Type> types;
    SmallVector<int64_t> shared;
    for (BlockArgument argument : body.getArguments()) {
      auto type = dyn_cast<MemRefType>(argument.getType());
      types.push_back(
          type ? MemRefType::get(type.getShape(), type.getElementType())
               : argument.getType());
      if (argument.getArgNumber() >= kernel.getNumArguments())
        shared.push_back(type.getNumElements() *
                         pp::getElementBytes(type.getElementType()));
    }
    auto function = func::FuncOp::create(builder, kernel.getLoc(),
                                         (kernel.getName() + ".emulated").str(),
                                         builder.getFunctionType(types, {}));
    function.setPrivate();
    function->setAttr("pp.emulates", builder.getStringAttr(kernel.getName()));
    function->setAttr("pp.shared", builder.getDenseI64ArrayAttr(shared));
    IRMapping mapping;
    kernel.getBody().cloneInto(&function.getBody(), mapping);
    for (auto [argument, type] :
         llvm::zip(function.getBody().front().getArguments(), types))
      argument.setType(type);
    function.walk([](memref::GetGlobalOp get) {
      get.setName((get.getName() + ".emulated").str());
    });
    return Emulation(module, function).run();
  }
};
} // namespace
