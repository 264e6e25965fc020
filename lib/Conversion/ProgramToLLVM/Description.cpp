//===- Description.cpp - What the runtime must know of a program ----------===//
//
// One JSON object, fixed at compile time and read once at the start. Its field
// names are documented in docs/Runtime.md. `hash` is a digest of all the rest:
// ranks compare it before they talk to each other.
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"

#include "pp/Dialect/Kernel/IR/KernelOps.h"
#include "pp/Dialect/NN/IR/NNOps.h"
#include "pp/Dialect/PP/IR/ConfigAttribute.h"

#include "pp/Interfaces/ElementBytes.h"
#include "pprt_scalars.h"

#include "mlir/IR/Matchers.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace pp;
namespace json = llvm::json;

static json::Array toJSON(ArrayRef<int64_t> values) {
  json::Array array;
  for (int64_t value : values)
    array.push_back(value);
  return array;
}

/// Of attr::kConfig.
static json::Value toJSON(Attribute value) {
  if (auto values = dyn_cast<ArrayAttr>(value)) {
    json::Array array;
    for (Attribute each : values)
      array.push_back(toJSON(each));
    return array;
  }
  if (auto entries = dyn_cast<DictionaryAttr>(value)) {
    json::Object object;
    for (NamedAttribute entry : entries)
      object[json::fixUTF8(entry.getName())] = toJSON(entry.getValue());
    return object;
  }
  if (auto text = dyn_cast<StringAttr>(value))
    return json::fixUTF8(text.getValue());
  if (auto flag = dyn_cast<BoolAttr>(value))
    return flag.getValue();
  if (auto number = dyn_cast<IntegerAttr>(value))
    return number.getInt();
  if (auto number = dyn_cast<FloatAttr>(value))
    return number.getValueAsDouble();
  return nullptr;
}

/// The smallest i32 that is too large as a token where no layer says less.
static constexpr int64_t kNoBound = 2147483647;

/// Inputs, and what follows from their shapes and bounds.
static LogicalResult addInputs(ModuleOp module, json::Object &root) {
  json::Array inputs;
  Type first;
  for (InputOp input : module.getOps<InputOp>()) {
    auto type = dyn_cast<RankedTensorType>(input.getType());
    if (!type || !type.getElementType().isInteger(32) || type.getRank() < 1 ||
        type.getRank() > 2)
      return input.emitOpError("found type ")
             << input.getType()
             << ", expected tensor<BxTxi32> or tensor<Txi32>: the data of a "
                "program are rows of tokens";
    // A program that fed tokens to another name would train without a word.
    if (!llvm::is_contained({"tokens", "targets", "documents"},
                            input.getSymName()))
      return input.emitOpError("found data '")
             << input.getSymName()
             << "', expected 'tokens', 'targets' or 'documents': set pp.data "
                "to one of them";
    if (first && first != type)
      return input.emitOpError("found type ")
             << type << ", expected " << first
             << ", that of the other input: targets are the tokens shifted by "
                "one; slice them in the layer";
    first = type;
    inputs.push_back(json::Object{{"name", input.getSymName()},
                                  {"kind", input.getSymName()},
                                  {"shape", toJSON(type.getShape())},
                                  {"type", "i32"}});
    if (inputs.size() == 1) {
      root["batch"] = type.getRank() == 2 ? type.getDimSize(0) : 1;
      root["sequence"] = type.getShape().back();
    }
    auto bound = input->getAttrOfType<IntegerAttr>(attr::kBound);
    if (input.getSymName() == "targets") {
      root["target_classes"] = bound ? bound.getInt() : kNoBound;
      if (auto ignored = input->getAttrOfType<IntegerAttr>(attr::kIgnored))
        root["ignored_target"] = ignored.getInt();
    } else if (input.getSymName() == "tokens") {
      root["vocabulary"] = bound ? bound.getInt() : kNoBound;
    }
  }
  if (inputs.empty())
    return module.emitError("found no pp.input, expected at least the tokens");
  if (!root.get("vocabulary"))
    root["vocabulary"] = kNoBound;
  root["inputs"] = std::move(inputs);
  return success();
}

