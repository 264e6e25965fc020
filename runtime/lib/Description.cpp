#include "Description.h"

#include "Error.h"

#include <nlohmann/json.hpp>

#include <algorithm>

using namespace pprt;
using nlohmann::json;

/// The text comes from our own compiler, so that an error in it means that
/// program and runtime do not belong together.
[[noreturn]] static void broken(const std::string &what) {
  throw Error("found a program description " + what +
              ": compile the program again with this version");
}

namespace {
/// An object of the description and the path to it, for errors.
struct Node {
  const json &value;
  std::string path;

  template <typename T> T get(const char *key) const {
    auto it = value.find(key);
    if (it == value.end())
      broken("without '" + path + key + "'");
    try {
      return it->get<T>();
    } catch (const json::exception &) {
      broken("whose '" + path + key + "' is of the wrong type");
    }
  }
  template <typename T> T get(const char *key, T fallback) const {
    auto it = value.find(key);
    return it == value.end() || it->is_null() ? fallback : get<T>(key);
  }
  template <typename F> void forEach(const char *key, F visit) const {
    auto it = value.find(key);
    if (it == value.end() || !it->is_array())
      broken("without the list '" + path + key + "'");
    size_t index = 0;
    for (const json &element : *it)
      visit(Node{element, path + key + "[" + std::to_string(index++) + "]."});
  }
};
} // namespace

static Initializer parseInitializer(const Node &node) {
  Initializer init;
  std::string kind = node.get<std::string>("kind");
  if (kind == "normal") {
    init.kind = Initializer::Normal;
    init.mean = node.get<double>("mean", 0.0);
    init.deviation = node.get<double>("std");
  } else if (kind == "uniform") {
    init.kind = Initializer::Uniform;
    init.low = node.get<double>("low");
    init.high = node.get<double>("high");
  } else if (kind == "constant") {
    init.value = node.get<double>("value");
  } else if (kind == "ones") {
    init.value = 1;
  } else if (kind != "zeros") {
    broken("with the initialiser '" + kind +
           "', expected normal, uniform, constant, zeros or ones");
  }
  return init;
}

static Input parseInput(const Node &node) {
  Input input;
  input.name = node.get<std::string>("name");
  input.isTargets = node.get<std::string>("kind", input.name) == "targets";
  auto shape = node.get<std::vector<int64_t>>("shape");
  if (shape.empty() || shape.size() > 2)
    broken("whose input '" + input.name + "' has " +
           std::to_string(shape.size()) + " dimensions, expected 1 or 2");
  input.length = shape.back();
  input.rows = shape.size() == 2 ? shape[0] : 1;
  if (input.length < 1 || input.rows < 1)
    broken("whose input '" + input.name + "' has an empty shape");
  return input;
}

static Parameter parseParameter(const Node &node) {
  Parameter parameter;
  parameter.name = node.get<std::string>("name");
  parameter.shape = node.get<std::vector<int64_t>>("shape");
  uint64_t elements = 1;
  for (int64_t size : parameter.shape)
    elements *= uint64_t(size);
  parameter.elements = node.get<uint64_t>("elements", elements);
  if (parameter.elements != elements)
    broken("whose parameter '" + parameter.name + "' has " +
           std::to_string(parameter.elements) + " elements and a shape for " +
           std::to_string(elements));
  auto init = node.value.find("init");
  if (init == node.value.end())
    broken("without '" + node.path + "init'");
  parameter.init = parseInitializer({*init, node.path + "init."});
  parameter.decay = node.get<bool>("decay", parameter.shape.size() >= 2);
  parameter.owner = node.get<int>("owner");
  parameter.uses = node.get<int>("uses", 1);
  return parameter;
}

static ActionKind parseKind(const std::string &kind) {
  for (ActionKind candidate :
       {ActionKind::Forward, ActionKind::Backward, ActionKind::BackwardInput,
        ActionKind::BackwardWeight, ActionKind::Send, ActionKind::Receive,
        ActionKind::Reduce, ActionKind::Exchange, ActionKind::Update})
    if (kind == actionKindName(candidate))
      return candidate;
  broken("with an action of kind '" + kind + "'");
}

