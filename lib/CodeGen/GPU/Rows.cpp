//===- Rows.cpp - Kernels of a thread, a warp or a block for each row -----===//
//
// The ops of a row are distributed over the threads of its group, each thread
// taking the same columns in every op where their loops are the same: then what
// one op stores the next can load without waiting. Where another thread may
// have stored it, the group synchronises. A scalar of the row is a value that
// all threads have.
//
// Where a thread has few columns its loops are unrolled, and what it loaded in
// one stays in registers for those that follow: memory is read once. In longer
// rows a maximum and the sum of powers below it are one loop, whose sum so far
// is scaled when the maximum grows (Milakov and Gimelshein, "Online normalizer
// calculation for softmax", 2018).
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"

#include "pp/Interfaces/ElementBytes.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

#include <map>

using namespace mlir;
using namespace pp::device;

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// A thread has at most so many vectors of a row in registers, and bytes of all
/// rows; with those of arithmetic it needs half of the 255.
constexpr int64_t kUnrolledSteps = 4, kKeptBytes = 256;
/// The step of what registers have within a loop only.
constexpr llvm::StringLiteral kInLoop("loop");

namespace {
/// How the threads of a group touch a buffer.
struct Touch {
  Value root;
  bool isWrite;
  std::string pattern; ///< equal: each thread touches the same elements
};

/// The ops of one row.
class RowEmitter {
public:
  RowEmitter(KernelBuilder &kernel, const Group &group)
      : kernel(kernel), group(group) {}

  void emit(const LoopNest &nest, int64_t lanes);
  /// Whether `next` can be computed in the loop of the ops of `run`.
  bool canFollow(ArrayRef<const LoopNest *> run, const LoopNest &next,
                 int64_t lanes);
  /// Ops whose loops are parallel and equal, as one loop.
  void emitParallel(ArrayRef<const LoopNest *> run, int64_t lanes);
  /// Whether `top` is the maximum of a row and `sum` that of the powers of what
  /// is below it, in a row that does not fit into registers.
  bool isOnline(const LoopNest &top, const LoopNest &sum, int64_t lanes) const;
  void emitOnline(const LoopNest &top, const LoopNest &sum, int64_t lanes);
  /// A scalar of the row, in registers.
  void addScalar(Value root) { scalars[root] = Value(); }
  /// What all threads read.
  Value loadScalar(const Access &access, Value at);

private:
  void emitSums(const LoopNest &nest, int64_t lanes);
  void emitMixed(const LoopNest &nest);
  /// Stores a value that all threads have.
  void storeScalar(const LoopNest &nest, const LoopNest::Operand &output,
                   Value value);
  Value loadOne(const LoopNest::Operand &operand, Value at) {
    auto scalar = scalars.find(operand.access.root);
    if (scalar != scalars.end() && scalar->second)
      return scalar->second;
    if (scalar != scalars.end()) // before anything is stored: anything
      return arith::ConstantOp::create(
          kernel.b, kernel.loc,
          kernel.b.getZeroAttr(operand.access.rootType().getElementType()));
    auto known = stored.find(placeOf(operand.access, operand.address));
    if (operand.address && known != stored.end())
      return known->second;
    return kernel.load(operand.access.root, at);
  }
  static std::string placeOf(const Access &access, AffineExpr address);
  /// The steps that a thread takes over `count` items, if they are unrolled.
  std::optional<int64_t> unrolledSteps(int64_t count) const {
    if (group.kind == Group::Thread || count % group.size != 0 ||
        count / group.size > kUnrolledSteps)
      return std::nullopt;
    return count / group.size;
  }
  /// As `forItems`; `body` gets the number of the step where it is known, else
  /// an empty string.
  SmallVector<Value>
  forSteps(int64_t count, ValueRange init,
           llvm::function_ref<SmallVector<Value>(StringRef, Value, ValueRange)>
               body);
  SmallVector<Value> loadMany(const LoopNest::Operand &operand, Value at,
                              int64_t lanes, StringRef step);
  /// Registers have what was stored.
  void keepStored(const LoopNest &nest, const LoopNest::Operand &output,
                  ValueRange values, StringRef step);
  /// Scalars that are stored over by other means are not known any more.
  void forgetScalars(const LoopNest &nest);
  /// Forgets what registers have of what `nest` writes.
  void forget(const LoopNest &nest) {
    for (const LoopNest::Operand &output : nest.outputs())
      kept.erase(output.access.root);
  }
  void touch(ArrayRef<Touch> touches);
  /// Touches of a nest whose loops are distributed by `pattern`.
  SmallVector<Touch> touchesOf(const LoopNest &nest, StringRef pattern);
  SmallVector<Touch> readsOf(const LoopNest &nest, StringRef pattern) {
    SmallVector<Touch> touches = touchesOf(nest, pattern);
    llvm::erase_if(touches, [](const Touch &touch) { return touch.isWrite; });
    return touches;
  }

