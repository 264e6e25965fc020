//===- ProgramValidation.cpp - Step functions against programs ------------===//
//
// Ops of the program and calls of the step function are taken in turn. Memory
// is symbolic: an action leaves its results under their names and
// micro-batches, a later one must find its operands so, and the memory plan
// must agree with where they are. What a transfer has in hand is known by the
// number of the write that put it there: none may come before the wait.
//
//===----------------------------------------------------------------------===//

#include "ProgramValidation.h"

#include "CollectiveChecks.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace pp;
namespace json = llvm::json;

namespace {
class ProgramValidation : CollectiveChecks {
public:
  ProgramValidation(ProgramOp program, const DescribedModule &described,
                    const GlobalTables &given, const ModuleFunctions &functions,
                    Disagreement &disagreement)
      : CollectiveChecks(program, described, given, functions, disagreement) {}

  bool run() {
    current = program;
    auto step =
        functions.native.lookup(("pp.step." + program.getSymName()).str());
    if (!step)
      return fail("no step function", "one of the program's name");
    std::string error;
    std::optional<NativeCode> code =
        NativeCode::read(step, tables.getGlobals(), error);
    if (!code)
      return fail(error, "numbers, tables, branches and calls only");
    if (auto callee = findLostStatus(step))
      return fail("a call of '" + *callee + "' whose status is lost",
                  "the end of the step where it is not 0");
    if (!readDescription())
      return false;
    execution.emplace(*code, tables, ArrayRef<int64_t>{kContext, kArena});

    SmallVector<Operation *> body;
    BeginLoopOp loop;
    for (Operation &op : program.getBody().front()) {
      if (auto begin = dyn_cast<BeginLoopOp>(op)) {
        loop = begin;
      } else if (isa<EndLoopOp>(op)) {
        for (int64_t round = 0; round != int64_t(loop.getRounds()); ++round)
          for (Operation *each : body)
            if (!check(each, round * int64_t(loop.getStep())))
              return false;
        body.clear();
        loop = {};
      } else if (loop) {
        body.push_back(&op);
      } else if (!check(&op, 0)) {
        return false;
      }
    }
    return true;
  }

private:
  //===--------------------------------------------------------------------===//
  // Before the step
  //===--------------------------------------------------------------------===//

  /// Actions, requests, and where parameters and states lie.
  bool readDescription() {
    const json::Object *own = described.program(program.getPipe());
    if (!own)
      return fail("no program of this pipe coordinate in the description",
                  "one");
    arenaBytes = own->getInteger("arena_bytes").value_or(-1);
    requests.resize(own->getInteger("requests").value_or(0));
    auto report = program->getAttrOfType<DictionaryAttr>(attr::kMemory);
    auto planned = report ? report.getAs<IntegerAttr>("arena") : IntegerAttr();
    if (!planned || planned.getInt() != arenaBytes)
      return fail("an arena of " + Twine(arenaBytes) +
                      " bytes in the description",
                  "that of the memory plan");
    actions.emplace(own->getArray("actions"));
    if (program.isEvaluation()) {
      // Numbered behind those of the step.
      firstAction = actions->size();
      const json::Object *evaluation = own->getObject("evaluation");
      actions.emplace(evaluation ? evaluation->getArray("actions") : nullptr);
    }
    const json::Array *list = own->getArray("parameters");
    if (!list)
      return fail("no parameters of this program in the description", "them");
    DenseMap<int64_t, const json::Object *> byIndex;
    for (const json::Value &entry : *list)
      if (const json::Object *object = entry.getAsObject())
        byIndex[object->getInteger("index").value_or(-1)] = object;
    for (auto [name, offset] : plan.ofParameters()) {
      ParameterOp parameter = described.parameterOps.lookup(name);
      if (!parameter)
        continue; // no name of a parameter
      auto found = byIndex.find(described.parameters.lookup(name));
      if (found == byIndex.end() ||
          found->second->getInteger("offset") != std::optional(offset))
        return fail("another place of '" + name + "' in the description",
                    "that of the memory plan");
      int64_t address = kArena + offset;
      uint64_t bytes = countBytes(parameter.getLocalType());
      if (!isInArena(address, bytes))
        return false;
      memory.write(address, bytes, contentBetweenSteps(name));
      parameterAt[name] = address;
    }
    std::pair<std::string, std::string> problem;
    auto states = described.readStates(*own, plan, arenaBytes, problem);
    if (!states)
      return fail(problem.first, problem.second);
    for (const DescribedState &state : *states) {
      auto &ofParameter = stateAt[state.parameter];
      ofParameter.push_back(state);
      memory.write(kArena + state.offset, state.bytes,
                   contents.ofState(state.parameter, ofParameter.size()));
    }
    // Parameters and states that overlap have dropped one another.
    return holdParameters();
  }

