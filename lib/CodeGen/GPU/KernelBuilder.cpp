//===- KernelBuilder.cpp - One kernel in the making -----------------------===//

#include "KernelBuilder.h"

#include "KernelTraffic.h"

#include "pp/Interfaces/ElementBytes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace pp::device;

//===----------------------------------------------------------------------===//
// KernelModule
//===----------------------------------------------------------------------===//

KernelModule::KernelModule(ModuleOp parent) : parent(parent) {
  OpBuilder builder = OpBuilder::atBlockBegin(parent.getBody());
  module = mlir::gpu::GPUModuleOp::create(builder, parent.getLoc(), "kernels");
  parent->setAttr(mlir::gpu::GPUDialect::getContainerModuleAttrName(),
                  builder.getUnitAttr());
}

mlir::gpu::GPUFuncOp KernelModule::add(mlir::gpu::GPUFuncOp kernel,
                                       StringRef name) {
  isEmpty = false;
  kernel.setName("kernel");
  std::string text;
  llvm::raw_string_ostream stream(text);
  kernel->print(stream, OpPrintingFlags().useLocalScope());
  // The same code for another shape of block is another kernel.
  auto [entry, isNew] = kernels.try_emplace((name + text).str(), kernel);
  if (!isNew) {
    kernel.erase();
    return entry->second;
  }
  kernel.setName((name + "_" + Twine(counts[name]++)).str());
  return kernel;
}

StringRef KernelModule::addConstant(Operation *op) {
  auto get = cast<memref::GetGlobalOp>(op);
  if (auto there = module.lookupSymbol<memref::GlobalOp>(get.getName()))
    return there.getSymName();
  auto global = parent.lookupSymbol<memref::GlobalOp>(get.getName());
  OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
  auto type = cast<MemRefType>(global.getType());
  auto flat = MemRefType::get({type.getNumElements()}, type.getElementType());
  auto copy = cast<memref::GlobalOp>(builder.clone(*global));
  copy.setType(flat);
  auto value = cast<DenseElementsAttr>(*global.getInitialValue());
  copy.setInitialValueAttr(value.reshape(
      RankedTensorType::get(flat.getShape(), flat.getElementType())));
  return copy.getSymName();
}

void KernelModule::finish() {
  if (isEmpty)
    module.erase();
}

//===----------------------------------------------------------------------===//
// KernelBuilder
//===----------------------------------------------------------------------===//

KernelBuilder::KernelBuilder(KernelModule &kernels, Location loc)
    : b(kernels.module.getContext()), loc(loc), kernels(kernels) {
  b.setInsertionPointToEnd(kernels.module.getBody());
  function =
      mlir::gpu::GPUFuncOp::create(b, loc, "kernel", b.getFunctionType({}, {}));
  function->setAttr(mlir::gpu::GPUDialect::getKernelFuncAttrName(),
                    b.getUnitAttr());
  b.setInsertionPointToStart(&function.getBody().front());
  prologueEnd = mlir::gpu::ReturnOp::create(b, loc);
  // Body and prologue grow before the two of these.
  Operation *end = mlir::gpu::ReturnOp::create(b, loc);
  b.setInsertionPoint(end);
}

void KernelBuilder::setBlock(int64_t x, int64_t y) {
  blockX_ = x;
  blockY_ = y;
}

Value KernelBuilder::id(Value &cached, bool isBlock, mlir::gpu::Dimension dim) {
  if (!cached) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(prologueEnd);
    cached = isBlock ? mlir::gpu::BlockIdOp::create(b, loc, dim).getResult()
                     : mlir::gpu::ThreadIdOp::create(b, loc, dim).getResult();
  }
  return cached;
}
Value KernelBuilder::threadX() {
  return id(tx, false, mlir::gpu::Dimension::x);
}
Value KernelBuilder::threadY() {
  return id(ty, false, mlir::gpu::Dimension::y);
}
Value KernelBuilder::blockX() { return id(bx, true, mlir::gpu::Dimension::x); }
Value KernelBuilder::blockY() { return id(by, true, mlir::gpu::Dimension::y); }

Value KernelBuilder::index(int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}
Value KernelBuilder::add(Value a, Value c) {
  return arith::AddIOp::create(b, loc, a, c);
}
Value KernelBuilder::mul(Value a, int64_t c) {
  if (c == 1)
    return a;
  return arith::MulIOp::create(b, loc, a, index(c));
}
Value KernelBuilder::div(Value a, int64_t c) {
  if (c == 1)
    return a;
  return arith::DivUIOp::create(b, loc, a, index(c));
}
Value KernelBuilder::rem(Value a, int64_t c) {
  if (c == 1)
    return index(0);
  return arith::RemUIOp::create(b, loc, a, index(c));
}
Value KernelBuilder::less(Value a, Value c) {
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, a, c);
}
Value KernelBuilder::isZero(Value a) {
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, a, index(0));
}