  KernelBuilder &kernel;
  const Group &group;
  DenseMap<Value, Value> scalars; ///< by buffer; null before they are stored
  std::map<std::string, Value> stored; ///< scalars of the row in memory
  SmallVector<Touch> touched;
  /// Vectors in registers, by buffer and then by place and step.
  DenseMap<Value, std::map<std::string, SmallVector<Value>>> kept;
  int64_t keptBytes = 0; ///< of all, also of those that were forgotten
};
} // namespace

std::string RowEmitter::placeOf(const Access &access, AffineExpr address) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << access.root.getAsOpaquePointer() << ":";
  if (address)
    stream << address;
  for (auto [value, stride] : access.variable)
    stream << "+" << value.getAsOpaquePointer() << "*" << stride;
  return text;
}

void RowEmitter::touch(ArrayRef<Touch> touches) {
  for (const Touch &now : touches)
    for (const Touch &before : touched)
      if (now.root == before.root && (now.isWrite || before.isWrite) &&
          now.pattern != before.pattern) {
        if (group.kind != Group::Thread)
          kernel.synchronize(group);
        touched.assign(touches.begin(), touches.end());
        return;
      }
  touched.append(touches.begin(), touches.end());
}

SmallVector<Touch> RowEmitter::touchesOf(const LoopNest &nest,
                                         StringRef pattern) {
  SmallVector<Touch> touches;
  unsigned firstOutput = nest.operands.size() - nest.numOutputs();
  auto add = [&](const Access &access, bool isWrite, std::string how) {
    if (!scalars.contains(access.root))
      touches.push_back({access.root, isWrite, std::move(how)});
  };
  for (auto [number, operand] : llvm::enumerate(nest.operands)) {
    if (!operand.isBuffer)
      continue;
    std::string how =
        (pattern + "|" + placeOf(operand.access, operand.address)).str();
    if (operand.isUsed &&
        !stored.count(placeOf(operand.access, operand.address)))
      add(operand.access, false, how);
    if (number >= firstOutput)
      add(operand.access, true, how);
  }
  for (Operation &inner : *nest.op.getBlock())
    if (auto load = dyn_cast<memref::LoadOp>(inner))
      add(*accessOf(load.getMemRef(), load), false, "any element");
  return touches;
}

Value RowEmitter::loadScalar(const Access &access, Value at) {
  LoopNest::Operand operand;
  operand.isBuffer = true;
  operand.access = access;
  touch({{access.root, false, "all threads"}});
  return loadOne(operand, at);
}

void RowEmitter::storeScalar(const LoopNest &nest,
                             const LoopNest::Operand &output, Value value) {
  auto scalar = scalars.find(output.access.root);
  if (scalar != scalars.end()) {
    scalar->second = value;
    return;
  }
  SmallVector<Value> ivs(nest.extents.size(), kernel.index(0));
  Value at = nest.position(kernel, output, ivs);
  touch({{output.access.root, true, "first thread"}});
  kept.erase(output.access.root);
  // What is known of other elements of the buffer stays true.
  stored[placeOf(output.access, output.address)] = value;
  storeOnce(kernel, group, value, output.access.root, at);
}

void RowEmitter::forgetScalars(const LoopNest &nest) {
  for (const LoopNest::Operand &output : nest.outputs())
    for (auto it = stored.begin(); it != stored.end();) {
      std::string prefix;
      llvm::raw_string_ostream(prefix)
          << output.access.root.getAsOpaquePointer() << ":";
      it = StringRef(it->first).starts_with(prefix) ? stored.erase(it)
                                                    : std::next(it);
    }
}

