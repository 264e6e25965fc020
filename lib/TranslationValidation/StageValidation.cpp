//===- StageValidation.cpp - Native stages against stage functions --------===//
//
// A native stage function is executed once, with a table that gives each entry
// a region of memory of its own. Which entry an argument has is not known here:
// the first call that takes the argument shows it, and all later ones must
// agree. Memory is symbolic: a layer reads what its operands in the stage
// function are, or the code is wrong.
//
//===----------------------------------------------------------------------===//

#include "StageValidation.h"

#include "SymbolicMemory.h"

#include "pp/Dialect/NN/IR/NNOps.h"
#include "pp/Dialect/PP/IR/PPOps.h"
#include "pp/Dialect/PP/Memory/Buffers.h"
#include "pp/Interfaces/ElementBytes.h"

#include "mlir/IR/Matchers.h"
#include "llvm/ADT/Twine.h"

using namespace mlir;
using namespace pp;

ModuleFunctions::ModuleFunctions(ModuleOp module) {
  for (Operation &op : *module.getBody()) {
    if (auto function = dyn_cast<func::FuncOp>(op))
      planned[function.getSymName()] = function;
    else if (auto function = dyn_cast<LLVM::LLVMFuncOp>(op))
      native[function.getSymName()] = function;
  }
}

uint64_t pp::countBytes(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  uint64_t bytes = getElementBytes(tensor.getElementType());
  for (int64_t size : tensor.getShape())
    bytes *= size;
  return bytes;
}

namespace {

class StageValidation {
  /// What the native function is given. Regions are far apart.
  static constexpr int64_t kRegion = int64_t(1) << 40;
  static constexpr int64_t kArena = int64_t(1) << 52;
  static constexpr int64_t kWorkspace = int64_t(1) << 53;
  static constexpr int64_t kData = int64_t(1) << 54;
  static constexpr int64_t kEntries = int64_t(1) << 59;
  /// Arguments before data: context, arena, table, workspace, key.
  static constexpr unsigned kFirstData = 5;

public:
  static constexpr int64_t kKey = 0x00005eed12345678;

  StageValidation(func::FuncOp stage, LLVM::LLVMFuncOp native, int64_t key,
                  const GlobalTables &given, const ModuleFunctions &functions,
                  Disagreement &disagreement)
      : stage(stage), native(native), key(key), tables(given),
        functions(functions), disagreement(disagreement) {}

  bool run() {
    auto type = native.getFunctionType();
    if (type.getNumParams() < kFirstData)
      return fail(stage,
                  "a native function of " + Twine(type.getNumParams()) +
                      " arguments",
                  "context, arena, table, workspace, key and data");
    interface.dataPointers = type.getNumParams() - kFirstData;
    interface.argumentEntry.assign(stage.getNumArguments(), -1);
    interface.dataPosition.assign(stage.getNumArguments(), -1);
    interface.resultEntry.assign(stage.getNumResults(), -1);
    // As many entries as a table can need; more are not read in a right one.
    std::vector<int64_t> entries;
    for (size_t i = 0; i != stage.getNumArguments() + stage.getNumResults();
         ++i)
      entries.push_back(kEntries + int64_t(i) * kRegion - kArena);
    // It begins with the flag for emulated computations, which is 0.
    context = tables.add({0});
    SmallVector<int64_t> arguments = {
        context, kArena, tables.add(std::move(entries)), kWorkspace, key};
    for (unsigned i = 0; i != interface.dataPointers; ++i)
      arguments.push_back(kData + i * kRegion);

    std::string error;
    std::optional<NativeCode> code =
        NativeCode::read(native, tables.getGlobals(), error);
    if (!code)
      return fail(stage, error, "numbers, branches and calls only");
    execution.emplace(*code, tables, arguments);
    for (Operation &op : stage.getBody().front()) {
      bool agrees = true;
      if (auto call = dyn_cast<func::CallOp>(op))
        agrees = checkCall(call);
      else if (auto ret = dyn_cast<func::ReturnOp>(op))
        agrees = checkReturn(ret);
      else
        addScalar(&op);
      if (!agrees)
        return false;
    }
    return true;
  }

