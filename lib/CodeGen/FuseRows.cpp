//===- FuseRows.cpp - Chains of row-wise ops become one loop over rows ----===//
//
// A norm is five passes over a matrix: sum, mean, sum of squares, deviation,
// result. Row by row these are five passes over the first-level cache, and the
// matrix is read once. So ops that walk the same rows, of which one uses what
// another makes, are grouped, and each group becomes one `scf.for` over rows
// with the ops inside, on tensors of one dimension less. What only the group
// uses shrinks to a row.
//
// An op may join where no value leaves the group and comes back: otherwise the
// loop would have to stand both before and after the op in between. What lies
// in between may be another group, which is one loop as well: a value may then
// go into one of its members and another come out of a different one. A sum
// over rows (of a bias gradient) joins with the whole sum carried by the loop,
// in the same order of rows as before; what uses it stays outside.
//
//===----------------------------------------------------------------------===//

#include "pp/CodeGen/Passes.h"

#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/EquivalenceClasses.h"

namespace pp {
#define GEN_PASS_DEF_FUSEROWS
#include "pp/CodeGen/Passes.h.inc"
} // namespace pp

using namespace mlir;

using Group = llvm::SetVector<Operation *>;

/// Members of a group. A row of that many tensors fills the first-level cache
/// as it is, and analyses of a loop take the square of what it carries.
static constexpr size_t kMostMembers = 64;

//===----------------------------------------------------------------------===//
// What can be walked row by row
//===----------------------------------------------------------------------===//

/// True if the first dimension of the operand is the rows: loop 0 indexes it
/// and nothing else.
static bool hasRows(AffineMap map) {
  return map.getNumResults() > 0 && map.getResult(0).isFunctionOfDim(0);
}

/// Number of rows of an op that can be walked by them.
static std::optional<int64_t> rowsOf(Operation *op) {
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic || generic.getNumLoops() == 0 ||
      !generic.hasPureTensorSemantics())
    return std::nullopt;
  for (AffineMap map : generic.getIndexingMapsArray()) {
    if (!map.isProjectedPermutation())
      return std::nullopt;
    for (auto [i, expr] : llvm::enumerate(map.getResults()))
      if (i != 0 && expr.isFunctionOfDim(0))
        return std::nullopt;
  }
  return generic.getStaticLoopRanges()[0];
}

/// True if result `result` sums over rows: it exists only after the last one.
static bool isOverRows(OpResult result) {
  auto generic = cast<linalg::GenericOp>(result.getOwner());
  return !hasRows(generic.getMatchingIndexingMap(
      generic.getDpsInitOperand(result.getResultNumber())));
}

/// Values that `op` takes, in its regions too.
static SetVector<Value> valuesUsedBy(Operation *op) {
  SetVector<Value> values;
  values.insert_range(op->getOperands());
  getUsedValuesDefinedAbove(op->getRegions(), values);
  return values;
}

/// A fill that only starts rows inside the group is repeated there, by row.
static linalg::FillOp rowFill(Value init) {
  auto fill = init.getDefiningOp<linalg::FillOp>();
  return fill && fill.getOutputs()[0].getDefiningOp<tensor::EmptyOp>()
             ? fill
             : linalg::FillOp();
}

//===----------------------------------------------------------------------===//
// Groups
//===----------------------------------------------------------------------===//

/// True if every value that a member takes from another is taken row by row.
static bool isByRows(const Group &group) {
  for (Operation *member : group) {
    auto generic = cast<linalg::GenericOp>(member);
    for (OpOperand &operand : generic->getOpOperands()) {
      auto result = dyn_cast<OpResult>(operand.get());
      if (!result || !group.contains(result.getOwner()))
        continue;
      if (isOverRows(result) || generic.isDpsInit(&operand) ||
          !hasRows(generic.getMatchingIndexingMap(&operand)))
        return false;
    }
    // Elements fetched from inside the body may be of any row.
    SetVector<Value> captured;
    getUsedValuesDefinedAbove(generic.getRegion(), captured);
    for (Value value : captured)
      if (Operation *definition = value.getDefiningOp())
        if (group.contains(definition))
          return false;
  }
  return true;
}

