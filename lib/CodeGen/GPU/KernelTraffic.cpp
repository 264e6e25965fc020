//===- KernelTraffic.cpp - Bytes that a kernel moves ----------------------===//
//
// Each load or store moves its bytes as often as it runs, but no more than the
// whole buffer: what threads load of the same elements at about the same time
// comes from a cache (a scale that all rows read, a number of the row). A
// second load of the same row counts again: whether a cache still has it
// depends on the row. The least is what remains if no element is loaded twice.
//
//===----------------------------------------------------------------------===//

#include "KernelTraffic.h"

#include "pp/Interfaces/ElementBytes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace pp::device;

constexpr double kUnknown = std::numeric_limits<double>::infinity();

/// How often a thread runs the body of `loop`, on average: a loop from the
/// number of the thread on counts what all threads of the group do.
static double tripsOf(Operation *loop) {
  if (auto trips = loop->getAttrOfType<FloatAttr>(kTrips))
    return trips.getValueAsDouble();
  auto counted = dyn_cast<scf::ForOp>(loop);
  if (!counted)
    return isa<LoopLikeOpInterface>(loop) ? kUnknown : 1;
  std::optional<int64_t> end = getConstantIntValue(counted.getUpperBound());
  std::optional<int64_t> step = getConstantIntValue(counted.getStep());
  if (!end || !step)
    return kUnknown;
  int64_t begin = getConstantIntValue(counted.getLowerBound()).value_or(0);
  return double(*end - begin) / double(*step);
}

Value pp::device::rootOf(Value buffer) {
  while (auto view = buffer.getDefiningOp<ViewLikeOpInterface>())
    buffer = view.getViewSource();
  return buffer;
}

/// Bytes that `op` moves each time; 0 if it is not known.
static int64_t bytesOfAccess(Operation *op) {
  Type type;
  if (auto load = dyn_cast<memref::LoadOp>(op))
    type = load.getType();
  else if (auto store = dyn_cast<memref::StoreOp>(op))
    type = store.getValueToStore().getType();
  else if (auto load = dyn_cast<vector::LoadOp>(op))
    type = load.getVectorType();
  else if (auto store = dyn_cast<vector::StoreOp>(op))
    type = store.getVectorType();
  else
    return 0;
  if (auto vector = dyn_cast<VectorType>(type))
    return vector.getNumElements() *
           pp::getElementBytes(vector.getElementType());
  return pp::getElementBytes(type);
}

KernelTraffic pp::device::trafficOf(gpu::GPUFuncOp kernel, int64_t blocks) {
  double threads = blocks == 0 ? kUnknown : double(blocks);
  if (auto size = kernel.getKnownBlockSizeAttr())
    for (int32_t extent : size.asArrayRef())
      threads *= extent;
  // (buffer, is written) -> bytes
  llvm::MapVector<std::pair<Value, unsigned>, double> moved;
  bool isFixed = true;
  KernelTraffic traffic;
  kernel.walk([&](MemoryEffectOpInterface op) {
    SmallVector<MemoryEffects::EffectInstance> effects;
    op.getEffects(effects);
    for (const MemoryEffects::EffectInstance &effect : effects) {
      Value buffer = effect.getValue();
      if (buffer)
        buffer = rootOf(buffer);
      bool isWrite = isa<MemoryEffects::Write>(effect.getEffect());
      // Arguments of the body behind those of the kernel are shared memory.
      auto argument = dyn_cast_or_null<BlockArgument>(buffer);
      if (!argument || argument.getOwner() != &kernel.getBody().front() ||
          argument.getArgNumber() >= kernel.getNumArguments() ||
          !(isWrite || isa<MemoryEffects::Read>(effect.getEffect())))
        continue;
      auto type = dyn_cast<MemRefType>(buffer.getType());
      if (!type || !type.hasStaticShape()) {
        isFixed = false;
        continue;
      }
      double whole = double(type.getNumElements()) *
                     double(pp::getElementBytes(type.getElementType()));
      double times = threads;
      for (Operation *loop = op->getParentOp(); loop != kernel;
           loop = loop->getParentOp())
        times *= tripsOf(loop);
      int64_t each = bytesOfAccess(op);
      double bytes = each == 0 ? whole : std::min(times * double(each), whole);
      moved[{buffer, isWrite ? 1u : 0u}] += bytes;
      traffic.bytes += int64_t(bytes);
    }
  });
  if (!isFixed)
    return {};
  llvm::SmallDenseSet<Value> seen;
  for (auto &[access, bytes] : moved) {
    auto argument = cast<BlockArgument>(access.first);
    // What a kernel has stored before it need not load again.
    bool isFirst = seen.insert(argument).second;
    bool isReadBack = !isFirst && access.second == 0;
    if (isReadBack)
      continue;
    if (kernel.getArgAttr(argument.getArgNumber(), kTemporary))
      continue;
    auto type = cast<MemRefType>(argument.getType());
    double whole = double(type.getNumElements()) *
                   double(pp::getElementBytes(type.getElementType()));
    traffic.least += int64_t(std::min(bytes, whole));
  }
  return traffic;
}