  /// Whether all parameters lie in their places, as far as a step leaves them.
  /// An evaluation leaves whole those of which it has gathered the pieces: the
  /// own one is among them.
  bool holdParameters() {
    for (const auto &named : parameterAt) {
      StringRef name = named.getKey();
      const uint64_t bytes =
          countBytes(described.parameterOps.lookup(name).getLocalType());
      if (program.isEvaluation() &&
          memory.find(named.second, bytes, contents.ofParameter(name)))
        continue;
      if (!holds(named.second, bytes, contentBetweenSteps(name), name))
        return false;
    }
    return true;
  }

  //===--------------------------------------------------------------------===//
  // Ops
  //===--------------------------------------------------------------------===//

  bool check(Operation *op, int64_t microbatches) {
    current = op;
    shift = microbatches;
    return llvm::TypeSwitch<Operation *, bool>(op)
        .Case<RunOp, LossOp, LossWeightOp, ISendOp, IRecvOp, WaitOp, WaitSendOp,
              ZeroGradientOp, ReduceGradientsOp, GradNormOp, UpdateOp,
              CopyGradientOp, StoreParameterOp, ReturnOp>(
            [&](auto op) { return checkOp(op); })
        .Case<StartOp, FinishOp, StorePieceOp>(
            [&](auto op) { return CollectiveChecks::checkOp(op); })
        .Case([&](AllReduceReportOp op) {
          return expect("pprt_all_reduce_report",
                        {{"context", kContext}, {"workspace", std::nullopt}}) &&
                 takesWorkspace(op, operands[1],
                                described.functions->conclude());
        })
        .Case<LoadGradientOp, LoadParameterOp, LoadPieceOp>(
            [](auto) { return true; })
        .Default([&](Operation *op) {
          return fail("an op '" + op->getName().getStringRef() + "'",
                      "an op of rank programs");
        });
  }

  /// Executes what comes before a stage's call: places that are written into
  /// its table, its key and its data.
  bool reachStage() {
    for (;;) {
      if (!next("a call of the stage's native function"))
        return false;
      StringAttr callee = execution->callee();
      if (!callee)
        return fail("a copy of memory", "a call of a stage");
      StringRef name = callee.getValue();
      if (name == "pprt_place" && operands.size() == 3) {
        TableState::Entries shape = tables.entriesAt(operands[1]);
        auto count = shape[0];
        for (int64_t i = 0; count && i < *count; ++i) {
          auto entry = shape[1 + 2 * i], distance = shape[2 + 2 * i];
          if (!entry || !distance ||
              !tables.write(operands[0] + 8 * *entry, operands[2] + *distance))
            return fail("a place outside of its table", "one in it");
        }
        if (!count || *count < 1)
          return fail("no places to write", "one or more");
      } else if (name == "pprt_key" && operands.size() == 2) {
        if (operands[0] != kContext)
          return fail("another context of a key", "the step's");
        execution->answer(kKeys + operands[1]); // of this micro-batch
      } else if (name == "pprt_data" && operands.size() == 3) {
        if (operands[0] != kContext)
          return fail("another context of data", "the step's");
        execution->answer(kDataPointers + (operands[1] << 32) + operands[2]);
      } else {
        auto native = functions.native.lookup(name);
        if (native && !native.isExternal())
          return true;
        return fail(nameOfCall(), "a call of a stage's native function");
      }
    }
  }