static FailureOr<json::Object> describeInit(Operation *op, Attribute init) {
  auto initializer = dyn_cast<nn::InitializerAttrInterface>(init);
  if (!initializer)
    return op->emitOpError("found initialiser ")
           << init
           << ", expected one of #nn.normal, #nn.uniform, #nn.constant, "
              "#nn.zeros, #nn.ones";
  json::Object result{{"kind", initializer.getKind()}};
  for (auto [key, value] : initializer.getNumbers())
    result[key] = value;
  return result;
}

/// Optimizers, states, and the functions that the runtime calls, by their
/// positions in its table.
static LogicalResult addStates(ModuleOp module, const SymbolIndices &indices,
                               const StepFunctions &functions,
                               json::Object &root) {
  json::Array optimizers, states, names;
  for (auto optimizer : module.getOps<OptimizerOp>()) {
    json::Array kinds;
    for (auto kind : optimizer.getStates().getAsRange<StringAttr>())
      kinds.push_back(kind.getValue());
    optimizers.push_back(json::Object{{"name", optimizer.getName()},
                                      {"states", std::move(kinds)}});
  }
  for (auto state : module.getOps<StateOp>()) {
    json::Object described{
        {"name", json::fixUTF8(state.getSymName())},
        {"kind", state.getKind()},
        {"parameter",
         indices.lookup<ParameterOp>(state.getParameterAttr().getAttr())},
        {"type", "f32"}};
    if (state.getInit()) {
      FailureOr<json::Object> init = describeInit(state, *state.getInit());
      if (failed(init))
        return failure();
      described["init"] = std::move(*init);
    }
    states.push_back(std::move(described));
  }
  for (func::FuncOp function : functions.getAll())
    names.push_back(json::fixUTF8(function.getSymName()));
  root["optimizers"] = std::move(optimizers);
  root["states"] = std::move(states);
  root["functions"] = std::move(names);
  root["conclude"] = functions.indexOf(functions.conclude());
  if (hasLossWeights(module))
    root["loss_weights"] = true;
  root["scalars"] = int64_t(PPRT_NUM_SCALARS);
  return success();
}

static LogicalResult addParameters(ModuleOp module,
                                   SymbolTableCollection &symbols,
                                   const StepFunctions &functions,
                                   json::Object &root) {
  DenseMap<StringAttr, int64_t> uses;
  DenseMap<StringAttr, UpdateOp> owner; // by the update
  for (ProgramOp program : module.getOps<ProgramOp>())
    for (UpdateOp update : program.getOps<UpdateOp>())
      owner[update.getParameterAttr().getAttr()] = update;
  auto pipeOf = [](UpdateOp update) {
    return int64_t(update->getParentOfType<ProgramOp>().getPipe());
  };
  // Uses are numbered over the model; each has an accumulator in a function.
  for (func::FuncOp stage : getStageFunctions(module, symbols))
    for (unsigned i = 0; i < stage.getNumArguments(); ++i)
      if (auto name = stage.getArgAttrOfType<StringAttr>(i, attr::kGrad)) {
        auto use = stage.getArgAttrOfType<IntegerAttr>(i, attr::kUse);
        int64_t &count = uses[name];
        count = std::max(count, use.getInt() + 1);
      }

  json::Array parameters;
  for (ParameterOp parameter : module.getOps<ParameterOp>()) {
    StringAttr name = parameter.getSymNameAttr();
    auto type = cast<RankedTensorType>(parameter.getType());
    FailureOr<json::Object> init = describeInit(parameter, parameter.getInit());
    if (failed(init))
      return failure();
    json::Array updates;
    auto it = owner.find(name);
    if (it != owner.end())
      for (func::FuncOp function :
           functions.forUpdates(parameter, it->second.getGradient().getType()))
        updates.push_back(functions.indexOf(function));
    Type piece = parameter.getGradientPieceType();
    if (it == owner.end())
      return parameter.emitOpError("found no program that updates it, expected "
                                   "one; a parameter must take part in the "
                                   "loss, remove it or use it");
    parameters.push_back(json::Object{
        {"name", json::fixUTF8(name)},
        {"shape", toJSON(type.getShape())},
        {"elements", type.getNumElements()},
        {"type", parameter.hasMaster() ? "bf16" : "f32"},
        {"init", std::move(*init)},
        {"owner", pipeOf(it->second)},
        {"uses", uses.lookup(name)},
        {"norm", functions.indexOf(functions.forNorm(piece))},
        {"add", functions.indexOf(functions.forGradient(role::kAdd, piece))},
        {"updates", std::move(updates)}});
    if (ShardingAttr sharding = parameter.getShardingAttr()) {
      json::Array dims;
      for (ArrayAttr axes : sharding.getDims()) {
        json::Array names;
        for (StringRef axis : axes.getAsValueRange<StringAttr>())
          names.push_back(axis);
        dims.push_back(std::move(names));
      }
      json::Object &entry = *parameters.back().getAsObject();
      entry["sharding"] = std::move(dims);
      if (llvm::any_of(sharding.getBlocks(),
                       [](int64_t blocks) { return blocks != 1; }))
        entry["blocks"] = toJSON(sharding.getBlocks());
      if (llvm::is_contained(sharding.getPadded(), true)) {
        json::Array padded;
        for (bool isPadded : sharding.getPadded())
          padded.push_back(isPadded);
        entry["padded"] = std::move(padded);
      }
    }
    if (parameter.getPiece()) {
      json::Object &entry = *parameters.back().getAsObject();
      entry["piece"] = int64_t(*parameter.getPiece());
      entry["cut"] = parameter.getCut();
    }
  }
  root["parameters"] = std::move(parameters);
  return success();
}