SmallVector<Value> KernelBuilder::delinearize(Value position,
                                              ArrayRef<int64_t> extents) {
  SmallVector<Value> result(extents.size());
  for (int64_t i = extents.size() - 1; i >= 0; --i) {
    result[i] = i == 0 ? position : rem(position, extents[i]);
    if (i != 0)
      position = div(position, extents[i]);
  }
  return result;
}

static MemRefType vectorOf(MemRefType type) {
  return MemRefType::get({type.getNumElements()}, type.getElementType());
}

/// Whether a constant is part of the code of kernels. Others are copied to the
/// device: code is text, which the driver compiles.
static bool isSmall(MemRefType type) {
  return type.getNumElements() * pp::getElementBytes(type.getElementType()) <=
         4096;
}

Value KernelBuilder::buffer(Value root) {
  auto found = buffers.find(root);
  if (found != buffers.end())
    return found->second.first;
  MemRefType type = vectorOf(cast<MemRefType>(root.getType()));
  Value memory;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(prologueEnd);
  auto get = root.getDefiningOp<memref::GetGlobalOp>();
  if (get && isSmall(type)) {
    memory =
        memref::GetGlobalOp::create(b, loc, type, kernels.addConstant(get));
  } else {
    unsigned number = function.getNumArguments();
    (void)function.insertArgument(number, type, {}, loc);
    memory = function.getArgument(number);
    passed[root] = number;
    arguments[root] = false;
  }
  buffers[root] = {memory, Value()};
  return memory;
}

void KernelBuilder::setLocal(Value root, Value memory, Value base) {
  buffers[root] = {memory, base};
}

Value KernelBuilder::makeShared(int64_t elements, Type element) {
  auto space = mlir::gpu::AddressSpaceAttr::get(
      b.getContext(), mlir::gpu::AddressSpace::Workgroup);
  auto type =
      MemRefType::get({elements}, element, MemRefLayoutAttrInterface(), space);
  Value memory = function.addWorkgroupAttribution(type, loc);
  function.setWorkgroupAttributionAttr(
      function.getNumWorkgroupAttributions() - 1, b.getStringAttr("llvm.align"),
      b.getI64IntegerAttr(16));
  return memory;
}

Value KernelBuilder::makePrivate(int64_t elements, Type element) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(prologueEnd);
  return memref::AllocaOp::create(b, loc, MemRefType::get({elements}, element),
                                  b.getI64IntegerAttr(16));
}

/// The key that `argument` tells of: the i64 at the address in its lower 48
/// bits, mixed as nn.mix_key does with the number in its upper 16, if any; 0
/// stays 0.
static Value loadKey(OpBuilder &b, Location loc, Value argument) {
  Type i64 = b.getI64Type();
  auto number = [&](uint64_t value) -> Value {
    return arith::ConstantOp::create(
        b, loc, b.getIntegerAttr(i64, static_cast<int64_t>(value)));
  };
  auto shiftXor = [&](Value z, uint64_t bits) -> Value {
    return arith::XOrIOp::create(
        b, loc, z, arith::ShRUIOp::create(b, loc, z, number(bits)));
  };
  Value address =
      arith::AndIOp::create(b, loc, argument, number((uint64_t(1) << 48) - 1));
  Value salt = arith::ShRUIOp::create(b, loc, argument, number(48));
  Value pointer = LLVM::IntToPtrOp::create(
      b, loc, LLVM::LLVMPointerType::get(b.getContext()), address);
  Value key = LLVM::LoadOp::create(b, loc, i64, pointer);
  Value z = arith::AddIOp::create(
      b, loc, key,
      arith::MulIOp::create(b, loc, salt, number(0x9e3779b97f4a7c15)));
  z = arith::MulIOp::create(b, loc, shiftXor(z, 30),
                            number(0xbf58476d1ce4e5b9));
  z = arith::MulIOp::create(b, loc, shiftXor(z, 27),
                            number(0x94d049bb133111eb));
  z = shiftXor(z, 31);
  auto isZero = [&](Value value) -> Value {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, value,
                                 number(0));
  };
  Value isPlain = arith::OrIOp::create(b, loc, isZero(salt), isZero(key));
  return arith::SelectOp::create(b, loc, isPlain, key, z);
}