  bool checkOp(RunOp run) {
    int64_t microbatch = int64_t(run.getMicrobatch()) + shift;
    return action(stringifyActionKind(run.getKind()), run.getStage(),
                  microbatch, -1, run.getCallee(),
                  [&] { return checkStage(run, microbatch); });
  }

  /// What `run` reads and writes by calling `native`; null, and a disagreement,
  /// if that cannot be.
  const StageAccesses *accessesOf(RunOp run, StringAttr native) {
    std::unique_ptr<StageAccesses> &known = stages[run];
    if (known && known->native == native)
      return known.get();
    auto callee = functions.planned.lookup(run.getCallee());
    if (!callee) {
      fail("no stage function '" + run.getCallee() + "'", "one");
      return nullptr;
    }
    auto [it, isNew] =
        interfaces.try_emplace({callee.getSymNameAttr(), native});
    if (isNew) {
      auto found = validateStage(callee, functions.native.lookup(native),
                                 tables.getGlobals(), functions, disagreement);
      if (!found)
        return nullptr;
      it->second = std::make_unique<StageInterface>(std::move(*found));
    }
    std::string error;
    auto accesses = StageAccesses::collect(run, callee, *it->second, described,
                                           plan, contents, error);
    if (!accesses) {
      fail(error, "what its stage function says");
      return nullptr;
    }
    accesses->native = native;
    known = std::make_unique<StageAccesses>(std::move(*accesses));
    return known.get();
  }

  bool checkStage(RunOp run, int64_t microbatch) {
    if (!reachStage())
      return false;
    const StageAccesses *stage = accessesOf(run, execution->callee());
    if (!stage)
      return false;
    if (operands.size() != 5 + stage->dataPointers || operands[0] != kContext ||
        operands[1] != kArena)
      return fail("other operands of the stage",
                  "context, arena, table, workspace, key and data");
    // Those behind the context.
    ArrayRef<int64_t> operands = this->operands.drop_front();
    if (operands[3] != (stage->hasKey ? kKeys + microbatch : 0))
      return fail("another key",
                  stage->hasKey ? "that of micro-batch " + Twine(microbatch)
                                : Twine("0, for nothing needs it"));
    for (auto [position, input] : stage->data)
      if (operands[4 + position] != kDataPointers + (input << 32) + microbatch)
        return fail("other data as operand " + Twine(4 + position),
                    "input " + Twine(input) + " of micro-batch " +
                        Twine(microbatch));

    // Operands, workspace and results are memory of their own each.
    TableState::Entries table = tables.entriesAt(operands[1]);
    auto addressOf = [&](const StageAccesses::Access &access) {
      auto offset = table[access.entry];
      return offset ? kArena + *offset : -1;
    };
    auto contentOf = [&](const StageAccesses::Access &access) {
      return access.ofMicrobatch ? access.content | uint64_t(microbatch)
                                 : access.content;
    };
    memory.beginCall();
    for (const StageAccesses::Access &read : stage->reads) {
      int64_t address = addressOf(read);
      if (!isPlanned(address, read.place.at(microbatch), read.name) ||
          !holds(address, read.bytes, contentOf(read), read.name))
        return false;
    }
    if (stage->workspaceBytes > 0) {
      if (!isInArena(operands[2], stage->workspaceBytes) ||
          !isPlanned(operands[2], stage->workspace.at(microbatch),
                     "the workspace"))
        return false;
      memory.clobber(operands[2], stage->workspaceBytes);
    } else if (operands[2] != kArena) {
      return fail("a workspace that nothing needs", "the arena");
    }
    for (const StageAccesses::Access &write : stage->writes) {
      int64_t address = addressOf(write);
      if (!isInArena(address, write.bytes) ||
          !isPlanned(address, write.place.at(microbatch), write.name))
        return false;
      memory.write(address, write.bytes, contentOf(write));
    }
    if (memory.hasOverlap())
      return fail("operands, workspace and results that overlap",
                  "memory of its own for each");
    for (unsigned i : stage->accumulators) {
      const StageAccesses::Access &sum = stage->reads[i];
      memory.write(addressOf(sum), sum.bytes, sum.content);
    }
    return true;
  }

