//===- DescribedModule.cpp - What the runtime is told of a module ---------===//

#include "DescribedModule.h"

using namespace mlir;
using namespace pp;
namespace json = llvm::json;

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
