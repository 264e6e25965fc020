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