namespace {
/// The groups of a block while they grow.
class Groups {
public:
  /// With `parallel` nothing joins that sums over rows.
  Groups(Block &block, bool parallel) {
    for (Operation &op : block)
      if (std::optional<int64_t> rows = rowsOf(&op))
        if (!parallel || llvm::none_of(op.getResults(), isOverRows))
          join(&op, *rows);
  }

  SmallVector<Group> take() {
    SmallVector<Group> result;
    for (const std::unique_ptr<Group> &group : groups)
      if (group->size() > 1)
        result.push_back(std::move(*group));
    return result;
  }

private:
  /// Starts a group with `op`, then merges it with those whose results it takes
  /// or whose rows it reads too.
  void join(Operation *op, int64_t rows) {
    groups.push_back(std::make_unique<Group>());
    groups.back()->insert(op);
    groupOf[op] = groups.back().get();
    rowCount[op] = rows;
    auto generic = cast<linalg::GenericOp>(op);
    for (OpOperand &operand : generic->getOpOperands()) {
      if (Operation *definition = operand.get().getDefiningOp())
        tryMerge(op, definition);
      if (!generic.isDpsInput(&operand) ||
          !hasRows(generic.getMatchingIndexingMap(&operand)) ||
          cast<RankedTensorType>(operand.get().getType()).getRank() < 2)
        continue;
      for (OpOperand &use : operand.get().getUses()) {
        auto other = dyn_cast<linalg::GenericOp>(use.getOwner());
        if (other && other != generic && other.isDpsInput(&use) &&
            groupOf.contains(other) &&
            hasRows(other.getMatchingIndexingMap(&use)))
          tryMerge(op, other);
      }
    }
  }

  void tryMerge(Operation *op, Operation *other) {
    Group *mine = groupOf.lookup(op), *theirs = groupOf.lookup(other);
    if (!theirs || mine == theirs || rowCount[op] != rowCount[other] ||
        mine->size() + theirs->size() > kMostMembers)
      return;
    Group merged = *theirs;
    merged.insert_range(*mine);
    if (!isByRows(merged) || hasDetour(merged))
      return;
    for (Operation *member : *mine)
      groupOf[member] = theirs;
    *theirs = merged;
    mine->clear();
  }

  /// The members of the group of `op`, or `op` alone.
  ArrayRef<Operation *> unitOf(Operation *&op) const {
    Group *unit = groupOf.lookup(op);
    return unit ? unit->getArrayRef() : ArrayRef<Operation *>(op);
  }

  /// The first op before which a group ends wholly or does not begin, at
  /// `first` or before it: what is before it depends on nothing behind it,
  /// whatever becomes one loop.
  Operation *findBoundary(Operation *first) const {
    for (bool isStable = false; !isStable;) {
      isStable = true;
      for (const std::unique_ptr<Group> &other : groups) {
        Operation *begin = nullptr;
        bool reaches = false;
        for (Operation *member : *other) {
          reaches |= !member->isBeforeInBlock(first);
          if (!begin || member->isBeforeInBlock(begin))
            begin = member;
        }
        if (reaches && begin->isBeforeInBlock(first)) {
          first = begin;
          isStable = false;
        }
      }
    }
    return first;
  }

  /// True if some value leaves `group` and comes back.
  bool hasDetour(const Group &group) const {
    llvm::SmallPtrSet<Operation *, 32> visited;
    SmallVector<Operation *> work;
    Block *block = group.front()->getBlock();
    Operation *first = group.front();
    for (Operation *member : group)
      if (member->isBeforeInBlock(first))
        first = member;
    first = findBoundary(first);
    auto push = [&](Operation *from, bool fromGroup) {
      for (Value value : valuesUsedBy(from))
        if (Operation *definition = value.getDefiningOp())
          if (definition->getBlock() == block &&
              !(fromGroup && group.contains(definition)) &&
              visited.insert(definition).second)
            work.push_back(definition);
    };
    // Everything outside that members depend on, directly or not.
    for (Operation *member : group)
      push(member, /*fromGroup=*/true);
    while (!work.empty()) {
      Operation *op = work.pop_back_val();
      if (group.contains(op))
        return true;
      if (op->isBeforeInBlock(first))
        continue;
      for (Operation *member : unitOf(op))
        push(member, /*fromGroup=*/false);
    }
    return false;
  }

