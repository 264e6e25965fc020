//===- LoopNest.cpp - A linalg op as loops and addresses ------------------===//

#include "LoopNest.h"

#include "pp/Interfaces/ElementBytes.h"

#include "mlir/Dialect/Affine/Analysis/AffineStructures.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace pp::device;

FailureOr<LoopNest> LoopNest::get(linalg::LinalgOp op) {
  LoopNest nest;
  nest.op = op;
  nest.extents = op.getStaticLoopRanges();
  if (llvm::is_contained(nest.extents, ShapedType::kDynamic))
    return op.emitOpError(
        "found loops of unknown size, expected static shapes");
  for (utils::IteratorType type : op.getIteratorTypesArray())
    nest.reduced.push_back(type == utils::IteratorType::reduction);
  for (OpOperand &use : op->getOpOperands()) {
    Operand operand;
    operand.isUsed = op.payloadUsesValueFromOperand(&use);
    if (!isa<MemRefType>(use.get().getType())) {
      operand.scalar = use.get();
      nest.operands.push_back(operand);
      continue;
    }
    FailureOr<Access> access = accessOf(use.get(), op);
    if (failed(access))
      return failure();
    operand.isBuffer = true;
    operand.access = *access;
    AffineExpr address =
        getAffineConstantExpr(access->offset, op->getContext());
    for (auto [expr, stride] : llvm::zip_equal(
             op.getMatchingIndexingMap(&use).getResults(), access->strides))
      address = address + expr * stride;
    operand.address = simplifyAffineExpr(address, nest.extents.size(), 0);
    nest.operands.push_back(operand);
  }
  // What the body gathers from.
  WalkResult loads = op.getBlock()->walk([](memref::LoadOp load) {
    return WalkResult(accessOf(load.getMemRef(), load));
  });
  if (loads.wasInterrupted())
    return failure();
  // What is summed has no buffer of its own that would be too large.
  int64_t summed = 1;
  for (auto [extent, isReduced] : llvm::zip(nest.extents, nest.reduced)) {
    if (!isReduced || extent == 0)
      continue;
    if (summed > INT32_MAX / extent)
      return op.emitOpError("found a sum over 2^31 elements or more, expected "
                            "fewer in a program for GPUs; sum in parts");
    summed *= extent;
  }
  return nest;
}

int64_t LoopNest::size() const {
  int64_t result = 1;
  for (int64_t extent : extents)
    result *= extent;
  return result;
}

std::optional<int64_t> LoopNest::strideAlong(const Operand &operand,
                                             unsigned loop) const {
  // Addresses are sums of multiples of loops, apart from maps by users.
  SmallVector<int64_t> flat;
  if (!operand.address.isPureAffine() ||
      failed(
          getFlattenedAffineExpr(operand.address, extents.size(), 0, &flat)) ||
      flat.size() != extents.size() + 1)
    return std::nullopt;
  return flat[loop];
}

bool LoopNest::gathers() const {
  return llvm::any_of(*op.getBlock(), llvm::IsaPred<memref::LoadOp>);
}

Operation *LoopNest::combinerOf(unsigned i) const {
  Block *body = op.getBlock();
  BlockArgument former = body->getArgument(operands.size() - numOutputs() + i);
  Operation *combiner = body->getTerminator()->getOperand(i).getDefiningOp();
  if (!combiner || combiner->getBlock() != body ||
      combiner->getNumOperands() != 2 || combiner->getNumResults() != 1 ||
      !former.hasOneUse() || *former.getUsers().begin() != combiner ||
      !combiner->getResult(0).hasOneUse() ||
      !arith::getNeutralElement(combiner))
    return nullptr;
  return combiner;
}

bool LoopNest::canReduce() const {
  for (unsigned i = 0; i < numOutputs(); ++i)
    if (!combinerOf(i))
      return false;
  return true;
}