//===----------------------------------------------------------------------===//
// Kernels of the runtime
//===----------------------------------------------------------------------===//

/// Whether `value` differs between threads or between iterations.
static bool isOfElement(Value value) {
  SmallVector<Value> worklist{value};
  llvm::SmallDenseSet<Value> seen;
  while (!worklist.empty()) {
    Value next = worklist.pop_back_val();
    if (!seen.insert(next).second)
      continue;
    Operation *op = next.getDefiningOp();
    if (isa_and_nonnull<gpu::ThreadIdOp>(op))
      return true;
    if (op)
      llvm::append_range(worklist, op->getOperands());
    else if (isa<LoopLikeOpInterface>(next.getParentBlock()->getParentOp()))
      return true;
  }
  return false;
}

namespace {
/// (argument, is written) -> bytes of an element.
using Accesses = llvm::MapVector<std::pair<Value, unsigned>, int64_t>;

struct ElementCount {
  Accesses accesses;
  llvm::SmallDenseMap<Value, int64_t> elementBytes; ///< of an argument
  int64_t fixed = 0;

  void visit(Operation &op);
  void visit(Region &region) {
    for (Block &block : region)
      for (Operation &op : block)
        visit(op);
  }
};
} // namespace

void ElementCount::visit(Operation &op) {
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    ElementCount other;
    ElementCount one;
    one.visit(branch.getThenRegion());
    other.visit(branch.getElseRegion());
    for (auto &[access, bytes] : other.accesses)
      one.accesses[access] = std::max(one.accesses[access], bytes);
    for (auto &[access, bytes] : one.accesses)
      accesses[access] += bytes;
    for (ElementCount *part : {&one, &other})
      for (auto &[argument, bytes] : part->elementBytes)
        elementBytes[argument] = bytes;
    fixed += std::max(one.fixed, other.fixed);
    return;
  }
  for (Region &region : op.getRegions())
    visit(region);
  auto load = dyn_cast<LLVM::LoadOp>(op);
  auto store = dyn_cast<LLVM::StoreOp>(op);
  if (!load && !store)
    return;
  Value address = load ? load.getAddr() : store.getAddr();
  Type type = load ? load.getType() : store.getValue().getType();
  int64_t bytes = pp::getElementBytes(getElementTypeOrSelf(type));
  bool isEach = isOfElement(address);
  while (auto place = address.getDefiningOp<LLVM::GEPOp>())
    address = place.getBase();
  if (!isEach) {
    fixed += bytes;
    return;
  }
  accesses[{address, store ? 1u : 0u}] += bytes;
  elementBytes[address] = bytes;
}

ElementTraffic pp::device::elementTrafficOf(gpu::GPUFuncOp kernel) {
  ElementCount count;
  count.visit(kernel.getBody());
  ElementTraffic traffic;
  traffic.fixed = count.fixed;
  for (auto &[access, bytes] : count.accesses) {
    traffic.bytes += bytes;
    traffic.least += std::min(bytes, count.elementBytes[access.first]);
    auto argument = dyn_cast<BlockArgument>(access.first);
    if (argument && argument.getOwner() == &kernel.getBody().front() &&
        kernel.getArgAttr(argument.getArgNumber(), kOptional))
      traffic.optional += bytes;
  }
  return traffic;
}