void RowEmitter::emit(const LoopNest &nest, int64_t lanes) {
  if (nest.size() == 1) {
    touch(readsOf(nest, "all threads"));
    SmallVector<Value> ivs(nest.extents.size(), kernel.index(0));
    auto results = nest.compute(kernel, ivs, 0, 1, {},
                                [&](const LoopNest::Operand &operand,
                                    Value at) { return loadOne(operand, at); });
    for (auto [output, values] : llvm::zip(nest.outputs(), results))
      storeScalar(nest, output, values[0]);
    return;
  }
  if (nest.isParallel())
    return emitParallel(&nest, lanes);
  forgetScalars(nest);
  int64_t kept = 1;
  for (auto [extent, reduced] : llvm::zip(nest.extents, nest.reduced))
    kept *= reduced ? 1 : extent;
  if (kept == 1 && nest.canReduce())
    return emitSums(nest, lanes);
  emitMixed(nest);
}

/// Extents in steps of `lanes`.
static SmallVector<int64_t> stepsOf(const LoopNest &nest, int64_t lanes) {
  SmallVector<int64_t> extents = nest.extents;
  extents.back() /= lanes;
  return extents;
}

static std::string patternOf(const LoopNest &nest, int64_t lanes) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::interleave(nest.extents, stream, "x");
  stream << "/" << lanes;
  return text;
}

SmallVector<Value> RowEmitter::forSteps(
    int64_t count, ValueRange init,
    llvm::function_ref<SmallVector<Value>(StringRef, Value, ValueRange)> body) {
  std::optional<int64_t> steps = unrolledSteps(count);
  if (!steps)
    return forItems(kernel, group, count, init,
                    [&](Value item, ValueRange carried) {
                      return body("", item, carried);
                    });
  SmallVector<Value> carried(init);
  for (int64_t step = 0; step < *steps; ++step) {
    Value item = step == 0
                     ? group.index
                     : kernel.add(group.index, kernel.index(step * group.size));
    carried = body(std::to_string(step) + "/" + std::to_string(*steps), item,
                   carried);
  }
  return carried;
}

SmallVector<Value> RowEmitter::loadMany(const LoopNest::Operand &operand,
                                        Value at, int64_t lanes,
                                        StringRef step) {
  if (step.empty())
    return kernel.loadLanes(operand.access.root, at, lanes);
  std::string place = placeOf(operand.access, operand.address) + "@" +
                      step.str() + "x" + std::to_string(lanes);
  auto buffer = kept.find(operand.access.root);
  if (buffer != kept.end())
    if (auto known = buffer->second.find(place); known != buffer->second.end())
      return known->second;
  SmallVector<Value> values = kernel.loadLanes(operand.access.root, at, lanes);
  int64_t bytes =
      lanes * pp::getElementBytes(operand.access.rootType().getElementType());
  if (keptBytes + bytes <= kKeptBytes) {
    keptBytes += bytes;
    kept[operand.access.root][place] = values;
  }
  return values;
}

bool RowEmitter::canFollow(ArrayRef<const LoopNest *> run, const LoopNest &next,
                           int64_t lanes) {
  if (!next.isParallel() || next.extents != run.front()->extents)
    return false;
  for (const Touch &now : touchesOf(next, patternOf(next, lanes)))
    for (const LoopNest *nest : run)
      for (const Touch &before : touchesOf(*nest, patternOf(*nest, lanes)))
        if (now.root == before.root && (now.isWrite || before.isWrite) &&
            now.pattern != before.pattern)
          return false;
  return true;
}