static json::Object describe(const TracedAction &action) {
  json::Object entry{{"kind", action.kind},
                     {"name", json::fixUTF8(action.name)}};
  if (action.stage >= 0)
    entry["stage"] = action.stage;
  if (action.microbatch >= 0)
    entry["microbatch"] = action.microbatch;
  if (action.peer >= 0)
    entry["peer"] = action.peer;
  return entry;
}

static json::Array describeActions(const LoweredProgram &lowered) {
  json::Array actions;
  size_t next = 0;
  auto append = [&](json::Array &target, size_t end) {
    for (; next != end; ++next)
      target.push_back(describe(lowered.actions[next]));
  };
  for (const ActionLoop &loop : lowered.loops) {
    append(actions, loop.begin);
    if (loop.begin == loop.end)
      continue;
    json::Array body;
    append(body, loop.end);
    actions.push_back(json::Object{{"repeat", loop.rounds},
                                   {"step", loop.step},
                                   {"actions", std::move(body)}});
  }
  append(actions, lowered.actions.size());
  return actions;
}

static json::Array describeCollectives(const LoweredProgram &lowered) {
  json::Array all;
  for (StartOp start : lowered.collectives) {
    Type element =
        cast<RankedTensorType>(start.getOperand().getType()).getElementType();
    const bool isSum = start.isSum();
    json::Array axes;
    for (auto axis : start.getAxes().getAsValueRange<StringAttr>())
      axes.push_back(axis);
    all.push_back(json::Object{
        {"name", json::fixUTF8(start.getValue())},
        {"kind", stringifyCollectiveKind(start.getKind())},
        {"axes", std::move(axes)},
        {"type", isSum ? element.isF64() ? "f64" : "f32" : "bytes"},
        {"elements", start.getPartElements() *
                         (isSum ? 1 : int64_t(getElementBytes(element)))}});
  }
  return all;
}