  template <typename OpT> bool checkReport(OpT op, StringRef function) {
    int64_t microbatch = int64_t(op.getMicrobatch()) + shift;
    return expect(function, {{"context", kContext},
                             {"micro-batch", microbatch},
                             {"value", std::nullopt}}) &&
           holdsValue(operands[2], op.getValue(), microbatch);
  }
  bool checkOp(LossOp loss) { return checkReport(loss, "pprt_loss"); }
  bool checkOp(LossWeightOp weight) {
    return checkReport(weight, "pprt_loss_weight");
  }

  //===--------------------------------------------------------------------===//
  // Transfers
  //===--------------------------------------------------------------------===//

  struct Request {
    Operation *transfer = nullptr; ///< null: free
    std::optional<int64_t> microbatch;
    int64_t address = 0;
    uint64_t bytes = 0, content = 0, serial = 0;
  };

  template <typename OpT>
  bool checkTransfer(OpT op, StringRef kind, StringRef function, Type type,
                     llvm::function_ref<bool(Request &)> start) {
    auto microbatch = ofRound(op.getMicrobatch());
    ChannelOp channel = described.channelOps.lookup(op.getChannel());
    if (!channel)
      return fail("no channel '" + op.getChannel() + "'", "one");
    bool isSend = std::is_same_v<OpT, ISendOp>;
    return action(
        kind, -1, microbatch.value_or(-1),
        isSend ? channel.getDestination() : channel.getSource(), op.getValue(),
        [&] {
          uint64_t bytes = countBytes(type);
          auto piece =
              isSend ? op.getBuffer().template getDefiningOp<LoadPieceOp>()
                     : LoadPieceOp();
          if (piece && !expectPiece(piece.getParameter(), type))
            return false;
          if (!expect(function,
                      {{"context", kContext},
                       {"channel", described.channels.lookup(op.getChannel())},
                       {"tag", int64_t(op.getTag()) + shift},
                       {"buffer", std::nullopt},
                       {"bytes", int64_t(bytes)},
                       {"request", std::nullopt}}))
            return false;
          int64_t number = operands[5];
          if (number < 0 || number >= int64_t(requests.size()))
            return fail("request " + Twine(number),
                        "one of " + Twine(requests.size()));
          Request &request = requests[number];
          if (request.transfer)
            return fail("a request that is in use", "a free one");
          request = {op, microbatch, operands[3], bytes};
          return start(request);
        });
  }

  bool checkOp(ISendOp send) {
    return checkTransfer(
        send, "send", "pprt_isend", send.getBuffer().getType(),
        [&](Request &request) {
          if (auto piece = send.getBuffer().getDefiningOp<LoadPieceOp>())
            return holdPiece(piece.getParameter(), request);
          request.content = contents.of(send.getBuffer(), request.microbatch);
          auto serial =
              memory.find(request.address, request.bytes, request.content);
          if (serial)
            request.serial = *serial;
          return holdsValue(request.address, send.getBuffer(),
                            request.microbatch);
        });
  }

  /// What is sent lies somewhere in the parameter, which must not change.
  bool holdPiece(StringRef parameter, Request &request) {
    if (request.address != pieceAt(parameter))
      return fail("another buffer", "the piece of '" + parameter + "'");
    request.address = parameterAt.lookup(parameter);
    request.bytes =
        countBytes(described.parameterOps.lookup(parameter).getLocalType());
    for (uint64_t content :
         {contents.ofParameter(parameter), contents.ofPieces(parameter)})
      if (auto serial = memory.find(request.address, request.bytes, content)) {
        request.content = content;
        request.serial = *serial;
      }
    return true;
  }

  bool checkOp(IRecvOp receive) {
    return checkTransfer(
        receive, "recv", "pprt_irecv", receive.getBuffer().getType(),
        [&](Request &request) {
          if (!isInArena(request.address, request.bytes) ||
              !isPlanned(request.address,
                         plan.ofResult(receive, 0,
                                       request.microbatch ? receive.getValue()
                                                          : StringRef())
                             .at(request.microbatch.value_or(0)),
                         "the buffer of a receive"))
            return false;
          request.content = contents.inFlight(&request - requests.data());
          request.serial =
              memory.write(request.address, request.bytes, request.content);
          return true;
        });
  }