void RowEmitter::emitParallel(ArrayRef<const LoopNest *> run, int64_t lanes) {
  const LoopNest &first = *run.front();
  for (const LoopNest *nest : run) {
    forgetScalars(*nest);
    touch(touchesOf(*nest, patternOf(*nest, lanes)));
  }
  unsigned inner = first.extents.size() - 1;
  auto perStep = [&](StringRef step, Value item,
                     ValueRange) -> SmallVector<Value> {
    // What one op of a loop has loaded or stored the next has in registers.
    StringRef now = step.empty() ? StringRef(kInLoop) : step;
    SmallVector<Value> ivs = kernel.delinearize(item, stepsOf(first, lanes));
    ivs.back() = kernel.mul(ivs.back(), lanes);
    for (const LoopNest *nest : run) {
      auto results = nest->compute(
          kernel, ivs, inner, lanes, {},
          [&](const LoopNest::Operand &operand, Value at) {
            return loadOne(operand, at);
          },
          [&](const LoopNest::Operand &operand, Value at, int64_t count) {
            return loadMany(operand, at, count, now);
          });
      for (auto [output, values] : llvm::zip(nest->outputs(), results)) {
        nest->store(kernel, output, values, ivs, inner);
        keepStored(*nest, output, values, now);
      }
    }
    return {};
  };
  int64_t before = keptBytes;
  forSteps(first.size() / lanes, {}, perStep);
  if (unrolledSteps(first.size() / lanes))
    return;
  keptBytes = before;
  for (auto &[root, places] : kept)
    for (auto it = places.begin(); it != places.end();)
      it = StringRef(it->first).contains(kInLoop) ? places.erase(it)
                                                  : std::next(it);
}

void RowEmitter::keepStored(const LoopNest &nest,
                            const LoopNest::Operand &output, ValueRange values,
                            StringRef step) {
  // Other elements of the buffer are not known any more.
  std::string prefix = placeOf(output.access, output.address) + "@";
  auto &places = kept[output.access.root];
  for (auto it = places.begin(); it != places.end();)
    it = StringRef(it->first).starts_with(prefix) ? std::next(it)
                                                  : places.erase(it);
  std::string place = prefix + step.str() + "x" + std::to_string(values.size());
  int64_t bytes =
      values.size() *
      pp::getElementBytes(output.access.rootType().getElementType());
  bool isVector = values.size() > 1 &&
                  nest.strideAlong(output, nest.extents.size() - 1) == 1;
  if (!isVector || keptBytes + bytes > kKeptBytes) {
    places.erase(place);
    return;
  }
  keptBytes += bytes;
  places[place] = llvm::to_vector(values);
}

void RowEmitter::emitSums(const LoopNest &nest, int64_t lanes) {
  // The inputs by columns; the former values of the outputs by all threads.
  SmallVector<Touch> touches = readsOf(nest, patternOf(nest, lanes));
  for (const LoopNest::Operand &output : nest.outputs())
    if (!scalars.contains(output.access.root))
      touches.push_back({output.access.root, false, "all threads"});
  touch(touches);
  unsigned inner = nest.extents.size() - 1;
  SmallVector<Value> zeros(nest.extents.size(), kernel.index(0));
  auto loadFormer = [&](const LoopNest::Operand &output) {
    return loadOne(output, nest.position(kernel, output, zeros));
  };
  auto perStep = [&](StringRef step, Value item,
                     ValueRange carried) -> SmallVector<Value> {
    SmallVector<Value> ivs = kernel.delinearize(item, stepsOf(nest, lanes));
    ivs.back() = kernel.mul(ivs.back(), lanes);
    return nest.computeSums(
        kernel, ivs, inner, lanes, carried,
        [&](const LoopNest::Operand &operand, Value at) {
          return loadOne(operand, at);
        },
        [&](const LoopNest::Operand &operand, Value at, int64_t count) {
          return loadMany(operand, at, count, step);
        });
  };
  sumRow(
      kernel, group, nest, loadFormer,
      [&](ValueRange init) {
        return forSteps(nest.size() / lanes, init, perStep);
      },
      [&](const LoopNest::Operand &output, Value result) {
        storeScalar(nest, output, result);
      });
}

/// The result of an op with one use, whose op is an `OpTy`; null if it is none.
template <typename OpTy> static OpTy onlyUser(Value value) {
  return value.hasOneUse() ? dyn_cast<OpTy>(*value.user_begin()) : OpTy();
}

/// An input of a body as it is computed with: converted to a wider type, if so.
static Value widenedOf(BlockArgument input) {
  auto wide = onlyUser<arith::ExtFOp>(input);
  return wide ? wide.getOut() : Value(input);
}

