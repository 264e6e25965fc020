//===- CodeExecution.cpp - Executes functions of calls --------------------===//
//
// A function is read into a list of instructions on numbered registers once,
// since a program with loops executes it many thousand times over.
//
//===----------------------------------------------------------------------===//

#include "CodeExecution.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace pp;

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

/// Where globals and the tables of an execution begin: no other address that
/// code computes with is near.
static constexpr int64_t kGlobals = int64_t(1) << 61;
static constexpr int64_t kOwnTables = int64_t(1) << 62;
/// Between two tables, so that an index out of bounds meets none.
static constexpr int64_t kGap = int64_t(1) << 20;
static constexpr int64_t kOwnStride = int64_t(1) << 40;

static int64_t bytesOf(Type type) {
  if (auto array = dyn_cast<LLVM::LLVMArrayType>(type))
    return int64_t(array.getNumElements()) * bytesOf(array.getElementType());
  if (type.isIntOrFloat())
    return (type.getIntOrFloatBitWidth() + 7) / 8;
  return 8; // a pointer
}

GlobalTables::GlobalTables(ModuleOp module) {
  int64_t next = kGlobals;
  for (auto global : module.getOps<LLVM::GlobalOp>()) {
    GlobalTable table{global,
                      next,
                      next + bytesOf(global.getType()),
                      global.getConstant(),
                      {}};
    auto numbers =
        dyn_cast_or_null<DenseIntElementsAttr>(global.getValueOrNull());
    auto type = dyn_cast<LLVM::LLVMArrayType>(global.getType());
    if (numbers && type && type.getElementType().isInteger(64)) {
      auto values = numbers.getValues<int64_t>();
      table.numbers.assign(values.begin(), values.end());
    }
    addresses[global.getSymName()] = next;
    next = (table.end + kGap + 63) / 64 * 64;
    tables.push_back(std::move(table));
  }
}

std::optional<int64_t> GlobalTables::addressOf(StringRef name) const {
  auto it = addresses.find(name);
  return it == addresses.end() ? std::nullopt
                               : std::optional<int64_t>(it->second);
}

const GlobalTable *GlobalTables::tableAt(int64_t address) const {
  auto it = llvm::upper_bound(tables, address,
                              [](int64_t value, const GlobalTable &table) {
                                return value < table.begin;
                              });
  if (it == tables.begin())
    return nullptr;
  --it;
  return address < it->end ? &*it : nullptr;
}

LLVM::GlobalOp GlobalTables::globalAt(int64_t address) const {
  const GlobalTable *table = tableAt(address);
  return table && table->begin == address ? table->global : LLVM::GlobalOp();
}

int64_t TableState::add(std::vector<int64_t> numbers) {
  own.push_back(std::move(numbers));
  return kOwnTables + int64_t(own.size() - 1) * kOwnStride;
}

std::optional<int64_t> TableState::Entries::operator[](int64_t entry) {
  size_t position = first + entry;
  if (entry < 0 || position >= numbers.size())
    return std::nullopt;
  if (written && !written->wasWritten[position])
    written->wasRead[position] = true;
  return numbers[position];
}

TableState::Entries TableState::entriesAt(int64_t address) {
  Entries entries;
  if (address >= kOwnTables) {
    size_t which = (address - kOwnTables) / kOwnStride;
    int64_t distance = (address - kOwnTables) % kOwnStride;
    if (which < own.size() && distance % 8 == 0) {
      entries.numbers = own[which];
      entries.first = distance / 8;
    }
    return entries;
  }
  if (!last || address < last->begin || address >= last->end)
    last = globals.tableAt(address);
  const GlobalTable *table = last;
  if (!table || (address - table->begin) % 8)
    return entries;
  entries.first = (address - table->begin) / 8;
  entries.numbers = table->numbers;
  if (!table->isConstant) {
    std::unique_ptr<Written> &state = written[table];
    if (!state)
      state.reset(new Written{table->numbers,
                              std::vector<bool>(table->numbers.size()),
                              std::vector<bool>(table->numbers.size())});
    entries.written = state.get();
    entries.numbers = state->numbers;
  }
  return entries;
}

bool TableState::write(int64_t address, int64_t number) {
  Entries entries = entriesAt(address);
  if (!entries.written || entries.first >= entries.numbers.size())
    return false;
  entries.written->wasWritten[entries.first] = true;
  entries.written->numbers[entries.first] = number;
  return true;
}

