//===- DescribedModule.cpp - What the runtime is told of a module ---------===//

#include "DescribedModule.h"

#include "PlannedPlaces.h"

#include "pp/Dialect/PP/Memory/Buffers.h"

using namespace mlir;
using namespace pp;
namespace json = llvm::json;

/// Whether the runtime calls for each parameter what is made for it.
static bool describesFunctions(ModuleOp module, const json::Object &root,
                               DescribedModule &result) {
  const StepFunctions &functions = *result.functions;
  const json::Array *names = root.getArray("functions");
  const json::Array *parameters = root.getArray("parameters");
  auto isFunction = [&](std::optional<int64_t> index, func::FuncOp function) {
    if (!function)
      return index.value_or(-1) == -1;
    return names && index && *index >= 0 && size_t(*index) < names->size() &&
           (*names)[*index].getAsString() ==
               json::fixUTF8(function.getSymName());
  };
  if (!isFunction(root.getInteger("conclude"), functions.conclude()))
    return false;
  DenseMap<StringAttr, Type> updated;
  for (ProgramOp program : module.getOps<ProgramOp>())
    for (UpdateOp update : program.getOps<UpdateOp>())
      updated[update.getParameterAttr().getAttr()] =
          update.getGradient().getType();
  size_t position = 0;
  for (ParameterOp parameter : module.getOps<ParameterOp>()) {
    const json::Object *entry = (*parameters)[position++].getAsObject();
    const json::Array *updates = entry->getArray("updates");
    Type piece = parameter.getGradientPieceType();
    Type whole = updated.lookup(parameter.getSymNameAttr());
    const bool isCut = parameter.getCut();
    if (isCut)
      result.cutParameters.insert(parameter.getSymName());
    SmallVector<func::FuncOp> expected =
        whole ? functions.forUpdates(parameter, whole)
              : SmallVector<func::FuncOp>();
    if (!isFunction(entry->getInteger("norm"), functions.forNorm(piece)) ||
        !isFunction(entry->getInteger("add"),
                    functions.forGradient(role::kAdd, piece)) ||
        entry->getInteger("piece").value_or(0) !=
            int64_t(parameter.getPiece().value_or(0)) ||
        entry->getBoolean("cut").value_or(false) != isCut || !updates ||
        updates->size() != expected.size())
      return false;
    for (auto [update, function] : llvm::zip(*updates, expected))
      if (!isFunction(update.getAsInteger(), function))
        return false;
  }
  return true;
}

/// Whether states are those of the module, in its order.
static bool describesStates(ModuleOp module, const json::Object &root,
                            DescribedModule &result) {
  const json::Array *list = root.getArray("states");
  for (StateOp state : module.getOps<StateOp>()) {
    const json::Object *entry =
        list && result.states.size() < list->size()
            ? (*list)[result.states.size()].getAsObject()
            : nullptr;
    auto parameter = result.parameters.find(state.getParameter());
    if (!entry || parameter == result.parameters.end() ||
        entry->getInteger("parameter") != parameter->second ||
        entry->getString("kind") != state.getKind())
      return false;
    result.states.push_back(state);
  }
  return list && list->size() == result.states.size();
}

std::optional<DescribedModule>
DescribedModule::read(ModuleOp module, StringRef text,
                      Disagreement &disagreement) {
  DescribedModule result;
  auto fail = [&](const Twine &found, const Twine &expected) {
    disagreement = {
        module,
        ("found " + found + " in the description, expected " + expected).str()};
    return std::nullopt;
  };
  llvm::Expected<json::Value> parsed = json::parse(text);
  if (!parsed) {
    llvm::consumeError(parsed.takeError());
    return fail("text that is no JSON", "one JSON object");
  }
  result.root = std::move(*parsed);
  const json::Object *root = result.root.getAsObject();
  auto number = [&](StringRef key, llvm::StringMap<int64_t> &positions) {
    const json::Array *list = root ? root->getArray(key) : nullptr;
    if (!list)
      return false;
    for (const json::Value &entry : *list)
      if (const json::Object *object = entry.getAsObject())
        if (auto name = object->getString("name"))
          positions.try_emplace(*name, positions.size());
    return positions.size() == list->size();
  };
  if (!number("inputs", result.inputs) ||
      !number("parameters", result.parameters))
    return fail("no inputs and parameters by name", "them");
  const json::Array *channels = root->getArray("channels");
  if (!channels)
    return fail("no channels", "them");
  for (ChannelOp channel : module.getOps<ChannelOp>()) {
    size_t position = result.channelOps.size();
    result.channels[channel.getSymName()] = position;
    result.channelOps[channel.getSymName()] = channel;
    const json::Object *entry = position < channels->size()
                                    ? (*channels)[position].getAsObject()
                                    : nullptr;
    if (!entry ||
        entry->getInteger("src") != std::optional(channel.getSource()) ||
        entry->getInteger("dst") != std::optional(channel.getDestination()))
      return fail("another channel " + Twine(position),
                  "that of '" + channel.getSymName() + "'");
  }
  llvm::StringMap<int64_t> positions;
  std::swap(positions, result.parameters);
  for (ParameterOp parameter : module.getOps<ParameterOp>()) {
    auto position = positions.find(json::fixUTF8(parameter.getSymName()));
    if (position == positions.end())
      return fail("no parameter '" + parameter.getSymName() + "'", "it");
    result.parameters[parameter.getSymName()] = position->second;
    result.parameterOps[parameter.getSymName()] = parameter;
  }
  result.functions.emplace(module);
  if (!describesFunctions(module, *root, result))
    return fail("other functions of a parameter or of the step's end",
                "those of the module");
  if (!describesStates(module, *root, result))
    return fail("other states", "those of the module");
  return result;
}