void LoopNest::flatten() {
  if (extents.size() < 2 || !isParallel() || op.hasIndexSemantics())
    return;
  int64_t elements = size();
  MLIRContext *context = op->getContext();
  SmallVector<AffineExpr> flat;
  for (const Operand &operand : operands) {
    if (!operand.isBuffer) {
      flat.push_back({});
      continue;
    }
    int64_t expected = 1, offset = operand.access.offset;
    bool isUniform = true, isWhole = true;
    for (int64_t loop = extents.size() - 1; loop >= 0; --loop) {
      std::optional<int64_t> stride = strideAlong(operand, loop);
      isUniform &= stride == 0;
      isWhole &= stride == expected || extents[loop] == 1;
      expected *= extents[loop];
    }
    if (!isUniform && !isWhole)
      return;
    AffineExpr address = getAffineConstantExpr(offset, context);
    if (!isUniform)
      address = address + getAffineDimExpr(0, context);
    flat.push_back(address);
  }
  extents = {elements};
  reduced = {false};
  for (auto [operand, address] : llvm::zip(operands, flat))
    operand.address = address;
}

int64_t LoopNest::lanesAlong(unsigned loop) const {
  int64_t narrowest = 16;
  bool isAny = false;
  for (const Operand &operand : operands) {
    if (!operand.isBuffer || strideAlong(operand, loop) != 1)
      continue;
    isAny = true;
    narrowest = std::min<int64_t>(
        narrowest,
        pp::getElementBytes(operand.access.rootType().getElementType()));
  }
  if (!isAny)
    return 1;
  int64_t lanes = std::clamp<int64_t>(16 / narrowest, 1, 8);
  auto fits = [&](int64_t number) { return number % lanes == 0; };
  auto fitsOperand = [&](const Operand &operand) {
    if (!operand.isBuffer || strideAlong(operand, loop) != 1)
      return true;
    if (!fits(operand.access.offset) ||
        llvm::any_of(operand.access.variable,
                     [&](auto entry) { return !fits(entry.second); }))
      return false;
    for (unsigned other = 0; other < extents.size(); ++other) {
      if (other == loop || extents[other] == 1)
        continue;
      std::optional<int64_t> stride = strideAlong(operand, other);
      if (!stride || !fits(*stride))
        return false;
    }
    return true;
  };
  while (lanes > 1 &&
         (!fits(extents[loop]) || !llvm::all_of(operands, fitsOperand)))
    lanes /= 2;
  return lanes;
}

Value LoopNest::position(KernelBuilder &kernel, const Operand &operand,
                         ValueRange ivs) const {
  Value result =
      affine::expandAffineExpr(kernel.b, kernel.loc, operand.address, ivs, {});
  for (auto [value, stride] : operand.access.variable)
    result = kernel.add(result, kernel.mul(kernel.scalar(value), stride));
  return result;
}

/// The body for one element; `arguments` are its scalars.
static SmallVector<Value> cloneBody(KernelBuilder &kernel, linalg::LinalgOp op,
                                    ValueRange arguments, ValueRange ivs,
                                    LoopNest::Load loadOne) {
  IRMapping mapping;
  Block *body = op.getBlock();
  mapping.map(body->getArguments(), arguments);
  OpBuilder &b = kernel.b;
  // What is defined outside is computed in the kernel once.
  auto inside = [&](Value value) {
    if (value.getParentBlock() != body && !mapping.contains(value) &&
        !isa<MemRefType>(value.getType()))
      mapping.map(value, kernel.scalar(value));
    return mapping.lookupOrDefault(value);
  };
  for (Operation &inner : body->without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
      mapping.map(index.getResult(), ivs[index.getDim()]);
      continue;
    }
    if (auto load = dyn_cast<memref::LoadOp>(inner)) {
      FailureOr<Access> access = accessOf(load.getMemRef(), load);
      assert(succeeded(access) && "checked before");
      SmallVector<Value> indices;
      for (Value value : load.getIndices())
        indices.push_back(inside(value));
      LoopNest::Operand operand;
      operand.isBuffer = true;
      operand.access = *access;
      mapping.map(load.getResult(),
                  loadOne(operand, kernel.position(*access, indices)));
      continue;
    }
    inner.walk([&](Operation *nested) {
      for (Value operand : nested->getOperands())
        if (!inner.isAncestor(operand.getParentBlock()->getParentOp()))
          (void)inside(operand);
    });
    // Loops of the body may load as well: from what the kernel has of a buffer.
    b.clone(inner, mapping)->walk([&](memref::LoadOp load) {
      FailureOr<Access> access = accessOf(load.getMemRef(), load);
      assert(succeeded(access) && "checked before");
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(load);
      load.replaceAllUsesWith(kernel.load(
          access->root, kernel.position(*access, load.getIndices())));
      load.erase();
    });
  }
  SmallVector<Value> results;
  for (Value value : body->getTerminator()->getOperands())
    results.push_back(inside(value));
  return results;
}