LLVM::GlobalOp TableState::findChanged() const {
  for (const auto &[table, state] : written)
    for (size_t i = 0; i != state->numbers.size(); ++i)
      if (state->wasRead[i] && state->numbers[i] != table->numbers[i])
        return table->global;
  return {};
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

std::optional<NativeCode> NativeCode::read(LLVM::LLVMFuncOp function,
                                           const GlobalTables &globals,
                                           std::string &error) {
  NativeCode code;
  DenseMap<Value, unsigned> registerOf;
  auto registerFor = [&](Value value) {
    auto [it, isNew] = registerOf.try_emplace(value, code.registers.size());
    if (isNew)
      code.registers.push_back(0);
    return it->second;
  };
  for (Block &block : function.getBody())
    for (BlockArgument argument : block.getArguments())
      registerFor(argument);
  code.arguments = function.getNumArguments();

  DenseMap<Block *, unsigned> startOf;
  SmallVector<std::pair<unsigned, Block *>> targets; // of edges
  auto addEdge = [&](Block *target, ValueRange operands) {
    Edge edge;
    for (auto [argument, operand] : llvm::zip(target->getArguments(), operands))
      edge.moves.emplace_back(registerFor(argument), registerFor(operand));
    targets.emplace_back(code.edges.size(), target);
    code.edges.push_back(std::move(edge));
    return int64_t(code.edges.size()) - 1;
  };
  auto add = [&](Kind kind, Operation *op, int64_t number = 0) {
    Instruction instruction{kind, 0, 0, 0, number};
    if (op->getNumResults())
      instruction.result = registerFor(op->getResult(0));
    if (op->getNumOperands() > 0)
      instruction.a = registerFor(op->getOperand(0));
    if (op->getNumOperands() > 1)
      instruction.b = registerFor(op->getOperand(1));
    code.instructions.push_back(instruction);
    return true;
  };
  auto addCall = [&](Operation *op, StringAttr callee, ValueRange operands) {
    CallSite site{callee, {}, op};
    for (Value operand : operands)
      site.operands.push_back(registerFor(operand));
    Instruction instruction{Kind::Call, 0, 0, 0, int64_t(code.calls.size())};
    // A call without a result answers to a register that nothing reads.
    instruction.result = op->getNumResults() ? registerFor(op->getResult(0))
                                             : unsigned(code.registers.size());
    if (!op->getNumResults())
      code.registers.push_back(0);
    code.calls.push_back(std::move(site));
    code.instructions.push_back(instruction);
    return true;
  };

  for (Block &block : function.getBody()) {
    startOf[&block] = code.instructions.size();
    for (Operation &op : block) {
      bool isKnown =
          llvm::TypeSwitch<Operation *, bool>(&op)
              .Case([&](LLVM::ConstantOp constant) {
                auto number = dyn_cast<IntegerAttr>(constant.getValue());
                if (number)
                  code.registers[registerFor(constant)] =
                      number.getValue().getSExtValue();
                return bool(number);
              })
              .Case([&](LLVM::AddressOfOp address) {
                auto place = globals.addressOf(address.getGlobalName());
                if (place)
                  code.registers[registerFor(address)] = *place;
                return place.has_value();
              })
              .Case([&](LLVM::AddOp op) { return add(Kind::Add, op); })
              .Case([&](LLVM::MulOp op) { return add(Kind::Mul, op); })
              .Case([&](LLVM::URemOp op) { return add(Kind::URem, op); })
              .Case([&](LLVM::OrOp op) { return add(Kind::Or, op); })
              .Case([&](LLVM::XOrOp op) { return add(Kind::Xor, op); })
              .Case([&](LLVM::ShlOp op) { return add(Kind::Shl, op); })
              .Case([&](LLVM::LShrOp op) { return add(Kind::LShr, op); })
              .Case([&](LLVM::TruncOp op) {
                return op.getType().isInteger(32) && add(Kind::Trunc32, op);
              })
              .Case([&](LLVM::ICmpOp op) {
                if (op.getPredicate() == LLVM::ICmpPredicate::eq)
                  return add(Kind::Equal, op);
                return op.getPredicate() == LLVM::ICmpPredicate::ult &&
                       add(Kind::Below, op);
              })
              .Case([&](LLVM::SelectOp op) {
                code.instructions.push_back(
                    {Kind::Select, registerFor(op),
                     registerFor(op.getTrueValue()),
                     registerFor(op.getFalseValue()),
                     int64_t(registerFor(op.getCondition()))});
                return true;
              })
              .Case([&](LLVM::GEPOp element) {
                if (element.getIndices().size() != 1)
                  return false;
                int64_t bytes = bytesOf(element.getElemType());
                if (!element.getDynamicIndices().empty())
                  return add(Kind::Element, element, bytes);
                // A constant index: a register of its own.
                Instruction instruction{Kind::Element, registerFor(element),
                                        registerFor(element.getBase()),
                                        unsigned(code.registers.size()), bytes};
                code.registers.push_back(
                    element.getRawConstantIndices().front());
                code.instructions.push_back(instruction);
                return true;
              })
              .Case([&](LLVM::LoadOp op) { return add(Kind::Load, op); })
              .Case([&](LLVM::BrOp branch) {
                int64_t edge =
                    addEdge(branch.getDest(), branch.getDestOperands());
                code.instructions.push_back({Kind::Jump, 0, 0, 0, edge});
                return true;
              })
              .Case([&](LLVM::CondBrOp branch) {
                int64_t edge =
                    addEdge(branch.getTrueDest(), branch.getTrueDestOperands());
                addEdge(branch.getFalseDest(), branch.getFalseDestOperands());
                code.instructions.push_back({Kind::Branch, 0,
                                             registerFor(branch.getCondition()),
                                             0, edge});
                return true;
              })
              .Case([&](LLVM::CallOp call) {
                return call.getCallee() &&
                       addCall(call, call.getCalleeAttr().getAttr(),
                               call.getCalleeOperands());
              })
              .Case([&](LLVM::MemcpyOp copy) {
                return addCall(copy, {}, copy->getOperands());
              })
              .Case([&](LLVM::ReturnOp op) { return add(Kind::Return, op); })
              .Default(false);
      if (!isKnown) {
        error = ("'" + op.getName().getStringRef() + "' in '" +
                 function.getSymName() + "'")
                    .str();
        return std::nullopt;
      }
    }
  }
  for (auto [edge, block] : targets)
    code.edges[edge].target = startOf.lookup(block);
  return code;
}

/// Whether a block returns its argument at once.
static bool isReturnOf(Block *block) {
  auto ret = dyn_cast<LLVM::ReturnOp>(block->front());
  return ret && block->getNumArguments() == 1 &&
         ret.getArg() == block->getArgument(0);
}

/// Whether control leaves the function with the result of `call` if that is not
/// 0: `icmp eq` with 0, and a branch on it at the end of the block.
static bool endsFunction(LLVM::CallOp call) {
  auto branch = dyn_cast<LLVM::CondBrOp>(call->getBlock()->getTerminator());
  auto isOk = branch ? branch.getCondition().getDefiningOp<LLVM::ICmpOp>()
                     : LLVM::ICmpOp();
  if (!isOk || isOk.getPredicate() != LLVM::ICmpPredicate::eq ||
      isOk.getLhs() != call.getResult())
    return false;
  auto zero = isOk.getRhs().getDefiningOp<LLVM::ConstantOp>();
  auto number = zero ? dyn_cast<IntegerAttr>(zero.getValue()) : IntegerAttr();
  return number && number.getValue().isZero() &&
         branch.getFalseDestOperands().size() == 1 &&
         branch.getFalseDestOperands().front() == call.getResult() &&
         isReturnOf(branch.getFalseDest());
}

std::optional<std::string> pp::findLostStatus(LLVM::LLVMFuncOp function) {
  std::optional<std::string> found;
  function.walk([&](LLVM::CallOp call) {
    if (call.getNumResults() == 1 && call.getResult().getType().isInteger(32) &&
        !endsFunction(call) && !found)
      found = call.getCallee().value_or("").str();
  });
  return found;
}

//===----------------------------------------------------------------------===//
// Executing
//===----------------------------------------------------------------------===//

/// Instructions between two calls, at most: calls make up nearly all of what is
/// executed, and a loop without one never ends.
static constexpr unsigned kMostInstructions = 1 << 20;

Execution::Execution(const NativeCode &code, TableState &tables,
                     ArrayRef<int64_t> arguments)
    : code(code), tables(tables), registers(code.registers) {
  for (unsigned i = 0; i < code.arguments && i < arguments.size(); ++i)
    registers[i] = arguments[i];
}

void Execution::follow(unsigned number) {
  const NativeCode::Edge &edge = code.edges[number];
  moved.clear();
  for (auto [to, from] : edge.moves)
    moved.push_back(registers[from]);
  for (auto [move, value] : llvm::zip(edge.moves, moved))
    registers[move.first] = value;
  next = edge.target;
}

Execution::Stop Execution::run() {
  using Kind = NativeCode::Kind;
  for (unsigned count = 0; count != kMostInstructions; ++count) {
    const NativeCode::Instruction &now = code.instructions[next++];
    uint64_t a = registers[now.a], b = registers[now.b];
    int64_t &result = registers[now.result];
    switch (now.kind) {
    case Kind::Add:
      result = a + b;
      break;
    case Kind::Mul:
      result = a * b;
      break;
    case Kind::URem:
      if (b == 0) {
        error = "a division by 0";
        return Stop::Fault;
      }
      result = a % b;
      break;
    case Kind::Or:
      result = a | b;
      break;
    case Kind::Xor:
      result = a ^ b;
      break;
    case Kind::Shl:
      result = b < 64 ? a << b : 0;
      break;
    case Kind::LShr:
      result = b < 64 ? a >> b : 0;
      break;
    case Kind::Trunc32:
      result = int32_t(uint32_t(a));
      break;
    case Kind::Equal:
      result = a == b;
      break;
    case Kind::Below:
      result = a < b;
      break;
    case Kind::Select:
      result = registers[now.number] ? a : b;
      break;
    case Kind::Element:
      result = a + b * uint64_t(now.number);
      break;
    case Kind::Load:
      if (auto number = tables.read(a)) {
        result = *number;
        break;
      }
      error = "a load from outside of its tables";
      return Stop::Fault;
    case Kind::Branch:
      follow(now.number + (a == 0));
      break;
    case Kind::Jump:
      follow(now.number);
      break;
    case Kind::Call: {
      call = now.number;
      resultOfCall = now.result;
      values.clear();
      for (unsigned operand : code.calls[call].operands)
        values.push_back(registers[operand]);
      result = 0;
      return Stop::Call;
    }
    case Kind::Return:
      returned = a;
      return Stop::Return;
    }
  }
  error = "a loop without a call that does not end";
  return Stop::Fault;
}
