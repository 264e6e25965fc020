//===- Spmd.cpp - A function on all ranks of a mesh -----------------------===//
//
// Straight-line code of one function for all ranks: they run in lock step, op
// for op, and a collective reads the operands of its whole group. Nothing can
// wait, so nothing is scheduled.
//
//===----------------------------------------------------------------------===//

#include "pp/Interpreter/Spmd.h"

#include "Evaluation.h"

#include "pp/Dialect/Comm/IR/CommOps.h"

using namespace mlir;
using namespace pp;
using namespace pp::interpreter;

int64_t pp::interpreter::countRanks(MeshOpInterface mesh) {
  int64_t ranks = 1;
  for (int64_t size : mesh.getSizes())
    ranks *= size;
  return ranks;
}

int64_t pp::interpreter::getCoordinate(MeshOpInterface mesh, int64_t rank,
                                       StringRef axis) {
  unsigned number = *mesh.findAxis(axis);
  for (int64_t size : mesh.getSizes().drop_front(number + 1))
    rank /= size;
  return rank % mesh.getSizes()[number];
}

namespace {

/// The ranks of a group in the order of their coordinates, the first of `axes`
/// slowest, and which of them `rank` is.
struct Group {
  Group(MeshOpInterface mesh, ArrayAttr axes, int64_t rank) {
    ranks.push_back(rank);
    for (auto axis : axes.getAsRange<StringAttr>()) {
      unsigned number = *mesh.findAxis(axis);
      int64_t stride = 1, size = mesh.getSizes()[number];
      for (int64_t inner : mesh.getSizes().drop_front(number + 1))
        stride *= inner;
      SmallVector<int64_t> next;
      for (int64_t member : ranks)
        for (int64_t i = 0; i < size; ++i)
          next.push_back(member +
                         (i - getCoordinate(mesh, member, axis)) * stride);
      ranks = next;
      own = own * size + getCoordinate(mesh, rank, axis);
    }
  }
  SmallVector<int64_t> ranks;
  int64_t own = 0;
};

/// For each element of a part of `whole` its number in the whole.
std::vector<int64_t> partMap(Shape part, Shape whole, int64_t dim,
                             int64_t number) {
  std::vector<int64_t> map;
  forEachIndex(part, [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t> place(index);
    place[dim] += number * part[dim];
    map.push_back(linearize(whole, place));
  });
  return map;
}

/// The whole, whose parts along `dim` are `parts`.
Tensor join(ArrayRef<const Tensor *> parts, Type type, int64_t dim) {
  Tensor whole(type);
  for (auto [i, part] : llvm::enumerate(parts))
    scatter(*part, partMap(part->shape, whole.shape, dim, i), whole);
  return whole;
}

/// Part `number` of `whole`, of type `type`.
Tensor cut(const Tensor &whole, Type type, int64_t dim, int64_t number) {
  Tensor part(type);
  gather(whole, partMap(part.shape, whole.shape, dim, number), part);
  return part;
}

Tensor reduce(ArrayRef<const Tensor *> tensors, bool isMax) {
  Tensor result = *tensors[0];
  for (const Tensor *tensor : tensors.drop_front())
    for (auto [sum, element] : llvm::zip_equal(result.reals, tensor->reals))
      sum = isMax ? (element.value > sum.value ? element : sum) : sum + element;
  return result;
}

/// The result of a collective on one rank. `in`: the operands of its group.
Tensor exchange(Operation *op, ArrayRef<const Tensor *> in, int64_t own) {
  Type type = op->getResult(0).getType();
  int64_t n = in.size();
  if (auto reduction = dyn_cast<comm::AllReduceOp>(op))
    return reduce(in, reduction.getReduction() == comm::Reduction::Max);
  if (auto all = dyn_cast<comm::AllGatherOp>(op))
    return join(in, type, all.getDim());
  if (auto scatter = dyn_cast<comm::ReduceScatterOp>(op))
    return cut(reduce(in, false), type, scatter.getDim(), own);
  if (auto slice = dyn_cast<comm::SliceOp>(op))
    return cut(*in[own], type, slice.getDim(), own);
  if (auto permute = dyn_cast<comm::PermuteOp>(op))
    return *in[((own - int64_t(permute.getBy())) % n + n) % n];
  if (auto all = dyn_cast<comm::AllToAllOp>(op)) {
    int64_t split = all.getSplit();
    SmallVector<int64_t> shape(in[0]->shape);
    shape[split] /= n;
    Type piece = cast<RankedTensorType>(in[0]->type).clone(shape);
    std::vector<Tensor> pieces;
    for (const Tensor *tensor : in)
      pieces.push_back(cut(*tensor, piece, split, own));
    SmallVector<const Tensor *> parts;
    for (const Tensor &tensor : pieces)
      parts.push_back(&tensor);
    return join(parts, type, all.getConcat());
  }
  return *in[own]; // comm.vary
}

Tensor count(comm::IotaOp op, int64_t own) {
  Tensor result(op.getType());
  int64_t dim = op.getDim(), i = 0;
  forEachIndex(result.shape, [&](ArrayRef<int64_t> index) {
    result.integers[i++] = own * result.shape[dim] + index[dim];
  });
  return result;
}

Numbers toNumbers(const Tensor &tensor) {
  Numbers numbers;
  for (Real element : tensor.reals)
    numbers.push_back(element.value);
  for (int64_t element : tensor.integers)
    numbers.push_back(static_cast<double>(element));
  return numbers;
}

} // namespace