  SmallVector<std::unique_ptr<Group>> groups;
  DenseMap<Operation *, Group *> groupOf;
  DenseMap<Operation *, int64_t> rowCount;
};
} // namespace

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

/// The type of one row.
static RankedTensorType rowType(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return RankedTensorType::get(tensor.getShape().drop_front(),
                               tensor.getElementType());
}

namespace {
/// Builds the loop of one group.
class RowLoop {
public:
  RowLoop(const Group &group) : group(group) {}

  /// The loop, in which the group is.
  scf::ForOp build() {
    Operation *last = group.front();
    for (Operation *member : group)
      if (last->isBeforeInBlock(member))
        last = member;
    OpBuilder builder(last);
    Location loc = last->getLoc();
    SmallVector<Value> starts;
    for (Operation *member : group)
      for (OpResult result : member->getResults())
        if (isCarried(result)) {
          carried.push_back(result);
          starts.push_back(startOf(result));
        }
    auto index = [&](int64_t value) {
      return arith::ConstantIndexOp::create(builder, loc, value).getResult();
    };
    int64_t rows =
        cast<linalg::GenericOp>(group.front()).getStaticLoopRanges()[0];
    auto loop = scf::ForOp::create(
        builder, loc, index(0), index(rows), index(1), starts,
        [&](OpBuilder &inner, Location, Value iv, ValueRange values) {
          row = iv;
          for (auto [result, value] : llvm::zip(carried, values))
            wholes[result] = value;
          for (Operation *member : order())
            buildMember(inner, cast<linalg::GenericOp>(member));
          SmallVector<Value> yielded;
          for (OpResult result : carried)
            yielded.push_back(wholes[result]);
          scf::YieldOp::create(inner, loc, yielded);
        });
    for (auto [result, value] : llvm::zip(carried, loop.getResults()))
      Value(result).replaceUsesWithIf(value, [&](OpOperand &use) {
        return !group.contains(use.getOwner());
      });
    for (Operation *member : llvm::reverse(order()))
      member->erase();
    return loop;
  }

private:
  ArrayRef<Operation *> order() {
    if (sorted.empty()) {
      sorted.assign(group.begin(), group.end());
      llvm::sort(sorted, [](Operation *a, Operation *b) {
        return a->isBeforeInBlock(b);
      });
    }
    return sorted;
  }

  /// A result leaves the loop whole where it sums over rows or someone outside
  /// uses it.
  bool isCarried(OpResult result) {
    return isOverRows(result) ||
           llvm::any_of(result.getUsers(), [&](Operation *user) {
             return !group.contains(
                 user->getBlock() == group.front()->getBlock()
                     ? user
                     : group.front()->getBlock()->findAncestorOpInBlock(*user));
           });
  }

  static Value initOf(OpResult result) {
    return cast<linalg::GenericOp>(result.getOwner())
        .getDpsInitOperand(result.getResultNumber())
        ->get();
  }

  /// What the loop starts a carried result from. Rows are filled in the loop.
  static Value startOf(OpResult result) {
    Value init = initOf(result);
    if (!isOverRows(result))
      if (linalg::FillOp fill = rowFill(init))
        return fill.getOutputs()[0];
    return init;
  }

  /// Offsets, sizes and strides of the current row of a tensor.
  void rowSlice(OpBuilder &builder, RankedTensorType type,
                SmallVectorImpl<OpFoldResult> &offsets,
                SmallVectorImpl<OpFoldResult> &sizes,
                SmallVectorImpl<OpFoldResult> &strides) {
    for (auto [dim, size] : llvm::enumerate(type.getShape())) {
      offsets.push_back(dim == 0 ? OpFoldResult(row) : builder.getIndexAttr(0));
      sizes.push_back(builder.getIndexAttr(dim == 0 ? 1 : size));
      strides.push_back(builder.getIndexAttr(1));
    }
  }

  Value extractRow(OpBuilder &builder, Location loc, Value value) {
    auto type = cast<RankedTensorType>(value.getType());
    SmallVector<OpFoldResult> offsets, sizes, strides;
    rowSlice(builder, type, offsets, sizes, strides);
    return tensor::ExtractSliceOp::create(builder, loc, rowType(type), value,
                                          offsets, sizes, strides);
  }