/// Those of layers, by the numbers that their calls have.
static json::Array describeLayerCollectives(ModuleOp module) {
  json::Array all;
  for (ModuleOp layers : module.getOps<ModuleOp>()) {
    auto known = layers->getAttrOfType<ArrayAttr>(kernel::kCollectives);
    if (!known)
      continue;
    for (auto each : known.getAsRange<DictionaryAttr>()) {
      json::Object described{{"name", "layers"}};
      for (NamedAttribute entry : each) {
        json::Value &value = described[entry.getName().getValue()];
        if (auto text = dyn_cast<StringAttr>(entry.getValue()))
          value = text.getValue();
        else if (auto number = dyn_cast<IntegerAttr>(entry.getValue()))
          value = number.getInt();
        else if (auto names = dyn_cast<ArrayAttr>(entry.getValue())) {
          json::Array axes;
          for (StringRef axis : names.getAsValueRange<StringAttr>())
            axes.push_back(axis);
          value = std::move(axes);
        }
      }
      all.push_back(std::move(described));
    }
  }
  return all;
}

/// The symbols of kind OpT that a program has places of, in the module's order.
template <typename OpT>
static SmallVector<std::pair<int64_t, NamedAttribute>>
inOrder(DictionaryAttr places, const SymbolIndices &indices) {
  SmallVector<std::pair<int64_t, NamedAttribute>> result;
  for (NamedAttribute place : places)
    if (int64_t index = indices.lookup<OpT>(place.getName()); index >= 0)
      result.emplace_back(index, place);
  llvm::sort(result, llvm::less_first());
  return result;
}

/// What an evaluation does, and how much of the arena it needs.
static json::Object describeEvaluation(const LoweredProgram &lowered) {
  ProgramOp program = lowered.program;
  auto report = program->getAttrOfType<DictionaryAttr>(attr::kMemory);
  auto needed = report ? report.getAs<IntegerAttr>("needed") : IntegerAttr();
  return json::Object{{"bytes", needed ? needed.getInt() : 0},
                      {"actions", describeActions(lowered)}};
}

static json::Object describe(const SymbolIndices &indices,
                             const LoweredProgram &lowered) {
  ProgramOp program = lowered.program;
  // Without parameters there need be no offsets.
  auto dictionary = [&](StringRef name) {
    auto value = program->getAttrOfType<DictionaryAttr>(name);
    return value ? value : DictionaryAttr::get(program.getContext());
  };
  DictionaryAttr report = dictionary(attr::kMemory);
  auto bytes = [&](StringRef key) {
    auto number = report.getAs<IntegerAttr>(key);
    return number ? number.getInt() : 0;
  };
  json::Object memory;
  for (StringRef key : {"parameters", "gradients", "optimizer", "activations",
                        "workspace", "communication", "lower_bound"})
    memory[key] = bytes(key);

  DictionaryAttr offsets = dictionary(attr::kParameters);
  DictionaryAttr placed = dictionary(attr::kStates);
  DenseSet<StringAttr> owned;
  for (UpdateOp update : program.getOps<UpdateOp>())
    owned.insert(update.getParameterAttr().getAttr());
  json::Array parameters;
  for (auto [index, place] : inOrder<ParameterOp>(offsets, indices))
    parameters.push_back(
        json::Object{{"index", index},
                     {"offset", cast<IntegerAttr>(place.getValue()).getInt()},
                     {"owned", owned.contains(place.getName())}});
  json::Array states;
  for (auto [index, place] : inOrder<StateOp>(placed, indices))
    states.push_back(
        json::Object{{"index", index},
                     {"offset", cast<IntegerAttr>(place.getValue()).getInt()}});

  json::Object result{{"arena_bytes", bytes("arena")},
                      {"optimizer_offset", bytes("arena")},
                      {"optimizer_bytes", bytes("optimizer")},
                      {"memory", std::move(memory)},
                      {"parameters", std::move(parameters)},
                      {"states", std::move(states)},
                      {"actions", describeActions(lowered)},
                      {"requests", lowered.requests},
                      {"collectives", describeCollectives(lowered)}};
  if (auto predicted =
          program->getAttrOfType<DictionaryAttr>(attr::kPredicted)) {
    json::Object times;
    for (NamedAttribute entry : predicted)
      times[entry.getName().getValue()] =
          cast<FloatAttr>(entry.getValue()).getValueAsDouble();
    result["predicted"] = std::move(times);
  }
  return result;
}

