//===- Emitter.cpp - Short spellings of linalg ops ------------------------===//

#include "Emitter.h"

#include "pp/Dialect/Kernel/IR/KernelOps.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

using namespace mlir;
using namespace pp;

ArrayRef<int64_t> pp::shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

Type pp::elementOf(Value value) {
  return getElementTypeOrSelf(value.getType());
}

SmallVector<Value> Emitter::generic(int64_t loops, ArrayRef<int64_t> reduced,
                                    ArrayRef<Input> inputs,
                                    ArrayRef<Input> inits, Body body) {
  SmallVector<utils::IteratorType> iterators(loops,
                                             utils::IteratorType::parallel);
  for (int64_t dim : reduced)
    iterators[dim] = utils::IteratorType::reduction;
  SmallVector<AffineMap> maps;
  SmallVector<Value> ins, outs;
  auto add = [&](const Input &input, SmallVectorImpl<Value> &values) {
    SmallVector<AffineExpr> exprs;
    for (int64_t dim : input.dims)
      exprs.push_back(builder.getAffineDimExpr(dim));
    maps.push_back(AffineMap::get(loops, 0, exprs, builder.getContext()));
    values.push_back(input.tensor);
  };
  for (const Input &input : inputs)
    add(input, ins);
  for (const Input &init : inits)
    add(init, outs);
  auto op = linalg::GenericOp::create(
      builder, loc, ValueRange(outs).getTypes(), ins, outs, maps, iterators,
      [&](OpBuilder &inner, Location innerLoc, ValueRange scalars) {
        Emitter emitter(inner, innerLoc);
        linalg::YieldOp::create(inner, innerLoc, body(emitter, scalars));
      });
  return llvm::to_vector_of<Value>(op.getResults());
}

Value Emitter::empty(ArrayRef<int64_t> shape, Type element) {
  return tensor::EmptyOp::create(builder, loc, shape, element);
}

Operation *Emitter::addWorkspace(kernel::LibraryCallOpInterface call) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(call);
  int64_t bytes = call.getWorkspaceBytes(kernel::LibraryTarget());
  Value workspace = empty(bytes / int64_t(sizeof(float)), builder.getF32Type());
  OpOperand *operand = call.getWorkspaceOperand();
  operand->set(workspace);
  cast<DestinationStyleOpInterface>(*call).getTiedOpResult(operand).setType(
      workspace.getType());
  return call;
}

Value Emitter::coordinate(ArrayAttr axes) {
  Value out = empty({}, builder.getI64Type());
  return kernel::CoordinateOp::create(builder, loc, out.getType(), out, axes)
      .getResult(0);
}

Value Emitter::filled(ArrayRef<int64_t> shape, Type element, double value) {
  Value scalar = isa<FloatType>(element)
                     ? number(element, value)
                     : integer(element, static_cast<int64_t>(value));
  return linalg::FillOp::create(builder, loc, scalar, empty(shape, element))
      .getResult(0);
}

Value Emitter::reshape(Value value, ArrayRef<int64_t> shape) {
  auto from = cast<RankedTensorType>(value.getType());
  auto to = RankedTensorType::get(shape, from.getElementType());
  if (from == to)
    return value;
  // One op where dimensions only merge or only split; else by way of a vector.
  auto reassociation = getReassociationIndicesForReshape(from, to);
  if (reassociation && from.getRank() != to.getRank()) {
    if (from.getRank() > to.getRank())
      return tensor::CollapseShapeOp::create(builder, loc, to, value,
                                             *reassociation);
    return tensor::ExpandShapeOp::create(builder, loc, to, value,
                                         *reassociation);
  }
  auto flatType =
      RankedTensorType::get({from.getNumElements()}, from.getElementType());
  auto all = [](int64_t rank) {
    SmallVector<ReassociationIndices> groups;
    if (rank != 0)
      groups.push_back(llvm::to_vector(llvm::seq<int64_t>(0, rank)));
    return groups;
  };
  if (from.getRank() != 1)
    value = from.getRank() == 0
                ? Value(tensor::ExpandShapeOp::create(builder, loc, flatType,
                                                      value, all(0)))
                : Value(tensor::CollapseShapeOp::create(
                      builder, loc, flatType, value, all(from.getRank())));
  if (to.getRank() == 1)
    return value;
  if (to.getRank() == 0)
    return tensor::CollapseShapeOp::create(builder, loc, to, value, all(0));
  return tensor::ExpandShapeOp::create(builder, loc, to, value,
                                       all(to.getRank()));
}