  /// Checks a wait for `transfer`, and that its memory was left alone; frees
  /// the request.
  bool checkWait(Operation *transfer, std::optional<uint64_t> ownMicrobatch,
                 std::optional<uint64_t> ofTransfer, Request &done) {
    auto microbatch = ofRound(ownMicrobatch ? ownMicrobatch : ofTransfer);
    if (!expect("pprt_wait",
                {{"context", kContext}, {"request", std::nullopt}}))
      return false;
    int64_t number = operands[1];
    if (number < 0 || number >= int64_t(requests.size()) ||
        !isSameTransfer(requests[number], transfer, microbatch))
      return fail("a wait for request " + Twine(number),
                  "that of the transfer that the op waits for");
    done = requests[number];
    requests[number] = {};
    auto serial = memory.find(done.address, done.bytes, done.content);
    if (!serial || *serial != done.serial)
      return fail("a write to the memory of a transfer before its wait",
                  "none");
    return true;
  }

  /// In a program with loops the token may be that of another op with the same
  /// channel and value.
  static bool isSameTransfer(const Request &request, Operation *transfer,
                             std::optional<int64_t> microbatch) {
    if (!request.transfer ||
        request.transfer->getName() != transfer->getName() ||
        request.microbatch != microbatch)
      return false;
    if (!microbatch)
      return request.transfer == transfer;
    auto key = [](Operation *op) {
      if (auto send = dyn_cast<ISendOp>(op))
        return std::pair(send.getChannel(), send.getValue());
      auto receive = cast<IRecvOp>(op);
      return std::pair(receive.getChannel(), receive.getValue());
    };
    return key(request.transfer) == key(transfer);
  }

  bool checkOp(WaitOp wait) {
    auto receive = wait.getToken().getDefiningOp<IRecvOp>();
    Request done;
    if (!checkWait(receive, wait.getMicrobatch(), receive.getMicrobatch(),
                   done))
      return false;
    memory.write(done.address, done.bytes,
                 contents.of(wait.getResult(), done.microbatch));
    if (!done.microbatch)
      receivedAt[wait.getResult()] = done.address;
    return true;
  }

  bool checkOp(WaitSendOp wait) {
    auto send = wait.getToken().getDefiningOp<ISendOp>();
    Request done;
    return checkWait(send, wait.getMicrobatch(), send.getMicrobatch(), done);
  }

  //===--------------------------------------------------------------------===//
  // Gradients and parameters
  //===--------------------------------------------------------------------===//

  /// Ops that clear side by side may share calls.
  bool checkOp(ZeroGradientOp zero) {
    if (isa_and_nonnull<ZeroGradientOp>(zero->getPrevNode()))
      return true;
    SmallVector<std::tuple<int64_t, ParameterOp, uint64_t>> uncleared;
    for (Operation *op = zero; isa<ZeroGradientOp>(op);
         op = op->getNextNode()) {
      auto each = cast<ZeroGradientOp>(op);
      ParameterOp parameter =
          described.parameterOps.lookup(each.getParameter());
      int64_t offset = plan.ofGradient(each.getParameter(), each.getUse());
      if (!parameter || offset < 0)
        return fail("no place of a gradient in the memory plan", "one");
      uncleared.emplace_back(
          kArena + offset, parameter,
          contents.ofGradient(each.getParameter(), each.getUse()));
    }
    // From the beginning of one to the end of another, with their padding.
    while (!uncleared.empty()) {
      if (!expect("pprt_zero", {{"context", kContext},
                                {"data", std::nullopt},
                                {"bytes", std::nullopt}}))
        return false;
      const int64_t begin = operands[1], length = operands[2];
      if (length <= 0 || !isInArena(begin, length))
        return fail("a cleared range outside of the arena", "accumulators");
      memory.clobber(begin, length);
      int64_t cleared = 0;
      llvm::erase_if(uncleared, [&](auto &each) {
        auto [address, parameter, written] = each;
        const uint64_t bytes = countBytes(parameter.getGradientType());
        const uint64_t size = parameter.getPaddedGradientBytes();
        if (address < begin || address + int64_t(size) > begin + length)
          return false;
        memory.write(address, bytes, written);
        if (size > bytes)
          memory.write(address + bytes, size - bytes, contents.ofPadding());
        cleared += memory::alignUp(size);
        return true;
      });
      if (cleared < length)
        return fail("a cleared range of " + Twine(length) + " bytes",
                    Twine(cleared) + " bytes of accumulators");
    }
    return true;
  }