/// What the applies of the model are, and what the marks of each stage function
/// (pprt_mark) end in turn.
static void addLayers(ModuleOp module, SymbolTableCollection &symbols,
                      json::Object &root) {
  json::Array layers;
  if (auto known = module->getAttrOfType<ArrayAttr>(attr::kLayers))
    for (auto each : known.getAsRange<DictionaryAttr>()) {
      json::Object layer;
      for (NamedAttribute entry : each) {
        StringRef key = entry.getName().getValue();
        if (auto text = dyn_cast<StringAttr>(entry.getValue()))
          layer[key] = json::fixUTF8(text.getValue());
        else if (auto number = dyn_cast<IntegerAttr>(entry.getValue()))
          layer[key] = number.getInt();
      }
      layers.push_back(std::move(layer));
    }
  root["layers"] = std::move(layers);

  json::Array parts;
  for (StageOp stage : module.getOps<StageOp>()) {
    json::Object ofStage{{"stage", int64_t(stage.getIndex())}};
    for (ActionKind kind :
         {ActionKind::F, ActionKind::B, ActionKind::I, ActionKind::W}) {
      FlatSymbolRefAttr name = stage.getFunctionFor(kind);
      if (!name)
        continue;
      auto function =
          symbols.lookupNearestSymbolFrom<func::FuncOp>(stage, name);
      json::Array calls;
      function.walk([&](func::CallOp call) {
        if (auto part = call->getAttrOfType<StringAttr>(attr::kPart))
          calls.push_back(part.getValue());
      });
      ofStage[stringifyActionKind(kind)] = std::move(calls);
    }
    parts.push_back(std::move(ofStage));
  }
  root["parts"] = std::move(parts);
}

/// The collectives that code of a layer comes to, by their numbers.
static SmallVector<int64_t> collectivesOf(Operation *layer) {
  SmallVector<int64_t> numbers;
  layer->walk([&](LLVM::CallOp call) {
    APInt number;
    if (call.getCallee() && kernel::beginsCollective(*call.getCallee()) &&
        matchPattern(call.getArgOperands()[1], m_ConstantInt(&number)))
      numbers.push_back(number.getSExtValue());
  });
  return numbers;
}

/// The collectives of the layers of each stage function in the order in which
/// it comes to them: what is left of its communication where nothing computes.
static json::Array describeStageCollectives(ModuleOp module,
                                            SymbolTableCollection &symbols) {
  llvm::StringMap<SmallVector<int64_t>> ofLayers;
  for (ModuleOp layers : module.getOps<ModuleOp>())
    for (auto layer : layers.getOps<LLVM::LLVMFuncOp>())
      ofLayers[layer.getSymName()] = collectivesOf(layer);
  json::Array all;
  for (StageOp stage : module.getOps<StageOp>()) {
    json::Object ofStage{{"stage", int64_t(stage.getIndex())}};
    for (ActionKind kind :
         {ActionKind::F, ActionKind::B, ActionKind::I, ActionKind::W}) {
      FlatSymbolRefAttr name = stage.getFunctionFor(kind);
      if (!name)
        continue;
      json::Array numbers;
      symbols.lookupNearestSymbolFrom<func::FuncOp>(stage, name)
          .walk([&](func::CallOp call) {
            for (int64_t number : ofLayers.lookup(call.getCallee()))
              numbers.push_back(number);
          });
      if (!numbers.empty())
        ofStage[stringifyActionKind(kind)] = std::move(numbers);
    }
    all.push_back(std::move(ofStage));
  }
  return all;
}

