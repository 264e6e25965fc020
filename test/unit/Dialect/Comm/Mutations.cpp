//===- Mutations.cpp - Layers with one collective wrong -------------------===//
//
// Every place and every change has a number. A change that does not fit its
// place (a dimension that the mesh does not divide) is no mutant.
//
//===----------------------------------------------------------------------===//

#include "Mutations.h"

#include "pp/Dialect/Comm/IR/CommOps.h"
#include "pp/Dialect/NN/IR/NNOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace pp;

namespace {

RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Does the mutant whose turn it is, and counts.
class Mutator {
public:
  Mutator(func::FuncOp function, unsigned number)
      : mesh(findMesh(function)), left(number) {
    // What is put in must not be mutated in its turn.
    for (Operation &op : function.getBody().front().without_terminator())
      ops.push_back(&op);
  }

  std::string run() {
    for (Operation *op : ops) {
      OpBuilder builder(op->getContext());
      builder.setInsertionPointAfter(op);
      if (std::string done = visit(op, builder); !done.empty())
        return done;
    }
    return "";
  }

private:
  std::string visit(Operation *op, OpBuilder &builder);
  bool isTurn() { return left-- == 0; }

  /// Everything that reads `from` reads `to`, but for what makes `to`.
  void replace(Value from, Value to, ArrayRef<Operation *> except = {}) {
    llvm::SmallPtrSet<Operation *, 4> kept(except.begin(), except.end());
    from.replaceAllUsesExcept(to, kept);
  }

  /// A tensor of type `type` with as many elements.
  Value reshape(OpBuilder &builder, Value value, Type type) {
    if (value.getType() == type)
      return value;
    return nn::ReshapeOp::create(builder, value.getLoc(), type, value);
  }

  Value first(OpBuilder &builder, Value value, Type type) {
    SmallVector<int64_t> zeros(typeOf(value).getRank(), 0),
        ones(zeros.size(), 1);
    return nn::SliceOp::create(builder, value.getLoc(), value, zeros,
                               cast<RankedTensorType>(type).getShape(), ones);
  }

  /// The value without communication, in the shape that is expected.
  Value withoutExchange(OpBuilder &builder, Operation *op);