  bool checkOp(ReduceGradientsOp reduce) {
    return action("reduce", -1, -1, -1, reduce.getParameter(), [&] {
      Value sum = reduce.getGradients().front();
      ParameterOp parameter =
          described.parameterOps.lookup(reduce.getParameter());
      func::FuncOp function = described.functions->forGradient(
          role::kAdd, parameter.getGradientPieceType());
      std::optional<int64_t> target;
      for (Value gradient : reduce.getGradients().drop_front()) {
        if (!expect("pprt_add_gradient",
                    {{"context", kContext},
                     {"parameter",
                      described.parameters.lookup(reduce.getParameter())},
                     {"target", target},
                     {"source", std::nullopt},
                     {"pieces", reduce.getPieces(parameter)},
                     {"workspace", std::nullopt}}) ||
            !takesWorkspace(reduce, operands[5], function))
          return false;
        target = operands[2];
        if (!holdsValue(*target, sum, std::nullopt) ||
            !holdsValue(operands[3], gradient, std::nullopt))
          return false;
        if (*target == operands[3])
          return fail("a gradient that is added to itself", "another one");
      }
      // One gradient alone is its own sum, wherever it lies.
      if (target)
        memory.write(*target, countBytes(sum.getType()),
                     contents.of(reduce.getResult(), std::nullopt));
      else
        sumsAlone[reduce.getResult()] = sum;
      return true;
    });
  }

  /// Checks an operand that may be a sum of one gradient.
  bool holdsGradient(int64_t address, Value gradient) {
    while (Value only = sumsAlone.lookup(gradient))
      gradient = only;
    return holdsValue(address, gradient, std::nullopt);
  }

  /// Checks the workspace of an op that calls one of these functions: what was
  /// in it is gone.
  bool takesWorkspace(Operation *op, int64_t address,
                      ArrayRef<func::FuncOp> called) {
    const int64_t bytes = getMostWorkspace(called);
    if (bytes <= 0)
      return true; // and nothing at the address that the call names
    if (!isInArena(address, bytes) ||
        !isPlanned(address, plan.ofWorkspace(op), "the workspace"))
      return false;
    memory.clobber(address, bytes);
    return true;
  }

  bool checkOp(CopyGradientOp copy) {
    ParameterOp parameter = described.parameterOps.lookup(copy.getParameter());
    const uint64_t bytes = countBytes(copy.getType());
    const uint64_t padded = parameter.getPaddedGradientBytes();
    if (!expectCopy())
      return false;
    const auto [target, source, length] = copied();
    if (length != int64_t(padded))
      return fail("a copy of " + Twine(length) + " bytes", Twine(padded));
    memory.beginCall();
    if (!holdsValue(source, copy.getGradient(), std::nullopt))
      return false;
    if (padded > bytes && !holds(source + int64_t(bytes), padded - bytes,
                                 contents.ofPadding(), "zeros"))
      return false;
    if (!isInArena(target, padded) ||
        !isPlanned(target, plan.ofResult(copy, 0, "").at(0), "a copy"))
      return false;
    memory.write(target, bytes, contents.of(copy.getResult(), std::nullopt));
    if (padded > bytes)
      memory.write(target + int64_t(bytes), padded - bytes,
                   contents.ofPadding());
    return memory.hasOverlap() ? fail("a copy onto itself", "another place")
                               : true;
  }

  bool checkOp(GradNormOp norm) {
    StringRef name = norm.getParameter();
    Value gradient = norm.getGradient();
    func::FuncOp function = described.functions->forNorm(gradient.getType());
    return action("update", -1, -1, -1, name, [&] {
      return expect("pprt_square_norm",
                    {{"context", kContext},
                     {"parameter", described.parameters.lookup(name)},
                     {"gradient", std::nullopt},
                     {"workspace", std::nullopt}}) &&
             takesWorkspace(norm, operands[3], function) &&
             holdsGradient(operands[2], gradient);
    });
  }

