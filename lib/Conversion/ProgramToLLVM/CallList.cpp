//===- CallList.cpp - Straight code as a list of calls --------------------===//
//
// Repetitions are found greedily from the front: of all periods that repeat at
// a call, the one that saves most calls becomes a loop. Calls that are alike
// get equal numbers first, so that this compares numbers, once for each call
// and period.
//
//===----------------------------------------------------------------------===//

#include "CallList.h"

#include "Progression.h"

#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLExtras.h"

#include <map>
#include <numeric>

using namespace mlir;
using namespace pp;

/// A loop has to save this many calls: it brings a table and branches.
static constexpr size_t leastSaved = 6;
/// Cycles from this length on are computed where they can be.
static constexpr size_t longCycle = 32;
/// How often the rarest call of a loop's body may occur in it for the body to
/// be found.
static constexpr size_t occurrences = 3;

bool Call::isLike(const Call &other) const {
  return callee == other.callee && result == other.result &&
         isChecked == other.isChecked &&
         operands.size() == other.operands.size() &&
         llvm::all_of(llvm::zip(operands, other.operands), [](auto pair) {
           return std::get<0>(pair).isLike(std::get<1>(pair));
         });
}

bool CallList::operator==(const CallList &other) const {
  return calls.size() == other.calls.size() &&
         llvm::all_of(llvm::zip(calls, other.calls), [](auto pair) {
           auto &[mine, theirs] = pair;
           return mine.isLike(theirs) &&
                  llvm::all_of(llvm::zip(mine.operands, theirs.operands),
                               [](auto operands) {
                                 return std::get<0>(operands).numbers ==
                                        std::get<1>(operands).numbers;
                               });
         });
}

//===----------------------------------------------------------------------===//
// Repetitions
//===----------------------------------------------------------------------===//

namespace {
/// `count` times the calls [begin, begin + period) and those like them.
struct Repetition {
  size_t begin, period, count;
  size_t end() const { return begin + period * count; }
  ArrayRef<Call> turn(ArrayRef<Call> calls, size_t i) const {
    return calls.slice(begin + i * period, period);
  }
  size_t saved() const { return period * (count - 1); }
};
} // namespace

/// Equal numbers for calls that are alike.
static std::vector<unsigned> numberCalls(ArrayRef<Call> calls) {
  std::vector<unsigned> numbers;
  // By callee: few are alike in that alone.
  llvm::DenseMap<StringAttr, SmallVector<std::pair<const Call *, unsigned>>>
      known;
  unsigned next = 0;
  for (const Call &call : calls) {
    auto &candidates = known[call.callee];
    auto *it = llvm::find_if(candidates, [&](auto &candidate) {
      return candidate.first->isLike(call);
    });
    if (it == candidates.end()) {
      candidates.emplace_back(&call, next++);
      it = std::prev(candidates.end());
    }
    numbers.push_back(it->second);
  }
  return numbers;
}

/// True if these calls take no result from before the first of them.
static bool isClosed(ArrayRef<Call> calls) {
  for (auto [position, call] : llvm::enumerate(calls))
    for (const CallOperand &operand : call.operands)
      if (operand.kind == CallOperand::Result && operand.base > position)
        return false;
  return true;
}

/// Periods that are worth a try: the distances from a call to the next few that
/// are alike. Of a body's rarest call, one of them is the period.
static SmallVector<size_t> findPeriods(ArrayRef<unsigned> numbers) {
  DenseMap<unsigned, SmallVector<size_t>> last;
  DenseSet<size_t> periods;
  for (auto [position, number] : llvm::enumerate(numbers)) {
    SmallVector<size_t> &places = last[number];
    for (size_t place : places)
      periods.insert(position - place);
    if (places.size() == occurrences)
      places.erase(places.begin());
    places.push_back(position);
  }
  SmallVector<size_t> result(periods.begin(), periods.end());
  llvm::sort(result);
  return result;
}