  StageInterface interface;

private:
  bool fail(Operation *op, const Twine &found, const Twine &expected) {
    disagreement = {op, ("found " + found + " in the native code '" +
                         native.getSymName() + "', expected " + expected)
                            .str()};
    return false;
  }

  uint64_t idOf(Value value) {
    return ids.try_emplace(value, ids.size() + 1).first->second;
  }

  /// The next call; `false` if there is none.
  bool next(Operation *op, const Twine &expected) {
    switch (execution->run()) {
    case Execution::Stop::Call:
      return true;
    case Execution::Stop::Return:
      return fail(op, "the end", expected);
    case Execution::Stop::Fault:
      return fail(op, execution->error, expected);
    }
    llvm_unreachable("unknown stop");
  }

  /// Whether the call's first operand is the context.
  bool hasContext() {
    ArrayRef<int64_t> operands = execution->operands();
    return !operands.empty() && operands.front() == context;
  }

  /// The next call, of `name`.
  bool expect(Operation *op, StringRef name, size_t operands) {
    if (!next(op, "a call of '" + name + "'"))
      return false;
    StringAttr callee = execution->callee();
    if (!callee || callee.getValue() != name)
      return fail(op,
                  callee ? "a call of '" + callee.getValue() + "'"
                         : Twine("a copy of memory"),
                  "a call of '" + name + "'");
    if (execution->operands().size() != operands)
      return fail(op,
                  "a call of '" + name + "' with " +
                      Twine(execution->operands().size()) + " operands",
                  Twine(operands));
    return true;
  }

  //===--------------------------------------------------------------------===//
  // Values
  //===--------------------------------------------------------------------===//