std::optional<std::vector<DescribedState>> DescribedModule::readStates(
    const json::Object &program, const PlannedPlaces &plan, int64_t arenaBytes,
    std::pair<std::string, std::string> &problem) const {
  const int64_t area = program.getInteger("optimizer_offset").value_or(-1);
  const uint64_t size = program.getInteger("optimizer_bytes").value_or(0);
  auto fail = [&](const Twine &found, const Twine &expected) {
    problem = {found.str(), expected.str()};
    return std::nullopt;
  };
  std::vector<DescribedState> result;
  const json::Array *placed = program.getArray("states");
  if (!placed)
    return fail("no states of this program in the description", "them");
  for (const json::Value &entry : *placed) {
    const json::Object *object = entry.getAsObject();
    int64_t index = object ? object->getInteger("index").value_or(-1) : -1;
    if (index < 0 || size_t(index) >= states.size())
      return fail("a place of no state in the description", "one of a state");
    StateOp state = states[index];
    int64_t offset = object->getInteger("offset").value_or(-1);
    FailureOr<uint64_t> bytes = getTensorBytes(state.getType());
    if (offset != plan.ofState(state.getSymName()))
      return fail("another place of '" + state.getSymName() +
                      "' in the description",
                  "that of the memory plan");
    if (failed(bytes) || offset < 0 || uint64_t(offset) + *bytes > size ||
        area < arenaBytes)
      return fail("the state '" + state.getSymName() + "' at " + Twine(offset),
                  "all of it in the area of states");
    result.push_back({state.getParameter(), area + offset, *bytes});
  }
  return result;
}

const json::Object *DescribedModule::program(int64_t rank) const {
  const json::Array *programs = root.getAsObject()->getArray("programs");
  return programs && rank >= 0 && size_t(rank) < programs->size()
             ? (*programs)[rank].getAsObject()
             : nullptr;
}

DescribedActions::DescribedActions(const json::Array *list) {
  if (list)
    add(*list, 0);
}

void DescribedActions::add(const json::Array &list, int64_t grows) {
  for (const json::Value &value : list) {
    const json::Object *entry = value.getAsObject();
    if (!entry)
      continue;
    auto rounds = entry->getInteger("repeat");
    if (!rounds) {
      std::unique_ptr<DescribedAction> &action = known[entry];
      if (!action)
        action.reset(
            new DescribedAction{entry->getString("kind").value_or("").str(),
                                entry->getString("name").value_or("").str(),
                                entry->getInteger("stage").value_or(-1),
                                entry->getInteger("microbatch").value_or(-1),
                                entry->getInteger("peer").value_or(-1)});
      actions.emplace_back(action.get(), grows);
      continue;
    }
    int64_t step = entry->getInteger("step").value_or(0);
    if (const json::Array *body = entry->getArray("actions"))
      for (int64_t round = 0; round < *rounds; ++round)
        add(*body, grows + round * step);
  }
}

bool DescribedActions::matches(size_t index, StringRef kind, StringRef name,
                               int64_t stage, int64_t microbatch,
                               int64_t peer) {
  auto [text, isNew] = names.try_emplace(name);
  if (isNew)
    text->second = json::fixUTF8(name);
  const DescribedAction &action = *actions[index].first;
  int64_t grown = action.microbatch < 0
                      ? action.microbatch
                      : action.microbatch + actions[index].second;
  return action.kind == kind && action.name == text->second &&
         action.stage == stage && grown == microbatch && action.peer == peer;
}