Value KernelBuilder::scalar(Value outside) {
  if (Value inside = mapping.lookupOrNull(outside))
    return inside;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(prologueEnd);
  Value inside;
  if (Operation *op = outside.getDefiningOp()) {
    for (Value operand : op->getOperands())
      (void)scalar(operand);
    b.setInsertionPoint(prologueEnd);
    b.clone(*op, mapping);
    inside = mapping.lookup(outside);
  } else {
    unsigned number = function.getNumArguments();
    (void)function.insertArgument(number, outside.getType(), {}, loc);
    passed[outside] = number;
    inside = function.getArgument(number);
    if (outside.getType().isInteger(64))
      inside = loadKey(b, loc, inside);
    mapping.map(outside, inside);
  }
  return inside;
}

static Value withBase(KernelBuilder &kernel, Value position, Value base) {
  return base ? kernel.add(position, base) : position;
}

Value KernelBuilder::load(Value root, Value at) {
  Value memory = buffer(root);
  at = withBase(*this, at, buffers[root].second);
  return memref::LoadOp::create(b, loc, memory, at);
}

void KernelBuilder::store(Value value, Value root, Value at) {
  Value memory = buffer(root);
  at = withBase(*this, at, buffers[root].second);
  if (arguments.contains(root))
    arguments[root] = true;
  memref::StoreOp::create(b, loc, value, memory, at);
}

/// Bytes that `lanes` elements may be taken to be aligned to.
static llvm::MaybeAlign alignmentOf(int64_t lanes, Type element) {
  int64_t bytes = lanes * pp::getElementBytes(element);
  return llvm::Align(std::min<int64_t>(bytes, 16));
}

SmallVector<Value> KernelBuilder::loadLanes(Value root, Value at,
                                            int64_t lanes) {
  if (lanes == 1)
    return {load(root, at)};
  Value memory = buffer(root);
  at = withBase(*this, at, buffers[root].second);
  Type element = cast<MemRefType>(memory.getType()).getElementType();
  Value whole = vector::LoadOp::create(
      b, loc, VectorType::get({lanes}, element), memory, at,
      /*nontemporal=*/false, alignmentOf(lanes, element));
  return llvm::to_vector_of<Value>(
      vector::ToElementsOp::create(b, loc, whole).getResults());
}

void KernelBuilder::storeLanes(ValueRange values, Value root, Value at) {
  int64_t lanes = values.size();
  if (lanes == 1)
    return store(values[0], root, at);
  Value memory = buffer(root);
  at = withBase(*this, at, buffers[root].second);
  if (arguments.contains(root))
    arguments[root] = true;
  Type element = values[0].getType();
  Value whole = vector::FromElementsOp::create(
      b, loc, VectorType::get({lanes}, element), values);
  vector::StoreOp::create(b, loc, whole, memory, at, /*nontemporal=*/false,
                          alignmentOf(lanes, element));
}

Value KernelBuilder::position(const Access &access, ValueRange indices) {
  Value result;
  auto plus = [&](Value term) { result = result ? add(result, term) : term; };
  for (auto [i, stride] : llvm::zip_equal(indices, access.strides))
    plus(mul(i, stride));
  for (auto [value, stride] : access.variable)
    plus(mul(scalar(value), stride));
  if (access.offset != 0 || !result)
    plus(index(access.offset));
  return result;
}

void KernelBuilder::synchronize(const Group &group) {
  if (group.kind == Group::Block)
    mlir::gpu::BarrierOp::create(b, loc);
  else if (group.kind == Group::Warp)
    NVVM::SyncWarpOp::create(
        b, loc, arith::ConstantIntOp::create(b, loc, -1, 32).getResult());
}

Value KernelBuilder::combine(Operation *combiner, Value a, Value c) {
  IRMapping local;
  local.map(combiner->getOperand(0), a);
  local.map(combiner->getOperand(1), c);
  return b.clone(*combiner, local)->getResult(0);
}

Value KernelBuilder::neutral(Operation *combiner) {
  return arith::ConstantOp::create(b, loc, *arith::getNeutralElement(combiner));
}

Value KernelBuilder::shuffleXor(Value value, int64_t lanes) {
  Type type = value.getType();
  unsigned bits = type.getIntOrFloatBitWidth();
  Type i32 = b.getI32Type();
  auto exchange = [&](Value word) -> Value {
    return mlir::gpu::ShuffleOp::create(b, loc, word, lanes, 32,
                                        mlir::gpu::ShuffleMode::XOR)
        .getShuffleResult();
  };
  Type integer = b.getIntegerType(bits);
  auto toInteger = [&](Value v) -> Value {
    return v.getType() == integer
               ? v
               : arith::BitcastOp::create(b, loc, integer, v);
  };
  auto fromInteger = [&](Value v) -> Value {
    return type == integer ? v : arith::BitcastOp::create(b, loc, type, v);
  };
  if (bits == 32)
    return fromInteger(exchange(toInteger(value)));
  if (bits < 32)
    return fromInteger(arith::TruncIOp::create(
        b, loc, integer,
        exchange(arith::ExtUIOp::create(b, loc, i32, toInteger(value)))));
  Value half = arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(32));
  Value whole = toInteger(value);
  Value low = exchange(arith::TruncIOp::create(b, loc, i32, whole));
  Value high = exchange(arith::TruncIOp::create(
      b, loc, i32, arith::ShRUIOp::create(b, loc, whole, half)));
  return fromInteger(arith::OrIOp::create(
      b, loc, arith::ExtUIOp::create(b, loc, integer, low),
      arith::ShLIOp::create(
          b, loc, arith::ExtUIOp::create(b, loc, integer, high), half)));
}