  bool checkOp(UpdateOp update) {
    StringRef name = update.getParameter();
    ParameterOp parameter = described.parameterOps.lookup(name);
    auto at = parameterAt.find(name);
    if (!parameter || at == parameterAt.end())
      return fail("no place of '" + name + "' in the description", "it");
    return action("update", -1, -1, -1, name, [&] {
      if (!expect("pprt_update",
                  {{"context", kContext},
                   {"parameter", described.parameters.lookup(name)},
                   {"place", at->second},
                   {"gradient", std::nullopt},
                   {"workspace", std::nullopt}}) ||
          !takesWorkspace(update, operands[4],
                          described.functions->forUpdates(
                              parameter, update.getGradient().getType())))
        return false;
      for (auto [number, state] : llvm::enumerate(stateAt[name]))
        if (!holds(kArena + state.offset, state.bytes,
                   contents.ofState(name, number + 1), name))
          return false;
      const uint64_t bytes = countBytes(parameter.getLocalType());
      if (!holdsGradient(operands[3], update.getGradient()))
        return false;
      // Of one that is cut the own piece suffices, and alone is new.
      const uint64_t content = contentBetweenSteps(name);
      if (!memory.find(at->second, bytes, content) &&
          !holds(at->second, bytes, contents.ofParameter(name), name))
        return false;
      memory.write(at->second, bytes, content);
      return true;
    });
  }

  bool checkOp(StoreParameterOp store) {
    StringRef name = store.getParameter();
    auto at = parameterAt.find(name);
    if (at == parameterAt.end())
      return fail("no place of '" + name + "' in the description", "one");
    uint64_t bytes = countBytes(store.getValue().getType());
    auto received = receivedAt.find(store.getValue());
    // Received in place: nothing is left to do.
    if (received == receivedAt.end() || received->second != at->second) {
      if (!expectCopy())
        return false;
      const auto [target, source, length] = copied();
      if (target != at->second || uint64_t(length) != bytes)
        return fail("a copy to elsewhere", "all of '" + name + "'");
      if (!holdsValue(source, store.getValue(), std::nullopt))
        return false;
    } else if (!holdsValue(at->second, store.getValue(), std::nullopt)) {
      return false;
    }
    memory.write(at->second, bytes, contents.ofParameter(name));
    return true;
  }

  bool checkOp(ReturnOp) {
    if (execution->run() != Execution::Stop::Return)
      return fail(execution->error.empty() ? nameOfCall() : execution->error,
                  "the end");
    if (execution->returned != 0)
      return fail("status " + Twine(execution->returned), "0");
    if (nextAction != actions->size())
      return fail("more actions in the description", Twine(nextAction));
    for (const Request &request : requests)
      if (request.transfer)
        return fail("a transfer that nothing has waited for", "none");
    if (!areCollectivesDone())
      return false;
    // The next step begins as this one did: with the same tables, and with
    // whole parameters.
    if (LLVM::GlobalOp changed = tables.findChanged())
      return fail("a table '" + changed.getSymName() +
                      "' that is read and later changed",
                  "the same numbers for the next step");
    return holdParameters();
  }

  DenseMap<Value, Value> sumsAlone;
  llvm::StringMap<SmallVector<DescribedState>> stateAt; ///< by parameter
  std::vector<Request> requests;
  DenseMap<Operation *, std::unique_ptr<StageAccesses>> stages; ///< by pp.run
  /// By stage function and native function.
  DenseMap<std::pair<StringAttr, StringAttr>, std::unique_ptr<StageInterface>>
      interfaces;
};

} // namespace

bool pp::validateProgram(ProgramOp program, const DescribedModule &described,
                         const GlobalTables &tables,
                         const ModuleFunctions &functions,
                         Disagreement &disagreement) {
  return ProgramValidation(program, described, tables, functions, disagreement)
      .run();
}