bool RowEmitter::isOnline(const LoopNest &top, const LoopNest &sum,
                          int64_t lanes) const {
  auto isSimple = [&](const LoopNest &nest, unsigned inputs) {
    return nest.extents.size() == 1 && nest.reduced[0] &&
           nest.numOutputs() == 1 && nest.operands.size() == inputs + 1 &&
           nest.canReduce() && nest.operands[0].isBuffer &&
           nest.strideAlong(nest.operands[0], 0) == 1;
  };
  if (!isSimple(top, 1) || !isSimple(sum, 2) || top.extents != sum.extents ||
      unrolledSteps(top.size() / lanes))
    return false;
  const LoopNest::Operand &row = top.operands[0], &again = sum.operands[0];
  const LoopNest::Operand &limit = sum.operands[1];
  if (placeOf(row.access, row.address) !=
          placeOf(again.access, again.address) ||
      !limit.isBuffer || !scalars.contains(limit.access.root) ||
      limit.access.root != top.outputs()[0].access.root)
    return false;
  Block *first = top.op.getBlock(), *second = sum.op.getBlock();
  auto maximum = dyn_cast<arith::MaximumFOp>(top.combinerOf(0));
  auto total = dyn_cast<arith::AddFOp>(sum.combinerOf(0));
  if (!maximum || !total || !maximum.getType().isF32())
    return false;
  Value x = widenedOf(first->getArgument(0));
  Value y = widenedOf(second->getArgument(0));
  auto below = onlyUser<arith::SubFOp>(y);
  auto power = below ? onlyUser<math::ExpOp>(below.getResult()) : math::ExpOp();
  return x.hasOneUse() && *x.user_begin() == maximum && power &&
         below.getLhs() == y && below.getRhs() == second->getArgument(1) &&
         onlyUser<arith::AddFOp>(power.getResult()) == total;
}

void RowEmitter::emitOnline(const LoopNest &top, const LoopNest &sum,
                            int64_t lanes) {
  touch(readsOf(top, patternOf(top, lanes)));
  OpBuilder &b = kernel.b;
  Location loc = kernel.loc;
  const LoopNest::Operand &row = top.operands[0];
  Operation *maximum = top.combinerOf(0), *total = sum.combinerOf(0);
  Value zero = kernel.neutral(total), lowest = kernel.neutral(maximum);
  // What powers are taken below: -inf - -inf would be NaN.
  auto baseOf = [&](Value limit) -> Value {
    Value isLowest =
        arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, limit, lowest);
    return arith::SelectOp::create(b, loc, isLowest, zero, limit);
  };
  // Of numbers in bf16 powers may be approximate.
  auto precision = row.access.rootType().getElementType().isBF16()
                       ? arith::FastMathFlags::afn
                       : arith::FastMathFlags::none;
  auto powerOf = [&](Value x, Value base) -> Value {
    return math::ExpOp::create(b, loc, arith::SubFOp::create(b, loc, x, base),
                               precision);
  };
  auto scaled = [&](Value powers, Value from, Value base) -> Value {
    return arith::MulFOp::create(b, loc, powers, powerOf(from, base));
  };
  SmallVector<Value> zeros{kernel.index(0)};
  auto formerOf = [&](const LoopNest &nest) {
    const LoopNest::Operand &output = nest.outputs()[0];
    return loadOne(output, nest.position(kernel, output, zeros));
  };
  Value formerTop = formerOf(top), formerSum = formerOf(sum);
  SmallVector<Value> carried =
      forItems(kernel, group, top.size() / lanes, {lowest, zero},
               [&](Value item, ValueRange before) -> SmallVector<Value> {
                 SmallVector<Value> ivs{kernel.mul(item, lanes)};
                 SmallVector<Value> values = kernel.loadLanes(
                     row.access.root, top.position(kernel, row, ivs), lanes);
                 for (Value &value : values)
                   if (value.getType() != zero.getType())
                     value =
                         arith::ExtFOp::create(b, loc, zero.getType(), value);
                 Value limit = before[0];
                 for (Value value : values)
                   limit = kernel.combine(maximum, limit, value);
                 Value base = baseOf(limit);
                 Value powers = scaled(before[1], before[0], base);
                 for (Value value : values)
                   powers = kernel.combine(total, powers, powerOf(value, base));
                 return {limit, powers};
               });
  Value limit = kernel.combine(maximum, formerTop,
                               kernel.reduce(group, carried[0], maximum));
  Value powers = kernel.reduce(
      group, scaled(carried[1], carried[0], baseOf(limit)), total);
  storeScalar(top, top.outputs()[0], limit);
  storeScalar(sum, sum.outputs()[0], kernel.combine(total, formerSum, powers));
}