  MeshOpInterface mesh;
  unsigned left;
  SmallVector<Operation *> ops;
};

Value Mutator::withoutExchange(OpBuilder &builder, Operation *op) {
  Type type = op->getResult(0).getType();
  if (auto iota = dyn_cast<comm::IotaOp>(op)) {
    SmallVector<Attribute> numbers;
    for (int64_t i = 0; i < iota.getType().getNumElements(); ++i)
      numbers.push_back(
          builder.getIntegerAttr(iota.getType().getElementType(), i));
    return arith::ConstantOp::create(
        builder, op->getLoc(), DenseElementsAttr::get(iota.getType(), numbers));
  }
  Value input = op->getOperand(0);
  int64_t from = typeOf(input).getNumElements();
  int64_t to = cast<RankedTensorType>(type).getNumElements();
  if (from > to)
    return first(builder, input, type);
  if (from < to) {
    SmallVector<Value> copies(to / from, input);
    return nn::ConcatenateOp::create(builder, op->getLoc(), type, copies,
                                     cast<comm::AllGatherOp>(op).getDim());
  }
  return reshape(builder, input, type);
}

std::string Mutator::visit(Operation *op, OpBuilder &builder) {
  Location loc = op->getLoc();
  std::string name = op->getName().getStringRef().str();
  // A sum or a comm.vary more, behind every value with a gradient.
  for (Value result : op->getResults()) {
    if (!isa<FloatType>(getElementTypeOrSelf(result.getType())) ||
        op->hasTrait<OpTrait::ConstantLike>())
      continue;
    for (StringRef axis : {"data", "tensor"}) {
      ArrayAttr axes = builder.getStrArrayAttr({axis});
      if (isTurn()) {
        auto sum = comm::AllReduceOp::create(
            builder, loc, result.getType(), comm::Reduction::Sum, result, axes);
        replace(result, sum, {sum});
        return ("put all_reduce over " + axis + " behind " + name).str();
      }
      if (isTurn()) {
        auto vary = comm::VaryOp::create(builder, loc, result, axes);
        replace(result, vary, {vary});
        return ("put vary over " + axis + " behind " + name).str();
      }
    }
  }
  if (isa<comm::DetachOp>(op) && isTurn()) {
    replace(op->getResult(0), op->getOperand(0));
    return "dropped " + name;
  }
  if (auto dropout = dyn_cast<nn::DropoutOp>(op);
      dropout && dropout.getAxes()) {
    if (isTurn()) {
      dropout.removeAxesAttr();
      dropout.removeDimAttr();
      return "dropped the part of " + name;
    }
    if (isTurn()) {
      dropout.setAxesAttr(builder.getStrArrayAttr({"data"}));
      return "moved the part of " + name + " to the other axis";
    }
    if (isTurn()) {
      dropout.setAxesAttr(builder.getStrArrayAttr({"data", "tensor"}));
      return "moved the part of " + name + " to both axes";
    }
    for (int64_t dim = 0; dim < dropout.getType().getRank(); ++dim)
      if (dim != int64_t(*dropout.getDim()) && isTurn()) {
        dropout.setDim(dim);
        return "moved the part of " + name + " to dimension " +
               std::to_string(dim);
      }
  }
  auto collective = dyn_cast<comm::CollectiveOpInterface>(op);
  if (!collective)
    return "";
  Value result = op->getResult(0);
  Type type = result.getType();

  if (isTurn()) {
    replace(result, withoutExchange(builder, op));
    return "dropped " + name;
  }
  if (isTurn()) {
    bool isOver = collective.getAxes()[0] == builder.getStringAttr("data");
    op->setAttr("axes", builder.getStrArrayAttr({isOver ? "tensor" : "data"}));
    return "moved " + name + " to the other axis";
  }
  if (isTurn()) {
    op->setAttr("axes", builder.getStrArrayAttr({"data", "tensor"}));
    return "moved " + name + " to both axes";
  }
  if (op->getNumOperands() == 0)
    return "";
  Value input = op->getOperand(0);
  ArrayAttr axes = collective.getAxes();
  int64_t n = *mesh.getGroupSize(axes);
  // Twice, where the shapes stay.
  if (input.getType() == type && isTurn()) {
    Operation *twice = builder.clone(*op);
    twice->setOperand(0, result);
    replace(result, twice->getResult(0), {twice});
    return "doubled " + name;
  }
  if (auto gather = dyn_cast<comm::AllGatherOp>(op)) {
    if (isTurn()) {
      gather.setInvariant(!gather.getInvariant());
      return "changed the kind of " + name;
    }
    if (isTurn()) {
      SmallVector<int64_t> shape(typeOf(result).getShape());
      shape[gather.getDim()] *= n;
      auto twice = comm::AllGatherOp::create(
          builder, loc, typeOf(result).clone(shape), result, axes,
          gather.getDim(), gather.getInvariant());
      Value part = first(builder, twice, type);
      replace(result, part, {twice});
      return "doubled " + name;
    }
    for (int64_t dim = 0; dim < typeOf(input).getRank(); ++dim) {
      if (dim == int64_t(gather.getDim()) || !isTurn())
        continue;
      SmallVector<int64_t> shape(typeOf(input).getShape());
      shape[dim] *= n;
      auto moved =
          comm::AllGatherOp::create(builder, loc, typeOf(input).clone(shape),
                                    input, axes, dim, gather.getInvariant());
      replace(result, reshape(builder, moved, type));
      return "moved " + name + " to dimension " + std::to_string(dim);
    }
  }
  // Another dimension is cut.
  auto dimension = op->getAttrOfType<IntegerAttr>("dim");
  if (isa<comm::ReduceScatterOp, comm::SliceOp>(op)) {
    for (int64_t dim = 0; dim < typeOf(input).getRank(); ++dim) {
      if (dim == dimension.getInt() || typeOf(input).getDimSize(dim) % n != 0 ||
          !isTurn())
        continue;
      SmallVector<int64_t> shape(typeOf(input).getShape());
      shape[dim] /= n;
      Operation *moved = builder.clone(*op);
      moved->setAttr("dim", builder.getI64IntegerAttr(dim));
      moved->getResult(0).setType(typeOf(input).clone(shape));
      replace(result, reshape(builder, moved->getResult(0), type));
      return "moved " + name + " to dimension " + std::to_string(dim);
    }
    if (isa<FloatType>(typeOf(input).getElementType()) && isTurn()) {
      Value other =
          isa<comm::SliceOp>(op)
              ? comm::ReduceScatterOp::create(builder, loc, type, input, axes,
                                              dimension.getInt())
                    .getResult()
              : comm::SliceOp::create(builder, loc, type, input, axes,
                                      dimension.getInt())
                    .getResult();
      replace(result, other);
      return "changed the kind of " + name;
    }
  }
  if (auto all = dyn_cast<comm::AllToAllOp>(op)) {
    for (int64_t split = 0; split < typeOf(input).getRank(); ++split)
      for (int64_t concat = 0; concat < typeOf(input).getRank(); ++concat) {
        if (split == concat || typeOf(input).getDimSize(split) % n != 0 ||
            (split == int64_t(all.getSplit()) &&
             concat == int64_t(all.getConcat())) ||
            !isTurn())
          continue;
        SmallVector<int64_t> shape(typeOf(input).getShape());
        shape[split] /= n;
        shape[concat] *= n;
        auto moved =
            comm::AllToAllOp::create(builder, loc, typeOf(input).clone(shape),
                                     input, axes, split, concat);
        replace(result, reshape(builder, moved, type));
        return "moved " + name + " to split " + std::to_string(split) +
               ", concat " + std::to_string(concat);
      }
  }
  if (auto reduce = dyn_cast<comm::AllReduceOp>(op)) {
    if (isTurn()) {
      reduce.setReduction(reduce.getReduction() == comm::Reduction::Sum
                              ? comm::Reduction::Max
                              : comm::Reduction::Sum);
      return "changed the reduction of " + name;
    }
  }
  return "";
}

} // namespace

std::string pp::commtest::mutate(func::FuncOp function, unsigned number) {
  return Mutator(function, number).run();
}