Value KernelBuilder::reduce(const Group &group, Value value,
                            Operation *combiner) {
  if (group.kind == Group::Thread)
    return value;
  auto overWarp = [&] {
    for (int64_t lanes = 16; lanes > 0; lanes /= 2)
      value = combine(combiner, value, shuffleXor(value, lanes));
  };
  overWarp();
  int64_t warps = group.size / 32;
  if (group.kind == Group::Warp || warps == 1)
    return value;
  Value memory = makeShared(warps, value.getType());
  Value warp = div(group.index, 32), lane = rem(group.index, 32);
  scf::IfOp::create(b, loc, isZero(lane), [&](OpBuilder &inside, Location) {
    memref::StoreOp::create(inside, loc, value, memory, warp);
    scf::YieldOp::create(inside, loc);
  });
  mlir::gpu::BarrierOp::create(b, loc);
  // Each warp combines the values of all, so that all threads have the result.
  Value part = memref::LoadOp::create(b, loc, memory, rem(lane, warps));
  Value isPart = less(lane, index(warps));
  value = arith::SelectOp::create(b, loc, isPart, part, neutral(combiner));
  overWarp();
  return value;
}

Value KernelBuilder::addBuffer(int64_t elements, Type element) {
  unsigned number = function.getNumArguments();
  (void)function.insertArgument(number, MemRefType::get({elements}, element),
                                {}, loc);
  Value memory = function.getArgument(number);
  buffers[memory] = {memory, Value()};
  return memory;
}

void KernelBuilder::setTemporary(Value root) {
  (void)buffer(root);
  function.setArgAttr(passed.lookup(root), kTemporary, b.getUnitAttr());
}

/// Kernels of a function of the step's end have the name of what it is for.
static StringRef nameFor(OpBuilder &builder, StringRef family) {
  auto function = dyn_cast_or_null<FunctionOpInterface>(
      builder.getInsertionBlock()->getParentOp());
  auto role =
      function ? function->getAttrOfType<StringAttr>("pp.role") : StringAttr();
  return role ? role.getValue() : family;
}

mlir::gpu::GPUFuncOp KernelBuilder::finish(StringRef name) {
  prologueEnd->erase();
  function.setKnownBlockSizeAttr(b.getDenseI32ArrayAttr(
      {static_cast<int32_t>(blockX_), static_cast<int32_t>(blockY_), 1}));
  return kernels.add(function, name);
}

void KernelBuilder::launch(OpBuilder &builder, StringRef name, int64_t gridX,
                           int64_t gridY) {
  for (auto [root, number] : passed) {
    auto buffer = dyn_cast<MemRefType>(root.getType());
    if (!buffer)
      continue;
    // Whole buffers, each once: no two of them meet.
    function.setArgAttr(number, "llvm.noalias", b.getUnitAttr());
    function.setArgAttr(number, "llvm.align",
                        b.getI64IntegerAttr(pp::getPromisedAlignment(
                            buffer.getNumElements() *
                            pp::getElementBytes(buffer.getElementType()))));
    if (!arguments[root])
      function.setArgAttr(number, "llvm.readonly", b.getUnitAttr());
  }
  mlir::gpu::GPUFuncOp kernel = finish(nameFor(builder, name));
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  SmallVector<Value> operands(passed.size());
  for (auto [root, number] : passed) {
    operands[number] = root;
    auto type = dyn_cast<MemRefType>(root.getType());
    if (!type || type == vectorOf(type))
      continue;
    MemRefType flat = vectorOf(type);
    operands[number] = memref::ReinterpretCastOp::create(
        builder, loc, flat, root, /*offset=*/0, flat.getShape(),
        ArrayRef<int64_t>{1});
  }
  mlir::gpu::KernelDim3 grid{constant(gridX), constant(gridY), constant(1)};
  mlir::gpu::KernelDim3 block{constant(blockX_), constant(blockY_),
                              constant(1)};
  mlir::gpu::LaunchFuncOp::create(builder, loc, kernel, grid, block, Value(),
                                  operands);
}