/// Loops over the reduced dimensions, one in the other, in order.
static SmallVector<Value> serialSum(KernelBuilder &kernel, const LoopNest &nest,
                                    SmallVector<Value> &ivs, unsigned loop,
                                    ValueRange carried, LoopNest::Load load) {
  while (loop < nest.extents.size() && !nest.reduced[loop])
    ++loop;
  if (loop == nest.extents.size()) {
    SmallVector<Value> last;
    for (SmallVector<Value> &values :
         nest.compute(kernel, ivs, 0, 1, carried, load))
      last.push_back(values[0]);
    return last;
  }
  auto created = scf::ForOp::create(
      kernel.b, kernel.loc, kernel.index(0), kernel.index(nest.extents[loop]),
      kernel.index(1), carried,
      [&](OpBuilder &builder, Location loc, Value iv, ValueRange values) {
        OpBuilder::InsertionGuard guard(kernel.b);
        kernel.b.setInsertionPointToEnd(builder.getInsertionBlock());
        ivs[loop] = iv;
        SmallVector<Value> results =
            serialSum(kernel, nest, ivs, loop + 1, values, load);
        scf::YieldOp::create(kernel.b, loc, results);
      });
  return llvm::to_vector_of<Value>(created.getResults());
}

void RowEmitter::emitMixed(const LoopNest &nest) {
  touch(touchesOf(nest, "kept loops only"));
  SmallVector<int64_t> kept;
  int64_t count = 1;
  for (auto [extent, reduced] : llvm::zip(nest.extents, nest.reduced)) {
    kept.push_back(reduced ? 1 : extent);
    count *= kept.back();
  }
  auto load = [&](const LoopNest::Operand &operand, Value at) {
    return loadOne(operand, at);
  };
  forItems(
      kernel, group, count, {},
      [&](Value item, ValueRange) -> SmallVector<Value> {
        SmallVector<Value> ivs = kernel.delinearize(item, kept);
        SmallVector<Value> former;
        for (const LoopNest::Operand &output : nest.outputs())
          former.push_back(loadOne(output, nest.position(kernel, output, ivs)));
        SmallVector<Value> at = ivs;
        SmallVector<Value> sums = serialSum(kernel, nest, at, 0, former, load);
        for (auto [output, sum] : llvm::zip(nest.outputs(), sums))
          kernel.store(sum, output.access.root,
                       nest.position(kernel, output, ivs));
        return {};
      });
  forget(nest);
  // Other threads may read any of it.
  for (Touch &touch : touched)
    touch.pattern += "!";
}

//===----------------------------------------------------------------------===//
// Loops over rows
//===----------------------------------------------------------------------===//