static Program parseProgram(const Node &node, const Description &all) {
  Program program;
  program.arenaBytes = node.get<uint64_t>("arena_bytes");
  program.optimizerOffset = node.get<uint64_t>("optimizer_offset");
  program.optimizerBytes = node.get<uint64_t>("optimizer_bytes");
  if (program.optimizerOffset < program.arenaBytes ||
      program.optimizerOffset % 64 != 0)
    broken("whose '" + node.path +
           "optimizer_offset' lies in the arena or is "
           "not a multiple of 64");
  auto memory = node.value.find("memory");
  if (memory != node.value.end()) {
    Node plan{*memory, node.path + "memory."};
    program.memory = {plan.get<uint64_t>("parameters", uint64_t(0)),
                      plan.get<uint64_t>("gradients", uint64_t(0)),
                      plan.get<uint64_t>("optimizer", uint64_t(0)),
                      plan.get<uint64_t>("activations", uint64_t(0)),
                      plan.get<uint64_t>("workspace", uint64_t(0)),
                      plan.get<uint64_t>("communication", uint64_t(0))};
  }
  node.forEach("parameters", [&](const Node &held) {
    HeldParameter parameter;
    parameter.index = held.get<int>("index");
    parameter.offset = held.get<uint64_t>("offset");
    parameter.owned = held.get<bool>("owned");
    parameter.mOffset = held.get<uint64_t>("m_offset", uint64_t(0));
    parameter.vOffset = held.get<uint64_t>("v_offset", uint64_t(0));
    if (parameter.index < 0 || size_t(parameter.index) >= all.parameters.size())
      broken("whose '" + held.path + "index' is no parameter");
    uint64_t bytes = all.parameters[parameter.index].elements * sizeof(float);
    if (parameter.offset % 4 != 0 ||
        parameter.offset + bytes > program.arenaBytes)
      broken("whose '" + held.path + "offset' lies outside of the arena");
    if (parameter.owned &&
        std::max(parameter.mOffset, parameter.vOffset) + bytes >
            program.optimizerBytes)
      broken("whose '" + held.path +
             "m_offset' or 'v_offset' lies outside of "
             "the optimizer area");
    program.parameters.push_back(parameter);
  });
  node.forEach("actions", [&](const Node &element) {
    Action action;
    action.kind = parseKind(element.get<std::string>("kind"));
    action.stage = element.get<int>("stage", -1);
    action.microbatch = element.get<int>("microbatch", -1);
    action.peer = element.get<int>("peer", -1);
    action.name = element.get<std::string>("name", "");
    program.actions.push_back(std::move(action));
  });
  program.requests = node.get<int>("requests");
  auto predicted = node.value.find("predicted");
  if (predicted != node.value.end()) {
    Node values{*predicted, node.path + "predicted."};
    program.predictedMakespan = values.get<double>("makespan", 0.0);
    program.predictedBusy = values.get<double>("busy", 0.0);
    program.predictedBubble = values.get<double>("bubble", -1.0);
  }
  return program;
}

/// What one part says about another has to be so.
static void check(const Description &d) {
  auto isRank = [&](int rank) { return rank >= 0 && rank < d.ranks; };
  if (d.ranks < 1 || d.microbatches < 1 || d.batch < 1 || d.sequence < 1)
    broken("with no ranks, micro-batches or tokens");
  if (d.programs.size() != size_t(d.ranks))
    broken("with " + std::to_string(d.programs.size()) + " programs for " +
           std::to_string(d.ranks) + " ranks");
  for (const Input &input : d.inputs)
    if (input.rows != d.batch || input.length != d.sequence)
      broken("whose input '" + input.name + "' is not " +
             std::to_string(d.batch) + " x " + std::to_string(d.sequence));
  for (const Channel &channel : d.channels)
    if (!isRank(channel.source) || !isRank(channel.destination) ||
        channel.source == channel.destination)
      broken("with a channel from rank " + std::to_string(channel.source) +
             " to rank " + std::to_string(channel.destination));
  for (size_t i = 0; i < d.parameters.size(); ++i) {
    int owner = d.parameters[i].owner;
    int owners = 0;
    for (int rank = 0; rank < d.ranks; ++rank)
      for (const HeldParameter &held : d.programs[rank].parameters)
        if (held.index == int(i) && held.owned)
          owners += rank == owner ? 1 : 2;
    if (owners != 1)
      broken("whose parameter '" + d.parameters[i].name +
             "' is not held by its owner alone");
  }
}

Description pprt::parseDescription(const char *text) {
  json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded() || !document.is_object())
    broken("that is not JSON");
  Node root{document, ""};
  if (root.get<int>("format") != 1)
    broken("of format " + std::to_string(root.get<int>("format")) +
           ", expected 1");
  Description d;
  d.name = root.get<std::string>("name");
  d.hash = root.get<std::string>("hash");
  d.schedule = root.get<std::string>("schedule", "");
  d.recompute = root.get<std::string>("recompute", "");
  d.target = root.get<std::string>("target", "cpu");
  if (d.target != "cpu" && d.target != "cuda")
    broken("for the target '" + d.target + "', expected cpu or cuda");
  d.ranks = root.get<int>("ranks");
  d.stages = root.get<int>("stages");
  d.microbatches = root.get<int>("microbatches");
  d.batch = root.get<int64_t>("batch");
  d.sequence = root.get<int64_t>("sequence");
  d.vocabulary = root.get<int64_t>("vocabulary");
  d.targetClasses = root.get<int64_t>("target_classes", d.vocabulary);
  d.ignoredTarget = root.get<int64_t>("ignored_target", -1);
  root.forEach("inputs",
               [&](const Node &node) { d.inputs.push_back(parseInput(node)); });
  root.forEach("parameters", [&](const Node &node) {
    d.parameters.push_back(parseParameter(node));
  });
  root.forEach("channels", [&](const Node &node) {
    d.channels.push_back({node.get<int>("src"), node.get<int>("dst")});
  });
  root.forEach("programs", [&](const Node &node) {
    d.programs.push_back(parseProgram(node, d));
  });
  check(d);
  return d;
}

const char *pprt::actionKindName(ActionKind kind) {
  switch (kind) {
  case ActionKind::Forward:
    return "F";
  case ActionKind::Backward:
    return "B";
  case ActionKind::BackwardInput:
    return "I";
  case ActionKind::BackwardWeight:
    return "W";
  case ActionKind::Send:
    return "send";
  case ActionKind::Receive:
    return "recv";
  case ActionKind::Reduce:
    return "reduce";
  case ActionKind::Exchange:
    return "exchange";
  case ActionKind::Update:
    return "update";
  }
  return "?";
}