static SmallVector<Repetition> findRepetitions(ArrayRef<Call> calls) {
  std::vector<unsigned> numbers = numberCalls(calls);
  size_t size = calls.size(), reach = 0; // of results
  for (const Call &call : calls)
    for (const CallOperand &operand : call.operands)
      if (operand.kind == CallOperand::Result)
        reach = std::max<size_t>(reach, operand.base);
  // The best repetition that begins at each call.
  std::vector<Repetition> best(size);
  for (size_t i = 0; i < size; ++i)
    best[i] = {i, 1, 1};
  for (size_t period : findPeriods(numbers)) {
    size_t equal = 0; // calls from i on that equal those a period later
    for (size_t i = size - period; i-- > 0;) {
      equal = numbers[i] == numbers[i + period] ? equal + 1 : 0;
      Repetition found{i, period, equal / period + 1};
      if (found.count > 1 && found.saved() > best[i].saved())
        best[i] = found;
    }
  }
  SmallVector<Repetition> result;
  for (size_t i = 0; i < size;) {
    const Repetition &here = best[i];
    if (here.saved() < leastSaved ||
        !isClosed(calls.slice(here.begin, here.period)) ||
        !isClosed(calls.drop_front(here.end()).take_front(reach))) {
      ++i;
      continue;
    }
    result.push_back(here);
    i = here.end();
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Code
//===----------------------------------------------------------------------===//

namespace {
class Emitter {
  /// Gives number `which` of an operand in an integer type.
  using Numbers = llvm::function_ref<Value(const CallOperand &operand,
                                           size_t which, Type type)>;

public:
  Emitter(LLVM::LLVMFuncOp function, Block *block, Block *exit,
          CallTarget &target)
      : function(function), module(function->getParentOfType<ModuleOp>()),
        target(target), exit(exit), builder(function.getContext()),
        loc(function.getLoc()),
        ptr(LLVM::LLVMPointerType::get(function.getContext())),
        i8(builder.getI8Type()), i64(builder.getI64Type()) {
    builder.setInsertionPointToEnd(block);
  }

  void straight(ArrayRef<Call> calls) {
    for (const Call &call : calls)
      emitCall(call, [&](const CallOperand &operand, size_t which, Type type) {
        return constant(type, operand.numbers[which]);
      });
  }

  /// The body once, in a loop over rows of numbers.
  void loop(ArrayRef<Call> calls, const Repetition &repetition) {
    ArrayRef<Call> body = calls.slice(repetition.begin, repetition.period);
    loc = body.front().loc;
    // Column j of row i: number j of repetition i, where numbers differ.
    SmallVector<SmallVector<int64_t>> rows(repetition.count);
    for (size_t i = 0; i < repetition.count; ++i)
      for (const Call &call : repetition.turn(calls, i))
        for (const CallOperand &operand : call.operands)
          rows[i].append(operand.numbers.begin(), operand.numbers.end());
    size_t width = rows[0].size();
    SmallVector<int64_t> columnOf(width, -1), table;
    int64_t columns = 0;
    for (size_t j = 0; j < width; ++j)
      if (llvm::any_of(rows, [&](auto &row) { return row[j] != rows[0][j]; }))
        columnOf[j] = columns++;
    for (auto &row : rows)
      for (size_t j = 0; j < width; ++j)
        if (columnOf[j] >= 0)
          table.push_back(row[j]);

    auto [head, index] = beginLoop();
    Value row;
    if (columns > 0) {
      Value whole =
          LLVM::AddressOfOp::create(builder, loc, ptr, makeTable(table));
      row = LLVM::GEPOp::create(builder, loc, ptr,
                                LLVM::LLVMArrayType::get(i64, columns), whole,
                                ArrayRef<LLVM::GEPArg>{index});
    }
    size_t next = 0;
    for (const Call &call : body)
      emitCall(
          call,
          [&](const CallOperand &operand, size_t which, Type type) -> Value {
            int64_t column = columnOf[next++];
            if (column < 0)
              return constant(type, operand.numbers[which]);
            Value place = LLVM::GEPOp::create(
                builder, loc, ptr, i64, row,
                ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(column)});
            Value loaded = LLVM::LoadOp::create(builder, loc, i64, place);
            return truncate(loaded, type);
          });
    endLoop(head, index, repetition.count);
  }

  /// A loop of the program: numbers follow from the round. What repeats in the
  /// round is a loop inside.
  void loop(ArrayRef<Call> body, uint64_t rounds) {
    loc = body.front().loc;
    auto [head, round] = beginLoop();
    Round state(round, rounds);
    size_t next = 0;
    auto straightTo = [&](size_t end) {
      for (const Call &call : body.slice(next, end - next))
        emitCall(
            call,
            [&](const CallOperand &operand, size_t which, Type type) -> Value {
              const CallOperand *one = &operand;
              return inRound(ArrayRef<const CallOperand *>(one), which, type,
                             state, Value());
            });
      next = end;
    };
    for (const Repetition &repetition : findRepetitions(body)) {
      if (!growsAlike(body, repetition))
        continue;
      straightTo(repetition.begin);
      loopInRound(body, repetition, state);
      next = repetition.end();
    }
    straightTo(body.size());
    endLoop(head, round, rounds);
  }

  Block *end() { return builder.getInsertionBlock(); }

private:
  /// A round of a loop of the program.
  struct Round {
    Round(Value number, uint64_t rounds) : number(number), rounds(rounds) {}
    Value number;
    uint64_t rounds;
    llvm::DenseMap<size_t, Value> turns; ///< of cycles of a length
  };

  /// Number `which` of an operand in a round; with `index`, that of the operand
  /// `operands[index]`.
  Value inRound(ArrayRef<const CallOperand *> operands, size_t which, Type type,
                Round &round, Value index) {
    const CallOperand &first = *operands.front();
    // All turns of an operand, those of the next turn behind them.
    size_t turns = 1;
    for (const CallOperand *operand : operands)
      if (operand->cycle.size() > 1)
        turns = std::min<size_t>(std::lcm(turns, operand->cycle.size()),
                                 round.rounds);
    SmallVector<int64_t> table;
    for (size_t turn = 0; turn != turns; ++turn)
      for (const CallOperand *operand : operands)
        table.push_back(operand->cycle.size() > 1
                            ? operand->cycle[turn % operand->cycle.size()]
                            : operand->numbers[which]);
    Value result;
    if (llvm::all_equal(table)) {
      if (!first.step)
        return constant(type, table.front());
      result = constant(i64, table.front());
    } else if (auto progression = progressionOf(operands, table, round)) {
      result = inProgression(*progression, round);
    } else {
      Value place = index;
      if (turns > 1) {
        Value &turn = round.turns[turns];
        if (!turn) {
          // In front of the loop inside that may ask first.
          OpBuilder::InsertionGuard guard(builder);
          builder.setInsertionPointToStart(round.number.getParentBlock());
          turn = LLVM::URemOp::create(builder, loc, round.number,
                                      constant(i64, turns));
        }
        place = turn;
        if (index)
          place = LLVM::AddOp::create(
              builder, loc, index,
              LLVM::MulOp::create(builder, loc, turn,
                                  constant(i64, operands.size())));
      }
      Value whole =
          LLVM::AddressOfOp::create(builder, loc, ptr, makeTable(table));
      result = LLVM::LoadOp::create(
          builder, loc, i64,
          LLVM::GEPOp::create(builder, loc, ptr, i64, whole,
                              ArrayRef<LLVM::GEPArg>{place}));
    }
    if (first.step)
      result =
          LLVM::AddOp::create(builder, loc, result,
                              LLVM::MulOp::create(builder, loc, round.number,
                                                  constant(i64, first.step)));
    return truncate(result, type);
  }

  /// The numbers of one operand in all rounds, if they can be computed.
  static std::optional<Progression>
  progressionOf(ArrayRef<const CallOperand *> operands, ArrayRef<int64_t> table,
                const Round &round) {
    if (operands.size() > 1 || table.size() < longCycle)
      return std::nullopt;
    auto progression = findProgression(table);
    // What comes round again does so where the ring ends.
    if (progression && table.size() < round.rounds &&
        progression->size != int64_t(table.size()))
      return std::nullopt;
    return progression;
  }
  Value inProgression(const Progression &progression, const Round &round) {
    Value place = round.number;
    if (progression.phase)
      place = LLVM::AddOp::create(builder, loc, place,
                                  constant(i64, progression.phase));
    if (int64_t(round.rounds) + progression.phase > progression.size)
      place = LLVM::URemOp::create(builder, loc, place,
                                   constant(i64, progression.size));
    return LLVM::AddOp::create(
        builder, loc, constant(i64, progression.base),
        LLVM::MulOp::create(builder, loc, place,
                            constant(i64, progression.stride)));
  }

  /// Whether the numbers of a repetition grow in the same steps.
  static bool growsAlike(ArrayRef<Call> calls, const Repetition &repetition) {
    for (size_t i = 0; i != repetition.period; ++i) {
      const Call &first = calls[repetition.begin + i];
      for (size_t turn = 1; turn != repetition.count; ++turn)
        for (auto [one, other] : llvm::zip(
                 first.operands, repetition.turn(calls, turn)[i].operands))
          if (one.step != other.step)
            return false;
    }
    return true;
  }

  void loopInRound(ArrayRef<Call> calls, const Repetition &repetition,
                   Round &round) {
    auto [head, index] = beginLoop();
    for (size_t i = 0; i != repetition.period; ++i) {
      const Call &call = calls[repetition.begin + i];
      emitCall(call, [&, index = index](const CallOperand &operand,
                                        size_t which, Type type) {
        SmallVector<const CallOperand *> operands;
        for (size_t turn = 0; turn != repetition.count; ++turn)
          operands.push_back(&repetition.turn(calls, turn)[i]
                                  .operands[&operand - call.operands.begin()]);
        return inRound(operands, which, type, round, index);
      });
    }
    endLoop(head, index, repetition.count);
  }

  /// A block that runs again and again, and the number of its turn.
  std::pair<Block *, Value> beginLoop() {
    Value start = constant(i64, 0);
    Block *head = newBlock();
    Value index = head->addArgument(i64, loc);
    LLVM::BrOp::create(builder, loc, ValueRange{start}, head);
    builder.setInsertionPointToEnd(head);
    results.clear();
    return {head, index};
  }

  /// Goes back to `head` with the next index until all rounds have run.
  void endLoop(Block *head, Value index, uint64_t rounds) {
    Value following =
        LLVM::AddOp::create(builder, loc, index, constant(i64, 1));
    Value more = LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::ult,
                                      following, constant(i64, rounds));
    Block *after = newBlock();
    LLVM::CondBrOp::create(builder, loc, more, head, ValueRange{following},
                           after, ValueRange());
    builder.setInsertionPointToEnd(after);
    results.clear();
  }

  Value truncate(Value value, Type type) {
    return type == i64
               ? value
               : LLVM::TruncOp::create(builder, loc, type, value).getResult();
  }

  /// A block behind the current one.
  Block *newBlock() {
    OpBuilder::InsertionGuard guard(builder);
    return builder.createBlock(
        builder.getInsertionBlock()->getParent(),
        std::next(builder.getInsertionBlock()->getIterator()));
  }

  Value constant(Type type, int64_t value) {
    return LLVM::ConstantOp::create(builder, loc, type,
                                    builder.getIntegerAttr(type, value));
  }
  /// `base` plus `count` elements; itself for none.
  Value advance(Value base, Value count, Type element) {
    if (auto constant = count.getDefiningOp<LLVM::ConstantOp>();
        constant && constant.getValue() == builder.getI64IntegerAttr(0)) {
      constant.erase();
      return base;
    }
    return LLVM::GEPOp::create(builder, loc, ptr, element, base,
                               ArrayRef<LLVM::GEPArg>{count});
  }

  StringRef makeTable(ArrayRef<int64_t> numbers) {
    StringRef &known =
        tableOf[std::vector<int64_t>(numbers.begin(), numbers.end())];
    if (!known.empty())
      return known;
    OpBuilder globals(function);
    std::string name =
        ("pp.loop." + function.getSymName() + "." + Twine(tables++)).str();
    known = LLVM::GlobalOp::create(
                globals, loc, LLVM::LLVMArrayType::get(i64, numbers.size()),
                /*isConstant=*/true, LLVM::Linkage::Internal, name,
                builder.getI64TensorAttr(numbers))
                .getSymName();
    return known;
  }

  /// In order with what layers enqueue. The context is the first argument of
  /// step and stage functions alike.
  void copyOnDevice(ArrayRef<Value> operands) {
    LLVM::LLVMFuncOp copy = *LLVM::lookupOrCreateFn(
        builder, module, "pprt_gpu_copy", {ptr, ptr, ptr, i64},
        LLVM::LLVMVoidType::get(builder.getContext()));
    SmallVector<Value> all{function.getArgument(0)};
    llvm::append_range(all, operands);
    LLVM::CallOp::create(builder, loc, copy, all);
  }

  /// SplitMix64, as nn.mix_key defines it; 0 stays 0.
  Value mixKey(Value key, Value salt) {
    auto shiftXor = [&](Value z, int64_t shift) -> Value {
      Value shifted =
          LLVM::LShrOp::create(builder, loc, z, constant(i64, shift));
      return LLVM::XOrOp::create(builder, loc, z, shifted);
    };
    auto times = [&](Value z, uint64_t factor) -> Value {
      return LLVM::MulOp::create(builder, loc, z, constant(i64, factor));
    };
    Value increment =
        times(LLVM::AddOp::create(builder, loc, salt, constant(i64, 1)),
              0x9e3779b97f4a7c15);
    Value z = LLVM::AddOp::create(builder, loc, key, increment);
    z = times(shiftXor(z, 30), 0xbf58476d1ce4e5b9);
    z = times(shiftXor(z, 27), 0x94d049bb133111eb);
    Value isNone = LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::eq,
                                        key, constant(i64, 0));
    return LLVM::SelectOp::create(builder, loc, isNone, key, shiftXor(z, 31));
  }

  Value operand(const CallOperand &operand, Numbers numbers) {
    auto number = [&](size_t which, Type type) {
      return numbers(operand, which, type);
    };
    switch (operand.kind) {
    case CallOperand::Argument:
      return function.getArgument(operand.base);
    case CallOperand::Number:
      return number(0, operand.type);
    case CallOperand::Address:
      return advance(function.getArgument(operand.base), number(0, i64), i8);
    case CallOperand::Slot: {
      Value entry =
          advance(function.getArgument(operand.table), number(0, i64), i64);
      return advance(function.getArgument(operand.base),
                     LLVM::LoadOp::create(builder, loc, i64, entry), i8);
    }
    case CallOperand::Symbol: {
      Value start =
          LLVM::AddressOfOp::create(builder, loc, ptr, operand.symbol);
      return advance(start, number(0, i64), i64);
    }
    case CallOperand::MixedKey: {
      Value key = function.getArgument(operand.base);
      if (target.isDevice) {
        Value above =
            LLVM::AddOp::create(builder, loc, number(0, i64), constant(i64, 1));
        return LLVM::OrOp::create(
            builder, loc, key,
            LLVM::ShlOp::create(builder, loc, above, constant(i64, 48)));
      }
      for (size_t which = 0; which != operand.numbers.size(); ++which)
        key = mixKey(key, number(which, i64));
      return key;
    }
    case CallOperand::Result:
      return results[results.size() - operand.base];
    }
    llvm_unreachable("unknown kind of operand");
  }

  void declare(const Call &call, ValueRange operands, Type type) {
    if (!target.functions.insert(call.callee).second)
      return;
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(module.getBody());
    LLVM::LLVMFuncOp::create(builder, builder.getUnknownLoc(), call.callee,
                             LLVM::LLVMFunctionType::get(
                                 type, llvm::to_vector(operands.getTypes())));
  }

  /// Operands are made right before the call that needs them: unoptimised code
  /// then keeps nothing alive in between.
  void emitCall(const Call &call, Numbers numbers) {
    loc = call.loc;
    SmallVector<Value> operands;
    for (const CallOperand &each : call.operands)
      operands.push_back(operand(each, numbers));
    Value result;
    if (!call.callee && target.isDevice) {
      copyOnDevice(operands);
    } else if (!call.callee) {
      LLVM::MemcpyOp::create(builder, loc, operands[0], operands[1],
                             operands[2], /*isVolatile=*/false);
    } else {
      declare(call, operands,
              call.result ? call.result
                          : LLVM::LLVMVoidType::get(builder.getContext()));
      auto op = LLVM::CallOp::create(
          builder, loc, call.result ? TypeRange(call.result) : TypeRange(),
          call.callee, operands);
      if (call.result)
        result = op.getResult();
    }
    results.push_back(result);
    if (!call.isChecked)
      return;
    Value isOk = LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::eq,
                                      result, constant(call.result, 0));
    Block *next = newBlock();
    LLVM::CondBrOp::create(builder, loc, isOk, next, ValueRange(), exit,
                           ValueRange{result});
    builder.setInsertionPointToEnd(next);
  }

  LLVM::LLVMFuncOp function;
  ModuleOp module;
  CallTarget &target;
  Block *exit;
  OpBuilder builder;
  Location loc;
  Type ptr, i8, i64;
  unsigned tables = 0;
  std::map<std::vector<int64_t>, StringRef> tableOf;
  std::vector<Value> results; ///< of the calls so far, null where there is none
};
} // namespace