  Value insertRow(OpBuilder &builder, Location loc, Value piece, Value whole) {
    auto type = cast<RankedTensorType>(whole.getType());
    SmallVector<OpFoldResult> offsets, sizes, strides;
    rowSlice(builder, type, offsets, sizes, strides);
    return tensor::InsertSliceOp::create(builder, loc, piece, whole, offsets,
                                         sizes, strides);
  }

  /// What one row of a result starts from.
  Value rowInit(OpBuilder &builder, Location loc, OpResult result) {
    if (isOverRows(result))
      return wholes[result];
    Value init = initOf(result);
    linalg::FillOp fill = rowFill(init);
    bool isEmpty = init.getDefiningOp<tensor::EmptyOp>() || fill;
    Value start;
    if (auto whole = wholes.find(result); whole != wholes.end()) {
      start = extractRow(builder, loc, whole->second);
    } else if (isEmpty) {
      RankedTensorType type = rowType(result.getType());
      start = tensor::EmptyOp::create(builder, loc, type.getShape(),
                                      type.getElementType());
    } else {
      start = extractRow(builder, loc, init);
    }
    if (fill)
      start = linalg::FillOp::create(builder, loc, fill.value(), start)
                  .getResult(0);
    return start;
  }

  void buildMember(OpBuilder &builder, linalg::GenericOp member) {
    Location loc = member.getLoc();
    MLIRContext *context = builder.getContext();
    // Loop i of the row is loop i + 1 of the matrix.
    unsigned loops = member.getNumLoops() - 1;
    SmallVector<AffineExpr> renamed{builder.getAffineConstantExpr(0)};
    for (unsigned i = 0; i < loops; ++i)
      renamed.push_back(builder.getAffineDimExpr(i));
    SmallVector<AffineMap> maps;
    for (AffineMap map : member.getIndexingMapsArray()) {
      ArrayRef<AffineExpr> exprs = map.getResults();
      if (hasRows(map))
        exprs = exprs.drop_front();
      maps.push_back(AffineMap::get(map.getNumDims(), 0, exprs, context)
                         .replaceDimsAndSymbols(renamed, {}, loops, 0));
    }
    SmallVector<Value> inputs, inits;
    for (OpOperand *operand : member.getDpsInputOperands()) {
      Value value = operand->get();
      if (Value inside = rowValues.lookup(value))
        value = inside;
      else if (hasRows(member.getMatchingIndexingMap(operand)))
        value = extractRow(builder, loc, value);
      inputs.push_back(value);
    }
    for (OpResult result : member->getResults())
      inits.push_back(rowInit(builder, loc, result));
    SmallVector<utils::IteratorType> iterators =
        llvm::to_vector(llvm::drop_begin(member.getIteratorTypesArray()));
    auto created =
        linalg::GenericOp::create(builder, loc, ValueRange(inits).getTypes(),
                                  inputs, inits, maps, iterators);
    member.getRegion().cloneInto(&created.getRegion(),
                                 created.getRegion().begin(), mapping);
    created.walk([&](linalg::IndexOp op) {
      if (op.getDim() == 0) {
        op.replaceAllUsesWith(row);
        op.erase();
      } else {
        op.setDim(op.getDim() - 1);
      }
    });
    for (auto [result, value] :
         llvm::zip(member->getResults(), created.getResults())) {
      if (isOverRows(result)) {
        wholes[result] = value;
        continue;
      }
      rowValues[result] = value;
      if (auto whole = wholes.find(result); whole != wholes.end())
        whole->second = insertRow(builder, loc, value, whole->second);
    }
  }

  const Group &group;
  SmallVector<Operation *> sorted;
  SmallVector<OpResult> carried;
  DenseMap<Value, Value> wholes;    ///< carried result -> its value so far
  DenseMap<Value, Value> rowValues; ///< result -> its current row
  Value row;
  IRMapping mapping;
};
} // namespace

namespace {
struct FuseRows : pp::impl::FuseRowsBase<FuseRows> {
  using FuseRowsBase::FuseRowsBase;

  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    Block &block = getOperation().front();
    SmallVector<Group> groups = Groups(block, parallel).take();
    for (const Group &group : groups) {
      scf::ForOp loop = RowLoop(group).build();
      if (parallel)
        loop->setAttr("pp.rows", UnitAttr::get(&getContext()));
      // What used an early member may now stand before the loop.
      sortTopologically(&block);
    }
  }
};
} // namespace