llvm::Expected<std::vector<RankNumbers>>
pp::interpreter::evaluateSpmd(Block &block, MeshOpInterface mesh,
                              const std::vector<RankNumbers> &arguments) {
  int64_t ranks = countRanks(mesh);
  RuleTable rules;
  addGradientRules(rules);
  Tape tape(0, 0);
  ActiveTape active(tape);
  std::vector<Values> values(ranks);
  for (auto [argument, lists] :
       llvm::zip_equal(block.getArguments(), arguments))
    for (auto [rank, numbers] : llvm::enumerate(lists)) {
      Tensor tensor(argument.getType());
      if (tensor.isFloat())
        llvm::copy(numbers, tensor.reals.begin());
      else
        llvm::transform(numbers, tensor.integers.begin(),
                        [](double number) { return int64_t(number); });
      values[rank][argument] = std::move(tensor);
    }
  for (Operation &op : block.without_terminator()) {
    if (isa<comm::DetachOp>(op)) {
      for (Values &own : values)
        own[op.getResult(0)] = Tensor(own.find(op.getOperand(0))->second);
      continue;
    }
    auto collective = dyn_cast<comm::CollectiveOpInterface>(op);
    const Rule *rule = collective ? nullptr : rules.lookup(op.getName());
    if (!collective && !rule)
      return llvm::createStringError("no rule for '" +
                                     op.getName().getStringRef().str() + "'");
    // Ranks may have the same operands only before any has a result.
    std::vector<SmallVector<Tensor>> results(ranks);
    for (int64_t rank = 0; rank < ranks; ++rank) {
      if (collective) {
        Group group(mesh, collective.getAxes(), rank);
        SmallVector<const Tensor *> in;
        for (int64_t member : group.ranks)
          for (Value operand : op.getOperands())
            in.push_back(&values[member].find(operand)->second);
        if (auto iota = dyn_cast<comm::IotaOp>(op))
          results[rank].push_back(count(iota, group.own));
        else
          results[rank].push_back(exchange(&op, in, group.own));
        continue;
      }
      SmallVector<const Tensor *> in;
      for (Value operand : op.getOperands())
        in.push_back(&values[rank].find(operand)->second);
      for (Type type : op.getResultTypes())
        results[rank].emplace_back(type);
      Surroundings around;
      around.findMember = [&](ArrayAttr axes) -> Member {
        Group group(mesh, axes, rank);
        return {group.own, int64_t(group.ranks.size())};
      };
      if (failed((*rule)(&op, in, results[rank], around)))
        return llvm::createStringError("cannot compute '" +
                                       op.getName().getStringRef().str() + "'");
    }
    for (int64_t rank = 0; rank < ranks; ++rank)
      for (auto [value, tensor] :
           llvm::zip_equal(op.getResults(), results[rank]))
        values[rank][value] = std::move(tensor);
  }
  std::vector<RankNumbers> answer;
  for (Value result : block.getTerminator()->getOperands()) {
    RankNumbers &lists = answer.emplace_back();
    for (int64_t rank = 0; rank < ranks; ++rank)
      lists.push_back(toNumbers(values[rank].find(result)->second));
  }
  return answer;
}