CallTarget::CallTarget(ModuleOp module) : isDevice(isForDevice(module)) {
  for (auto function : module.getOps<FunctionOpInterface>())
    functions.insert(function.getNameAttr());
}

Block *CallList::emit(LLVM::LLVMFuncOp function, Block *block, Block *exit,
                      CallTarget &target) const {
  Emitter emitter(function, block, exit, target);
  auto straight = [&](ArrayRef<Call> part) {
    size_t next = 0;
    for (const Repetition &repetition : findRepetitions(part)) {
      emitter.straight(part.slice(next, repetition.begin - next));
      emitter.loop(part, repetition);
      next = repetition.end();
    }
    emitter.straight(part.drop_front(next));
  };
  ArrayRef<Call> all(calls);
  size_t next = 0;
  for (const Loop &loop : loops) {
    straight(all.slice(next, loop.begin - next));
    if (loop.begin != loop.end)
      emitter.loop(all.slice(loop.begin, loop.end - loop.begin), loop.rounds);
    next = loop.end;
  }
  straight(all.drop_front(next));
  return emitter.end();
}

bool pp::isForDevice(ModuleOp module) {
  auto hasCode = [](ModuleOp one) {
    return one.lookupSymbol("pprt_gpu_program_code") != nullptr;
  };
  return hasCode(module) || llvm::any_of(module.getOps<ModuleOp>(), hasCode);
}
