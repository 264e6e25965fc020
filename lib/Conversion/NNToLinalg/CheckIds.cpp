//===- CheckIds.cpp - Ids that may be out of range ------------------------===//
//
// The check is a call of the runtime on the whole vector, beside the loops that
// read it: these stay free of branches that report, and cannot leave the table
// since what they read is in range.
//
//===----------------------------------------------------------------------===//

#include "CheckIds.h"

#include "pp/Dialect/Kernel/IR/KernelOps.h"
#include "pp/Dialect/NN/IR/NNIds.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace pp;

/// Where the user finds `op`: the place in the file that was read, or the
/// function.
static std::string describe(Operation *op) {
  std::string text = op->getName().getStringRef().str();
  // The source of a gradient is the op that it is the gradient of.
  if (auto place = op->getLoc()->findInstanceOf<FileLineColLoc>())
    text += (" at " + place.getFilename().getValue() + ":" +
             Twine(place.getLine()) + ":" + Twine(place.getColumn()))
                .str();
  else if (auto function = op->getParentOfType<func::FuncOp>())
    text += (" in @" + function.getSymName()).str();
  return text;
}

Value pp::checkIds(Emitter &emitter, Operation *op, Value ids, int64_t size,
                   std::optional<int64_t> ignored) {
  if (op->hasAttr(nn::kIdsInRange))
    return ids;
  OpBuilder &builder = emitter.builder;
  kernel::CheckIdsOp::create(
      builder, emitter.loc, ids, builder.getI64IntegerAttr(size),
      ignored ? builder.getI64IntegerAttr(*ignored) : IntegerAttr(),
      builder.getStringAttr(describe(op)));
  Type type = elementOf(ids);
  // What does not fit into the type of the ids is none of them.
  bool isBounded = !type.isInteger(32) || size <= INT32_MAX;
  bool isIgnored =
      ignored && (!type.isInteger(32) || llvm::isInt<32>(*ignored));
  return emitter.generic(
      1, {}, {{ids, {0}}}, {{emitter.empty(shapeOf(ids), type), {0}}},
      [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
        auto compare = [&](arith::CmpIPredicate predicate, int64_t number) {
          return arith::CmpIOp::create(inner.builder, inner.loc, predicate,
                                       scalars[0], inner.integer(type, number))
              .getResult();
        };
        Value isLegal = isBounded ? compare(arith::CmpIPredicate::ult, size)
                                  : compare(arith::CmpIPredicate::sge, 0);
        if (isIgnored)
          isLegal =
              arith::OrIOp::create(inner.builder, inner.loc, isLegal,
                                   compare(arith::CmpIPredicate::eq, *ignored));
        return {inner.select(isLegal, scalars[0], inner.integer(type, 0))};
      })[0];
}

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

Value PartOfIds::first(Emitter &emitter) const {
  Value zero = arith::ConstantIndexOp::create(emitter.builder, emitter.loc, 0);
  return tensor::ExtractOp::create(emitter.builder, emitter.loc, numbers,
                                   ValueRange{zero});
}

PartOfIds::Row PartOfIds::find(Emitter &emitter, Value id) const {
  if (isWhole())
    return {emitter.toIndex(id), Value()};
  OpBuilder &builder = emitter.builder;
  Value local = arith::SubIOp::create(builder, emitter.loc, id, first(emitter));
  Value isOwn =
      arith::CmpIOp::create(builder, emitter.loc, arith::CmpIPredicate::ult,
                            local, emitter.integer(id.getType(), size));
  Value safe = emitter.select(isOwn, local, emitter.integer(id.getType(), 0));
  return {emitter.toIndex(safe), isOwn};
}

Value PartOfIds::idOf(Emitter &emitter, Value index, Type type) const {
  Value local =
      arith::IndexCastOp::create(emitter.builder, emitter.loc, type, index);
  if (isWhole())
    return local;
  return arith::AddIOp::create(emitter.builder, emitter.loc, local,
                               first(emitter));
}