/// The axes of the mesh, the slowest first, where the stages are, and which of
/// them have nothing to compute in I.
static void addSchedule(ModuleOp module, ScheduleOp schedule, size_t programs,
                        json::Object &root) {
  json::Array axes;
  if (auto meshes = module.getOps<MeshOp>(); !meshes.empty()) {
    MeshOp mesh = *meshes.begin();
    for (auto [name, size] : llvm::zip_equal(
             mesh.getAxes().getAsRange<StringAttr>(), mesh.getSizes()))
      axes.push_back(json::Object{{"axis", name.getValue()}, {"size", size}});
    if (mesh.getRanksPerProcess() > 1)
      root["ranks_per_process"] = mesh.getRanksPerProcess();
  } else {
    axes.push_back(json::Object{{"axis", "pipe"}, {"size", int64_t(programs)}});
  }
  root["mesh"] = std::move(axes);
  root["placement"] = toJSON(schedule.getPlacement());
  json::Array empty;
  for (StageOp stage : module.getOps<StageOp>())
    if (!stage.getFunctionFor(ActionKind::I) &&
        stage.getFunctionFor(ActionKind::W))
      empty.push_back(int64_t(stage.getIndex()));
  root["empty_input_gradients"] = std::move(empty);
}

FailureOr<std::string>
pp::describePrograms(ModuleOp module, ArrayRef<LoweredProgram> programs,
                     ArrayRef<LoweredProgram> evaluations,
                     SymbolTableCollection &symbols,
                     const StepFunctions &functions) {
  auto schedules = module.getOps<ScheduleOp>();
  if (schedules.empty()) {
    module.emitError("found no pp.schedule, expected one; run pp-schedule");
    return failure();
  }
  ScheduleOp schedule = *schedules.begin();
  auto text = [&](StringRef attribute, StringRef otherwise) {
    auto value = module->getAttrOfType<StringAttr>(attribute);
    return value ? value.getValue() : otherwise;
  };
  json::Object root{
      {"format", 3},
      {"name", json::fixUTF8(module.getName().value_or("model"))},
      {"stages", int64_t(llvm::range_size(module.getOps<StageOp>()))},
      {"microbatches", schedule.getMicrobatches()},
      {"groups", schedule.getNumGroups()},
      {"schedule", schedule.getName()},
      {"recompute", text(attr::kRecompute, "none")},
      {"target", isForDevice(module) ? "cuda" : "cpu"},
      {"fingerprint", text(attr::kFingerprint, "")},
      {"model_hash", text(attr::kModelHash, "")}};
  if (Attribute config = module->getAttr(attr::kConfig))
    root["config"] = toJSON(config);
  const SymbolIndices indices(module);
  if (failed(addInputs(module, root)) ||
      failed(addParameters(module, symbols, functions, root)) ||
      failed(addStates(module, indices, functions, root)))
    return failure();
  addLayers(module, symbols, root);
  addSchedule(module, schedule, programs.size(), root);
  json::Array channels;
  for (ChannelOp channel : module.getOps<ChannelOp>())
    channels.push_back(json::Object{{"src", channel.getSource()},
                                    {"dst", channel.getDestination()}});
  root["channels"] = std::move(channels);
  if (auto planned = schedule->getAttrOfType<DictionaryAttr>(attr::kTimes)) {
    json::Object times;
    for (NamedAttribute entry : planned) {
      json::Array seconds;
      for (double value :
           cast<DenseF64ArrayAttr>(entry.getValue()).asArrayRef())
        seconds.push_back(value);
      times[entry.getName().getValue()] = std::move(seconds);
    }
    root["times"] = std::move(times);
  }
  if (json::Array collectives = describeLayerCollectives(module);
      !collectives.empty()) {
    root["layer_collectives"] = std::move(collectives);
    root["stage_collectives"] = describeStageCollectives(module, symbols);
  }
  json::Array described;
  for (const LoweredProgram &lowered : programs)
    described.push_back(describe(indices, lowered));
  for (auto [entry, lowered] : llvm::zip(described, evaluations))
    (*entry.getAsObject())["evaluation"] = describeEvaluation(lowered);
  root["programs"] = std::move(described);

  json::Value whole(std::move(root));
  std::string rest;
  llvm::raw_string_ostream(rest) << whole;
  auto digest = llvm::SHA256::hash(llvm::arrayRefFromStringRef(rest));
  (*whole.getAsObject())["hash"] =
      llvm::toHex(ArrayRef(digest).take_front(16), true);
  std::string result;
  llvm::raw_string_ostream(result) << whole;
  return result;
}