  /// What a scalar is worth, of what a stage may compute of its key.
  void addScalar(Operation *op) {
    IntegerAttr number;
    if (matchPattern(op, m_Constant(&number))) {
      scalars[op->getResult(0)] = number.getValue().getSExtValue();
      return;
    }
    auto mix = dyn_cast<nn::MixKeyOp>(op);
    if (!mix)
      return; // a tensor constant
    const uint64_t key = valueOf(mix.getKey());
    if (functions.onDevice) {
      // The address of the key, and the number to mix in above it.
      scalars[mix.getResult()] = key | uint64_t(mix.getSalt() + 1) << 48;
      return;
    }
    // SplitMix64, as nn.mix_key says; 0 stays 0.
    if (key == 0) {
      scalars[mix.getResult()] = 0;
      return;
    }
    uint64_t z = key + (uint64_t(mix.getSalt()) + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    scalars[mix.getResult()] = z ^ z >> 31;
  }

  uint64_t valueOf(Value scalar) {
    if (isa<BlockArgument>(scalar))
      return key;
    return scalars.lookup(scalar);
  }

  /// The entry of the table whose region begins at an address; -1 if none does.
  int64_t entryAt(int64_t address) {
    int64_t entry = (address - kEntries) / kRegion;
    bool isEntry =
        address >= kEntries && (address - kEntries) % kRegion == 0 &&
        entry < int64_t(stage.getNumArguments() + stage.getNumResults());
    return isEntry ? entry : -1;
  }

  bool isWorkspace(int64_t address, uint64_t bytes) const {
    auto size = stage->getAttrOfType<IntegerAttr>(attr::kWorkspace);
    return address >= kWorkspace &&
           uint64_t(address - kWorkspace) + bytes <= uint64_t(size.getInt());
  }

  /// Whether `address` is where `value` lies as an operand of `op`.
  bool checkOperand(Operation *op, Value value, int64_t address,
                    const Twine &what) {
    if (!isa<RankedTensorType>(value.getType())) {
      if (uint64_t(address) == valueOf(value))
        return true;
      return fail(op, Twine(address) + " as " + what, Twine(valueOf(value)));
    }
    if (auto argument = dyn_cast<BlockArgument>(value);
        argument && !written.contains(value))
      return checkArgument(op, argument, address, what);
    DenseElementsAttr constant;
    if (matchPattern(value, m_Constant(&constant))) {
      if (handles.count(address))
        address = handles.lookup(address);
      LLVM::GlobalOp global = tables.getGlobals().globalAt(address);
      auto content =
          global ? dyn_cast_or_null<DenseElementsAttr>(global.getValueOrNull())
                 : DenseElementsAttr();
      if (content && content.getElementType() == constant.getElementType() &&
          content ==
              constant.reshape(RankedTensorType::get(
                  {constant.getNumElements()}, constant.getElementType())))
        return true;
      return fail(op, "other memory as " + what, "the constant");
    }
    if (memory.find(address, countBytes(value.getType()), idOf(value)))
      return true;
    return fail(op, "memory that does not hold the value as " + what,
                "where it was written");
  }

  bool checkArgument(Operation *op, BlockArgument argument, int64_t address,
                     const Twine &what) {
    unsigned number = argument.getArgNumber();
    bool isData = stage.getArgAttr(number, attr::kData) != nullptr;
    int64_t found =
        isData ? (address - kData) % kRegion == 0 && address >= kData &&
                         (address - kData) / kRegion < interface.dataPointers
                     ? (address - kData) / kRegion
                     : -1
               : entryAt(address);
    if (found < 0)
      return fail(op, "another address as " + what,
                  "that of argument " + Twine(number));
    int64_t &known = isData ? interface.dataPosition[number]
                            : interface.argumentEntry[number];
    auto &owners = isData ? dataOwners : entryOwners;
    auto [owner, isNew] = owners.try_emplace(found, number);
    if (known == found && !isNew)
      return true;
    if (known >= 0 || !isNew || (!isData && writtenEntries.contains(found)))
      return fail(op, "the place of another value as " + what,
                  "that of argument " + Twine(number));
    known = found;
    return true;
  }

  //===--------------------------------------------------------------------===//
  // Calls
  //===--------------------------------------------------------------------===//

  /// Calls for the device's copies of constants that come before `op`'s own.
  bool takeConstants(Operation *op) {
    while (execution->callee() &&
           execution->callee().getValue() == "pprt_gpu_constant") {
      if (execution->operands().size() != 3 || !hasContext())
        return fail(op, "a constant without a size",
                    "context, address and bytes");
      int64_t handle = kData - (int64_t(handles.size()) + 1) * kRegion;
      handles[handle] = execution->operands()[1];
      LLVM::GlobalOp global =
          tables.getGlobals().globalAt(execution->operands()[1]);
      auto content =
          global ? dyn_cast_or_null<DenseElementsAttr>(global.getValueOrNull())
                 : DenseElementsAttr();
      if (!content ||
          countBytes(content.getType()) != uint64_t(execution->operands()[2]))
        return fail(op, "a constant of other bytes", "all bytes of a global");
      execution->answer(handle);
      if (!next(op, "a call behind that of a constant"))
        return false;
    }
    return true;
  }

  bool checkCall(func::CallOp call) {
    auto callee = functions.planned.lookup(call.getCallee());
    if (!callee)
      return fail(call, "no function '" + call.getCallee() + "'",
                  "a layer function");
    if (!next(call, "a call of '" + call.getCallee() + "'") ||
        !takeConstants(call))
      return false;
    if (!execution->callee() ||
        execution->callee().getValue() != call.getCallee())
      return fail(call,
                  execution->callee()
                      ? "a call of '" + execution->callee().getValue() + "'"
                      : Twine("a copy of memory"),
                  "a call of '" + call.getCallee() + "'");
    SmallVector<unsigned> fresh; // results that are not an operand updated
    for (unsigned i = 0; i != call.getNumResults(); ++i)
      if (!callee.getResultAttr(i, attr::kAccumulates))
        fresh.push_back(i);
    ArrayRef<int64_t> operands = execution->operands();
    if (operands.size() != call.getNumOperands() + fresh.size() + 2)
      return fail(call, Twine(operands.size()) + " operands",
                  Twine(call.getNumOperands() + fresh.size() + 2));
    if (!hasContext())
      return fail(call, "another context of a layer", "the stage's");
    operands = operands.drop_front();

    // Operands, workspace and results are memory of their own each.
    memory.beginCall();
    for (auto [i, operand] : llvm::enumerate(call.getOperands()))
      if (!checkOperand(call, operand, operands[i], "operand " + Twine(i)))
        return false;
    auto workspace = callee->getAttrOfType<IntegerAttr>(attr::kWorkspace);
    if (workspace && workspace.getInt() > 0) {
      if (!isWorkspace(operands.back(), workspace.getInt()) ||
          operands.back() % memory::kAlignment)
        return fail(call, "a workspace outside of the stage's",
                    Twine(workspace.getInt()) + " aligned bytes of it");
      auto planned = call->getAttrOfType<IntegerAttr>(attr::kWorkspaceOffset);
      if (!planned || operands.back() != kWorkspace + planned.getInt())
        return fail(call,
                    "a workspace at " + Twine(operands.back() - kWorkspace),
                    "its place in pp.workspace_offset");
      memory.clobber(operands.back(), workspace.getInt());
    } else if (operands.back() != kWorkspace) {
      return fail(call, "a workspace that nothing needs", "the stage's");
    }
    ArrayRef<int64_t> targets = operands.drop_front(call.getNumOperands());
    for (auto [i, number] : llvm::enumerate(fresh))
      if (!isPlanned(call, number, targets[i]) ||
          !writeResult(call, call.getResult(number), targets[i]))
        return false;
    if (memory.hasOverlap())
      return fail(call, "operands, workspace and results that overlap",
                  "memory of its own for each");
    for (unsigned i = 0; i != call.getNumResults(); ++i)
      if (auto accumulator =
              callee.getResultAttrOfType<IntegerAttr>(i, attr::kAccumulates)) {
        int64_t address = operands[accumulator.getInt()];
        memory.write(address, countBytes(call.getResult(i).getType()),
                     idOf(call.getResult(i)));
        written.insert(call.getOperand(accumulator.getInt()));
      }
    if (call->hasAttr(attr::kPart))
      return expect(call, "pprt_mark", 1) &&
             (hasContext() ||
              fail(call, "another context of a mark", "the stage's"));
    return true;
  }

  /// Whether a result in the workspace lies where pp.offsets says.
  bool isPlanned(func::CallOp call, unsigned result, int64_t address) {
    if (entryAt(address) >= 0)
      return true;
    auto offsets = call->getAttrOfType<DenseI64ArrayAttr>(attr::kOffsets);
    if (offsets && result < offsets.size() && offsets[result] >= 0 &&
        address == kWorkspace + offsets[result])
      return true;
    return fail(call,
                "result " + Twine(result) + " at " +
                    Twine(address - kWorkspace) + " of the workspace",
                "its place in pp.offsets");
  }

  /// A result goes into the stage's workspace, or to where the stage returns
  /// it.
  bool writeResult(Operation *op, Value value, int64_t address) {
    uint64_t bytes = countBytes(value.getType());
    int64_t entry = entryAt(address);
    if (entry < 0 && !isWorkspace(address, bytes))
      return fail(op, "a result outside of workspace and table",
                  "its place in either");
    if (entry >= 0 && entryOwners.count(entry))
      return fail(op,
                  "a result on argument " + Twine(entryOwners.lookup(entry)),
                  "a place of its own");
    if (entry < 0 && address % memory::kAlignment)
      return fail(op, "a result that is not aligned",
                  "a multiple of " + Twine(memory::kAlignment));
    if (entry >= 0)
      writtenEntries.insert(entry);
    memory.write(address, bytes, idOf(value));
    return true;
  }

  /// Copies of what no call has put in place come first; then each result is
  /// where some entry says.
  bool checkReturn(func::ReturnOp op) {
    SmallVector<std::pair<int64_t, uint64_t>> copies; // entry, value
    for (;;) {
      Execution::Stop stop = execution->run();
      if (stop == Execution::Stop::Return)
        break;
      if (stop == Execution::Stop::Fault)
        return fail(op, execution->error, "copies of results, or the end");
      if (!takeConstants(op))
        return false;
      StringAttr callee = execution->callee();
      if ((callee && callee.getValue() != "pprt_gpu_copy") ||
          (callee && !hasContext()) ||
          execution->operands().size() < (callee ? 4 : 3))
        return fail(op, "a call of '" + (callee ? callee.getValue() : "") + "'",
                    "copies of results, or the end");
      ArrayRef<int64_t> operands =
          execution->operands().drop_front(callee ? 1 : 0);
      int64_t target = operands[0], source = operands[1];
      uint64_t bytes = operands[2];
      Value copied = returnedFrom(op, source, bytes);
      if (!copied)
        return fail(op, "a copy of what is not returned", "a returned value");
      if (!writeResult(op, copied, target))
        return false;
    }
    // Equal results are told apart by their order.
    for (auto [number, value] : llvm::enumerate(op.getOperands())) {
      if (auto accumulator = stage.getResultAttrOfType<IntegerAttr>(
              number, attr::kAccumulates)) {
        int64_t entry = interface.argumentEntry[accumulator.getInt()];
        if (entry < 0 || !memory.find(kEntries + entry * kRegion,
                                      countBytes(value.getType()), idOf(value)))
          return fail(op, "result " + Twine(number) + " elsewhere",
                      "it in its accumulator, argument " +
                          Twine(accumulator.getInt()));
        continue;
      }
      int64_t entry = -1;
      for (int64_t candidate : writtenEntries)
        if ((entry < 0 || candidate < entry) &&
            memory.find(kEntries + candidate * kRegion,
                        countBytes(value.getType()), idOf(value)))
          entry = candidate;
      if (entry < 0)
        return fail(op, "no entry that holds result " + Twine(number),
                    "one that its caller finds it by");
      writtenEntries.erase(entry);
      interface.resultEntry[number] = entry;
    }
    if (!writtenEntries.empty())
      return fail(op, "a write that no result explains",
                  "writes to results only");
    return true;
  }

  /// The returned value that lies at an address.
  Value returnedFrom(func::ReturnOp op, int64_t address, uint64_t bytes) {
    Disagreement before = disagreement;
    for (Value value : op.getOperands())
      if (countBytes(value.getType()) == bytes &&
          checkOperand(op, value, address, "a copy"))
        return value;
    disagreement = before;
    return {};
  }

  func::FuncOp stage;
  LLVM::LLVMFuncOp native;
  const int64_t key; ///< that the stage is given
  TableState tables;
  int64_t context = 0; ///< the address that stands for the context
  const ModuleFunctions &functions;
  Disagreement &disagreement;
  std::optional<Execution> execution;
  SymbolicMemory memory;
  DenseMap<Value, uint64_t> ids, scalars;
  DenseMap<int64_t, unsigned> entryOwners, dataOwners; ///< arguments
  DenseMap<int64_t, int64_t> handles; ///< of constants on the device
  llvm::DenseSet<int64_t> writtenEntries;
  llvm::DenseSet<Value> written; ///< accumulators that were updated
};

} // namespace

std::optional<StageInterface>
pp::validateStage(func::FuncOp stage, LLVM::LLVMFuncOp native,
                  const GlobalTables &tables, const ModuleFunctions &functions,
                  Disagreement &disagreement) {
  if (!stage->getAttrOfType<IntegerAttr>(attr::kWorkspace)) {
    disagreement = {stage, "found no pp.workspace, expected the bytes of the "
                           "stage's workspace; run pp-plan-memory"};
    return std::nullopt;
  }
  StageValidation validation(stage, native, StageValidation::kKey, tables,
                             functions, disagreement);
  if (!validation.run())
    return std::nullopt;
  // The one key of which nothing is random.
  const bool takesKey =
      llvm::any_of(llvm::seq(stage.getNumArguments()), [&](unsigned i) {
        return stage.getArgAttr(i, attr::kKey) != nullptr;
      });
  if (takesKey && !StageValidation(stage, native, /*key=*/0, tables, functions,
                                   disagreement)
                       .run())
    return std::nullopt;
  return std::move(validation.interface);
}