LogicalResult pp::device::outlineRows(KernelModule &kernels, scf::ForOp loop) {
  // What there is to do in a row.
  SmallVector<std::pair<Operation *, std::optional<LoopNest>>, 0> ops;
  int64_t columns = 1, lanes = 8;
  SmallVector<memref::AllocOp> temporaries;
  for (Operation &op : loop.getBody()->without_terminator()) {
    if (auto alloc = dyn_cast<memref::AllocOp>(op)) {
      temporaries.push_back(alloc);
    } else if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
      FailureOr<LoopNest> nest = LoopNest::get(linalgOp);
      if (failed(nest))
        return failure();
      columns = std::max(columns, nest->size());
      if (!nest->extents.empty() && nest->size() > 1)
        lanes = std::min(lanes, nest->lanesAlong(nest->extents.size() - 1));
      ops.push_back({&op, *nest});
    } else if (isa<memref::LoadOp>(op) ||
               (isPure(&op) && !isa<ViewLikeOpInterface>(op))) {
      ops.push_back({&op, std::nullopt});
    } else if (!isa<ViewLikeOpInterface>(op)) {
      return op.emitOpError("found in a loop over rows, expected linalg ops, "
                            "views and scalars");
    }
  }
  int64_t rows = *getConstantIntValue(loop.getUpperBound());

  KernelBuilder kernel(kernels, loop.getLoc());
  Group group;
  Value row;
  int64_t grid =
      chooseGroup(kernel, rows, llvm::divideCeil(columns, lanes), group, row);
  int64_t inBlock = rowsOfBlock(group, rows);
  kernel.mapping.map(loop.getInductionVar(), row);
  RowEmitter emitter(kernel, group);
  OpBuilder outside(loop);
  int64_t shared = 0;
  for (memref::AllocOp alloc : temporaries) {
    MemRefType type = alloc.getType();
    // Rows stay aligned for vectors.
    int64_t elements = type.getNumElements();
    if (elements > 1)
      elements = llvm::alignTo(elements, 8);
    int64_t bytes =
        elements * inBlock * pp::getElementBytes(type.getElementType());
    if (elements == 1) {
      emitter.addScalar(alloc);
    } else if (group.kind == Group::Thread && elements <= 64) {
      kernel.setLocal(
          alloc, kernel.makePrivate(elements, type.getElementType()), Value());
    } else if (group.kind != Group::Thread && shared + bytes <= 40 << 10) {
      shared += bytes;
      Value base = group.kind == Group::Warp
                       ? kernel.mul(kernel.threadY(), elements)
                       : Value();
      kernel.setLocal(
          alloc, kernel.makeShared(elements * inBlock, type.getElementType()),
          base);
    } else {
      // In device memory, a row for each row.
      Value memory = memref::AllocOp::create(
          outside, loop.getLoc(),
          MemRefType::get({rows * elements}, type.getElementType()));
      Value argument = kernel.buffer(memory);
      kernel.setTemporary(memory);
      kernel.arguments[memory] = true;
      kernel.setLocal(alloc, argument, kernel.mul(row, elements));
    }
  }
  auto lanesOf = [&](const LoopNest &nest) {
    bool isOne = nest.extents.empty() || nest.size() == 1;
    return isOne ? 1
                 : std::min(lanes, nest.lanesAlong(nest.extents.size() - 1));
  };
  // The sum of powers that goes with the maximum of op `i`: after it are only
  // numbers that do not read the maximum, such as what the sum starts from.
  auto onlineSumOf = [&](size_t i) -> std::optional<size_t> {
    const LoopNest &top = *ops[i].second;
    for (size_t j = i + 1; j < ops.size() && ops[j].second; ++j) {
      const LoopNest &next = *ops[j].second;
      if (emitter.isOnline(top, next, lanesOf(top)))
        return j;
      if (next.size() != 1 || !isa<linalg::FillOp>(ops[j].first))
        return std::nullopt;
    }
    return std::nullopt;
  };
  guardRow(kernel, group, rows, row, [&] {
    for (size_t i = 0; i < ops.size(); ++i) {
      auto &[op, nest] = ops[i];
      if (nest) {
        if (std::optional<size_t> sum = onlineSumOf(i)) {
          for (size_t between = i + 1; between < *sum; ++between)
            emitter.emit(*ops[between].second, 1);
          emitter.emitOnline(*nest, *ops[*sum].second, lanesOf(*nest));
          i = *sum;
          continue;
        }
        int64_t lanes = lanesOf(*nest);
        if (!nest->isParallel() || nest->size() == 1) {
          emitter.emit(*nest, lanes);
          continue;
        }
        SmallVector<const LoopNest *> run{&*nest};
        for (size_t next = i + 1;
             next < ops.size() && ops[next].second &&
             lanesOf(*ops[next].second) == lanes &&
             emitter.canFollow(run, *ops[next].second, lanes);
             ++next)
          run.push_back(&*ops[next].second);
        emitter.emitParallel(run, lanes);
        i += run.size() - 1;
      } else if (auto load = dyn_cast<memref::LoadOp>(op)) {
        Access access = *accessOf(load.getMemRef(), load);
        SmallVector<Value> indices;
        for (Value value : load.getIndices())
          indices.push_back(kernel.scalar(value));
        kernel.mapping.map(
            load.getResult(),
            emitter.loadScalar(access, kernel.position(access, indices)));
      } else {
        for (Value operand : op->getOperands())
          (void)kernel.scalar(operand);
        kernel.b.clone(*op, kernel.mapping);
      }
    }
  });
  kernel.launch(outside, "rows", grid);
  loop.erase();
  return success();
}