SmallVector<SmallVector<Value>>
LoopNest::compute(KernelBuilder &kernel, ValueRange ivs, unsigned loop,
                  int64_t lanes, ValueRange former, Load loadOne,
                  LoadLanes loadLanes) const {
  unsigned firstOutput = operands.size() - numOutputs();
  Block *body = op.getBlock();
  bool isOfLane = lanes > 1 && former.size() == size_t(numOutputs() * lanes);
  // scalars[operand][lane]
  SmallVector<SmallVector<Value>> scalars;
  for (auto [number, operand] : llvm::enumerate(operands)) {
    SmallVector<Value> values;
    bool isFormer = number >= firstOutput && !former.empty();
    if (isFormer && isOfLane) {
      llvm::append_range(values,
                         former.slice((number - firstOutput) * lanes, lanes));
    } else if (isFormer) {
      values.assign(lanes, former[number - firstOutput]);
    } else if (!operand.isBuffer) {
      values.assign(lanes, kernel.scalar(operand.scalar));
    } else if (!operand.isUsed) {
      // Never looked at.
      Type type = body->getArgument(number).getType();
      values.assign(lanes,
                    arith::ConstantOp::create(kernel.b, kernel.loc,
                                              kernel.b.getZeroAttr(type)));
    } else if (lanes == 1) {
      values.push_back(loadOne(operand, position(kernel, operand, ivs)));
    } else if (std::optional<int64_t> stride = strideAlong(operand, loop);
               stride == 0) {
      values.assign(lanes, loadOne(operand, position(kernel, operand, ivs)));
    } else if (stride == 1) {
      Value at = position(kernel, operand, ivs);
      values = loadLanes ? loadLanes(operand, at, lanes)
                         : kernel.loadLanes(operand.access.root, at, lanes);
    } else {
      SmallVector<Value> shifted(ivs);
      for (int64_t lane = 0; lane < lanes; ++lane) {
        shifted[loop] = kernel.add(ivs[loop], kernel.index(lane));
        values.push_back(loadOne(operand, position(kernel, operand, shifted)));
      }
    }
    scalars.push_back(values);
  }
  SmallVector<SmallVector<Value>> results(numOutputs());
  SmallVector<Value> before;
  if (!isOfLane)
    before.assign(former.begin(), former.end());
  for (int64_t lane = 0; lane < lanes; ++lane) {
    SmallVector<Value> arguments, shifted(ivs);
    for (SmallVector<Value> &values : scalars)
      arguments.push_back(values[lane]);
    if (!before.empty())
      llvm::copy(before, arguments.begin() + firstOutput);
    if (lane != 0)
      shifted[loop] = kernel.add(ivs[loop], kernel.index(lane));
    SmallVector<Value> values =
        cloneBody(kernel, op, arguments, shifted, loadOne);
    if (!before.empty())
      before = values;
    for (auto [list, value] : llvm::zip(results, values))
      list.push_back(value);
  }
  return results;
}

SmallVector<Value> LoopNest::computeSums(KernelBuilder &kernel, ValueRange ivs,
                                         unsigned loop, int64_t lanes,
                                         ValueRange former, Load loadOne,
                                         LoadLanes loadLanes) const {
  SmallVector<Value> last;
  for (SmallVector<Value> &values :
       compute(kernel, ivs, loop, lanes, former, loadOne, loadLanes))
    last.push_back(values.back());
  return last;
}

void LoopNest::store(KernelBuilder &kernel, const Operand &output,
                     ValueRange values, ValueRange ivs, unsigned loop) const {
  if (values.size() == 1 || strideAlong(output, loop) == 1) {
    kernel.storeLanes(values, output.access.root,
                      position(kernel, output, ivs));
    return;
  }
  SmallVector<Value> shifted(ivs);
  for (auto [lane, value] : llvm::enumerate(values)) {
    shifted[loop] = kernel.add(ivs[loop], kernel.index(lane));
    kernel.store(value, output.access.root, position(kernel, output, shifted));
  }
}