Value Emitter::reshape(Value value, Type type) {
  return reshape(value, cast<RankedTensorType>(type).getShape());
}

Value Emitter::rows(Value value) {
  ArrayRef<int64_t> shape = shapeOf(value);
  if (shape.empty())
    return reshape(value, {1, 1});
  int64_t rows = 1;
  for (int64_t size : shape.drop_back())
    rows *= size;
  return reshape(value, {rows, shape.back()});
}

Value Emitter::flat(Value value) {
  return reshape(value,
                 cast<RankedTensorType>(value.getType()).getNumElements());
}

/// An elementwise conversion of a tensor.
static Value convert(Emitter &emitter, Value value, Type element) {
  // A vector stays one: reshapes would stand between it and its reader.
  const bool isVector = shapeOf(value).size() == 1;
  Value matrix = isVector ? value : emitter.rows(value);
  SmallVector<int64_t> dims =
      isVector ? SmallVector<int64_t>{0} : SmallVector<int64_t>{0, 1};
  Value result = emitter.generic(
      dims.size(), {}, {{matrix, dims}},
      {{emitter.empty(shapeOf(matrix), element), dims}},
      [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
        if (elementOf(value).getIntOrFloatBitWidth() <
            element.getIntOrFloatBitWidth())
          return {arith::ExtFOp::create(inner.builder, inner.loc, element,
                                        scalars[0])};
        return {arith::TruncFOp::create(inner.builder, inner.loc, element,
                                        scalars[0])};
      })[0];
  return emitter.reshape(result, shapeOf(value));
}

Type Emitter::widenType(Type element) {
  return element.isBF16() ? builder.getF32Type() : element;
}

Value Emitter::widen(Value value) {
  if (!value || !elementOf(value).isBF16())
    return value;
  return convert(*this, value, builder.getF32Type());
}

Value Emitter::finish(Value value, Type type) {
  Type element = getElementTypeOrSelf(type);
  if (elementOf(value) != element)
    value = convert(*this, value, element);
  return reshape(value, type);
}

Value Emitter::widenScalar(Value scalar) {
  if (!scalar.getType().isBF16())
    return scalar;
  return arith::ExtFOp::create(builder, loc, builder.getF32Type(), scalar);
}
Value Emitter::narrowScalar(Value scalar, Type element) {
  if (!element.isBF16() || !scalar.getType().isF32())
    return scalar;
  return arith::TruncFOp::create(builder, loc, element, scalar);
}
Value Emitter::number(Type type, double value) {
  return arith::ConstantOp::create(builder, loc,
                                   builder.getFloatAttr(type, value));
}
Value Emitter::integer(Type type, int64_t value) {
  return arith::ConstantOp::create(builder, loc,
                                   builder.getIntegerAttr(type, value));
}
Value Emitter::index(int64_t dim) {
  return linalg::IndexOp::create(builder, loc, dim);
}
Value Emitter::toIndex(Value id) {
  return arith::IndexCastOp::create(builder, loc, builder.getIndexType(), id);
}
Value Emitter::add(Value a, Value b) {
  return arith::AddFOp::create(builder, loc, a, b);
}
Value Emitter::sub(Value a, Value b) {
  return arith::SubFOp::create(builder, loc, a, b);
}
Value Emitter::mul(Value a, Value b) {
  return arith::MulFOp::create(builder, loc, a, b);
}
Value Emitter::div(Value a, Value b) {
  return arith::DivFOp::create(builder, loc, a, b);
}
Value Emitter::select(Value condition, Value a, Value b) {
  return arith::SelectOp::create(builder, loc, condition, a, b);
}
Value Emitter::accumulate(Value a, Value b) {
  return arith::AddFOp::create(builder, loc, a, b,
                               arith::FastMathFlags::reassoc);
}
Value Emitter::maximum(Value a, Value b) {
  return arith::MaximumFOp::create(builder, loc, a, b);
}
Value Emitter::exp(Value a) { return math::ExpOp::create(builder, loc, a); }
Value Emitter::log(Value a) { return math::LogOp::create(builder, loc, a); }
Value Emitter::sqrt(Value a) { return math::SqrtOp::create(builder, loc, a); }
