#include "Description.h"

#include "Error.h"
#include "pprt_scalars.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

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
  const std::string kind = node.get<std::string>("kind", input.name);
  if (kind == "targets")
    input.kind = Input::Targets;
  else if (kind == "documents")
    input.kind = Input::Documents;
  else if (kind != "tokens")
    broken("whose input '" + input.name + "' has the kind '" + kind +
           "', expected tokens, targets or documents");
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

/// The parts of a parameter over the mesh, each dimension into equal ones.
static void parseSharding(const Node &node, const Mesh &mesh,
                          Parameter &parameter) {
  if (!node.value.contains("sharding"))
    return;
  parameter.sharding =
      node.get<std::vector<std::vector<std::string>>>("sharding");
  if (node.value.contains("blocks"))
    parameter.blocks = node.get<std::vector<int64_t>>("blocks");
  if (node.value.contains("padded"))
    parameter.padded = node.get<std::vector<bool>>("padded");
  bool fits = (parameter.padded.empty() ||
               parameter.padded.size() == parameter.shape.size()) &&
              parameter.sharding.size() == parameter.shape.size() &&
              (parameter.blocks.empty() ||
               parameter.blocks.size() == parameter.shape.size());
  parameter.elements = 1;
  for (size_t dim = 0; fits && dim < parameter.shape.size(); ++dim) {
    int64_t parts = 1;
    for (const std::string &axis : parameter.sharding[dim])
      parts *= mesh.sizeOf(axis);
    const int64_t blocks = parameter.blocks.empty() ? 1 : parameter.blocks[dim];
    const int64_t size = parameter.shape[dim];
    fits &=
        blocks > 0 &&
        (size % (blocks * parts) == 0 ||
         (blocks == 1 && !parameter.padded.empty() && parameter.padded[dim]));
    parameter.elements *= uint64_t((size + parts - 1) / parts);
  }
  if (!fits)
    broken("whose parameter '" + parameter.name +
           "' has a sharding that does not fit its shape");
}

static Parameter parseParameter(const Node &node, const Mesh &mesh) {
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
  parseSharding(node, mesh, parameter);
  std::string type = node.get<std::string>("type", "f32");
  if (type != "f32" && type != "bf16")
    broken("whose parameter '" + parameter.name + "' has the type '" + type +
           "', expected f32 or bf16");
  parameter.isBF16 = type == "bf16";
  auto init = node.value.find("init");
  if (init == node.value.end())
    broken("without '" + node.path + "init'");
  parameter.init = parseInitializer({*init, node.path + "init."});
  parameter.owner = node.get<int>("owner");
  parameter.uses = node.get<int>("uses", 1);
  parameter.piece = node.get<uint64_t>("piece", uint64_t(0));
  parameter.isCut = node.get<bool>("cut", false);
  if (parameter.isCut && parameter.piece == 0)
    broken("whose parameter '" + parameter.name + "' is cut into no pieces");
  parameter.norm = node.get<int>("norm");
  parameter.add = node.get<int>("add");
  parameter.updates = node.get<std::vector<int>>("updates");
  return parameter;
}

static State parseState(const Node &node, const Description &all) {
  State state;
  state.name = node.get<std::string>("name");
  state.kind = node.get<std::string>("kind");
  state.parameter = node.get<int>("parameter");
  if (state.parameter < 0 || size_t(state.parameter) >= all.parameters.size())
    broken("whose '" + node.path + "parameter' is no parameter");
  if (std::string type = node.get<std::string>("type"); type != "f32")
    broken("whose state '" + state.name + "' has the type '" + type +
           "', expected f32");
  if (auto init = node.value.find("init"); init != node.value.end())
    state.init = parseInitializer({*init, node.path + "init."});
  else if (!all.parameters[size_t(state.parameter)].isBF16)
    broken("whose state '" + state.name +
           "' is the master of a parameter that is not bf16");
  return state;
}

static ActionKind parseKind(const std::string &kind) {
  for (ActionKind candidate :
       {ActionKind::Forward, ActionKind::Backward, ActionKind::BackwardInput,
        ActionKind::BackwardWeight, ActionKind::Send, ActionKind::Receive,
        ActionKind::Collective, ActionKind::Reduce, ActionKind::Report,
        ActionKind::Update})
    if (kind == actionKindName(candidate))
      return candidate;
  broken("with an action of kind '" + kind + "'");
}

static Action parseAction(const Node &element) {
  Action action;
  action.kind = parseKind(element.get<std::string>("kind"));
  action.stage = element.get<int>("stage", -1);
  action.microbatch = element.get<int>("microbatch", -1);
  action.peer = element.get<int>("peer", -1);
  action.name = element.get<std::string>("name", "");
  return action;
}

/// The actions of all rounds: in each, micro-batches grow by the step.
static void parseLoop(const Node &loop, std::vector<Action> &actions) {
  int rounds = loop.get<int>("repeat"), step = loop.get<int>("step");
  if (rounds < 1 || rounds > (1 << 24))
    broken("whose '" + loop.path + "repeat' is " + std::to_string(rounds));
  std::vector<Action> body;
  loop.forEach("actions", [&](const Node &element) {
    body.push_back(parseAction(element));
  });
  for (int round = 0; round < rounds; ++round)
    for (Action action : body) {
      if (action.microbatch >= 0)
        action.microbatch += round * step;
      actions.push_back(std::move(action));
    }
}

/// Those of a step or of an evaluation, with all rounds of loops.
static void parseActions(const Node &node, std::vector<Action> &actions) {
  node.forEach("actions", [&](const Node &element) {
    if (element.value.contains("repeat"))
      parseLoop(element, actions);
    else
      actions.push_back(parseAction(element));
  });
}

/// Who owns a parameter has all its states, nobody else has any.
static void checkStates(const Program &program, const Description &all) {
  std::vector<int> missing(all.parameters.size());
  for (const HeldParameter &held : program.parameters)
    if (held.owned)
      for (const State &state : all.states)
        missing[size_t(held.index)] += state.parameter == held.index;
  for (const HeldState &held : program.states)
    --missing[size_t(all.states[size_t(held.index)].parameter)];
  for (size_t i = 0; i < missing.size(); ++i)
    if (missing[i] != 0)
      broken("whose states of parameter '" + all.parameters[i].name +
             "' are not those of its owner");
}

/// Functions, by their positions, are there.
static void checkFunctions(const Description &d) {
  auto isFunction = [&](int index) {
    return index >= 0 && size_t(index) < d.functions.size();
  };
  bool areAll = isFunction(d.conclude);
  for (const Parameter &parameter : d.parameters) {
    areAll &= isFunction(parameter.norm) &&
              (parameter.uses < 2 || isFunction(parameter.add)) &&
              parameter.updates.size() == d.optimizers.size() &&
              std::all_of(parameter.updates.begin(), parameter.updates.end(),
                          isFunction);
  }
  if (!areAll)
    broken("without a function for the norm, the sum or the updates of each "
           "parameter, or for the end of a step");
  if (d.optimizers.empty())
    broken("without an optimizer");
  for (const Optimizer &optimizer : d.optimizers)
    for (const std::string &kind : optimizer.states)
      for (size_t i = 0; i < d.parameters.size(); ++i)
        if (std::none_of(
                d.states.begin(), d.states.end(), [&](const State &state) {
                  return state.parameter == int(i) && state.kind == kind;
                }))
          broken("without the state '" + kind + "' of parameter '" +
                 d.parameters[i].name + "', which " + optimizer.name +
                 " needs");
}

size_t Description::findOptimizer(const std::string &name) const {
  auto found = std::find_if(
      optimizers.begin(), optimizers.end(),
      [&](const Optimizer &optimizer) { return optimizer.name == name; });
  return found == optimizers.end() ? 0 : size_t(found - optimizers.begin());
}

bool Description::uses(const Optimizer &optimizer, const State &state) const {
  return state.isMaster() ||
         std::find(optimizer.states.begin(), optimizer.states.end(),
                   state.kind) != optimizer.states.end();
}

Description::Updated Description::updatedBy(int rank,
                                            const HeldParameter &held) const {
  const Parameter &parameter = parameters[size_t(held.index)];
  const auto [begin, count] =
      parameter.updatedBy(mesh.coordinate(rank, "data"));
  const uint64_t width = sizeof(float);
  return {parameter.isBF16 ? held.masterOffset : held.offset + begin * width,
          count * width, begin};
}

std::vector<HeldState> Description::statesOf(const Program &program,
                                             const Optimizer &optimizer) const {
  std::vector<HeldState> result;
  for (const HeldState &held : program.states) {
    const State &state = states[size_t(held.index)];
    if (!state.isMaster() && uses(optimizer, state))
      result.push_back(held);
  }
  return result;
}

uint64_t Description::stateBytes(const Program &program,
                                 const Optimizer &optimizer) const {
  uint64_t end = program.optimizerOffset;
  for (const HeldState &held : program.states) {
    const State &state = states[size_t(held.index)];
    const uint64_t bytes =
        parameters[size_t(state.parameter)].stateElements() * sizeof(float);
    if (uses(optimizer, state))
      end = std::max(end, held.offset + (bytes + 63) / 64 * 64);
  }
  return end - program.optimizerOffset;
}

std::string ProgramCollective::describe() const {
  std::string text = std::string("the ") + Collective::kindNames[kind] +
                     " of '" + name + "' over ";
  for (const std::string &axis : axes)
    text += (&axis == &axes.front() ? "" : " and ") + axis;
  return text;
}

static ProgramCollective parseCollective(const Node &node,
                                         const Description &all) {
  ProgramCollective collective;
  collective.name = node.get<std::string>("name");
  collective.axes = node.get<std::vector<std::string>>("axes");
  const auto &axes = all.mesh.getAxes();
  for (const std::string &axis : collective.axes)
    if (std::none_of(axes.begin(), axes.end(), [&](const Mesh::Axis &known) {
          return known.name == axis;
        }))
      broken("whose '" + node.path + "axes' names '" + axis +
             "', which is no axis of the mesh");
  const auto kind = node.get<std::string>("kind");
  const auto &names = Collective::kindNames;
  const auto *known = std::find(std::begin(names), std::end(names), kind);
  if (known == std::end(names))
    broken("with a collective of kind '" + kind + "'");
  collective.kind = Collective::Kind(known - names);
  const auto type = node.get<std::string>("type");
  if (type == "f64")
    collective.type = ElementType::F64;
  else if (type == "bytes" && !pprt_is_sum(collective.kind))
    collective.type = ElementType::Bytes;
  else if (type != "f32")
    broken("with a " + kind + " of elements of '" + type + "'");
  collective.elements = node.get<uint64_t>("elements");
  return collective;
}

std::vector<std::vector<std::string>>
pprt::groupsOf(const std::vector<ProgramCollective> &collectives) {
  std::vector<std::vector<std::string>> groups;
  for (const ProgramCollective &each : collectives)
    if (std::find(groups.begin(), groups.end(), each.axes) == groups.end())
      groups.push_back(each.axes);
  return groups;
}

std::vector<std::vector<std::string>> Description::groupsOfPrograms() const {
  std::vector<ProgramCollective> all;
  for (const Program &program : programs)
    all.insert(all.end(), program.collectives.begin(),
               program.collectives.end());
  return groupsOf(all);
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
    if (parameter.index < 0 || size_t(parameter.index) >= all.parameters.size())
      broken("whose '" + held.path + "index' is no parameter");
    const Parameter &described = all.parameters[parameter.index];
    uint64_t bytes = std::max(described.elements,
                              described.piece * uint64_t(all.replicas())) *
                     sizeof(float);
    uint64_t heldBytes = described.isBF16 ? bytes / 2 : bytes;
    if (parameter.offset % 4 != 0 ||
        parameter.offset + heldBytes > program.arenaBytes)
      broken("whose '" + held.path + "offset' lies outside of the arena");
    program.parameters.push_back(parameter);
  });
  node.forEach("states", [&](const Node &held) {
    HeldState state;
    state.index = held.get<int>("index");
    state.offset = held.get<uint64_t>("offset");
    if (state.index < 0 || size_t(state.index) >= all.states.size())
      broken("whose '" + held.path + "index' is no state");
    const State &described = all.states[size_t(state.index)];
    uint64_t bytes =
        all.parameters[size_t(described.parameter)].stateElements() *
        sizeof(float);
    if (state.offset % 64 != 0 || state.offset + bytes > program.optimizerBytes)
      broken("whose '" + held.path + "offset' lies outside of the states");
    state.offset += program.optimizerOffset;
    program.states.push_back(state);
    for (HeldParameter &parameter : program.parameters)
      if (parameter.index == described.parameter && described.isMaster())
        parameter.masterOffset = state.offset;
  });
  parseActions(node, program.actions);
  auto evaluation = node.value.find("evaluation");
  if (evaluation != node.value.end()) {
    Node plan{*evaluation, node.path + "evaluation."};
    program.evaluationBytes = plan.get<uint64_t>("bytes");
    parseActions(plan, program.evaluation);
    if (program.evaluationBytes > program.arenaBytes)
      broken("whose '" + plan.path + "bytes' are more than the arena's");
    if (program.evaluation.empty())
      broken("whose '" + plan.path + "actions' are none");
  }
  program.requests = node.get<int>("requests");
  if (node.value.contains("collectives"))
    node.forEach("collectives", [&](const Node &each) {
      program.collectives.push_back(parseCollective(each, all));
    });
  auto predicted = node.value.find("predicted");
  if (predicted != node.value.end()) {
    Node values{*predicted, node.path + "predicted."};
    program.predictedMakespan = values.get<double>("makespan", 0.0);
    program.predictedBusy = values.get<double>("busy", 0.0);
    program.predictedBubble = values.get<double>("bubble", -1.0);
  }
  return program;
}

static Layer parseLayer(const Node &node) {
  Layer layer;
  layer.name = node.get<std::string>("layer");
  layer.flops = node.get<int64_t>("flops");
  layer.outputBytes = node.get<int64_t>("output_bytes");
  layer.parameterBytes = node.get<int64_t>("parameter_bytes");
  return layer;
}

/// `12F`.
static Part parsePart(const std::string &text, size_t layers) {
  size_t digits = text.find_first_not_of("0123456789");
  if (digits == 0 || digits > 8 || digits + 1 != text.size() ||
      !std::strchr("FRBIW", text[digits]) ||
      size_t(std::atoi(text.c_str())) >= layers)
    broken("with the part '" + text + "' of a stage");
  return {std::atoi(text.c_str()), text[digits]};
}

static void parseParts(const Node &node, Description &d) {
  auto stage = node.get<int64_t>("stage");
  if (stage < 0 || stage >= d.stages)
    broken("whose '" + node.path + "stage' is no stage");
  d.parts.resize(size_t(d.stages));
  for (ActionKind kind :
       {ActionKind::Forward, ActionKind::Backward, ActionKind::BackwardInput,
        ActionKind::BackwardWeight})
    for (const std::string &text : node.get<std::vector<std::string>>(
             actionKindName(kind), std::vector<std::string>()))
      d.parts[size_t(stage)].byKind[size_t(kind)].push_back(
          parsePart(text, d.layers.size()));
}

/// Collectives of layers by the functions of a stage that come to them.
static void parseStageCollectives(const Node &node, Description &d) {
  auto stage = node.get<int64_t>("stage");
  if (stage < 0 || stage >= d.stages)
    broken("whose '" + node.path + "stage' is no stage");
  d.stageCollectives.resize(size_t(d.stages));
  for (ActionKind kind :
       {ActionKind::Forward, ActionKind::Backward, ActionKind::BackwardInput,
        ActionKind::BackwardWeight}) {
    const char *name = actionKindName(kind);
    const auto numbers = node.get<std::vector<int>>(name, std::vector<int>());
    for (int number : numbers)
      if (number < 0 || size_t(number) >= d.layerCollectives.size())
        broken("whose '" + node.path + name + "' has the collective " +
               std::to_string(number) + ", which layers do not have");
    d.stageCollectives[size_t(stage)].byKind[size_t(kind)] = numbers;
  }
}

static StageTimes parseTimes(const Node &node, int stages) {
  auto get = [&](const char *key, size_t least, size_t most) {
    auto times = node.get<std::vector<double>>(key);
    if (times.size() < least || times.size() > most)
      broken("whose '" + node.path + key + "' has " +
             std::to_string(times.size()) + " times for " +
             std::to_string(stages) + " stages");
    for (double time : times)
      if (!(time >= 0 && std::isfinite(time)))
        broken("whose '" + node.path + key + "' is not a list of times");
    return times;
  };
  const size_t count = size_t(stages);
  StageTimes times;
  times.forward = get("forward", count, count);
  times.inputGradient = get("input_gradient", count, count);
  times.weightGradient = get("weight_gradient", count, count);
  times.transfer = get("transfer", 1, std::max<size_t>(count, 2) - 1);
  if (times.transfer.size() != 1 && times.transfer.size() != count - 1)
    broken("whose '" + node.path + "transfer' is not a time for each edge");
  // Programs of one pipeline have no collectives, nor those of whole layers.
  for (auto [key, field] :
       {std::pair{"parameter_gather", &times.parameterGather},
        std::pair{"gradient_reduction", &times.gradientReduction},
        std::pair{"gradient_gather", &times.gradientGather},
        std::pair{"forward_collectives", &times.forwardCollectives},
        std::pair{"input_gradient_collectives", &times.inputCollectives},
        std::pair{"weight_gradient_collectives", &times.weightCollectives}})
    if (node.value.contains(key))
      *field = get(key, count, count);
  return times;
}

static bool isComputation(ActionKind kind) {
  return kind == ActionKind::Forward || kind == ActionKind::Backward ||
         kind == ActionKind::BackwardInput ||
         kind == ActionKind::BackwardWeight;
}

double StageTimes::of(const Action &action) const {
  const size_t stage = size_t(action.stage);
  switch (action.kind) {
  case ActionKind::Forward:
    return forward[stage];
  case ActionKind::Backward:
    return inputGradient[stage] + weightGradient[stage];
  case ActionKind::BackwardInput:
    return inputGradient[stage];
  case ActionKind::BackwardWeight:
    return weightGradient[stage];
  default:
    return 0;
  }
}

double StageTimes::inCollectives(const Action &action) const {
  auto of = [&](const std::vector<double> &seconds) {
    return seconds[seconds.size() == 1 ? 0 : size_t(action.stage)];
  };
  switch (action.kind) {
  case ActionKind::Forward:
    return of(forwardCollectives);
  case ActionKind::Backward:
    return of(inputCollectives) + of(weightCollectives);
  case ActionKind::BackwardInput:
    return of(inputCollectives);
  case ActionKind::BackwardWeight:
    return of(weightCollectives);
  default:
    return 0;
  }
}

const std::vector<int> &Description::collectivesOf(const Action &action) const {
  static const std::vector<int> none;
  return isComputation(action.kind) &&
                 size_t(action.stage) < stageCollectives.size()
             ? stageCollectives[size_t(action.stage)]
                   .byKind[size_t(action.kind)]
             : none;
}

/// What one part says about another has to be so.
static void check(const Description &d) {
  auto isRank = [&](int rank) {
    return rank >= 0 && rank < int(d.programs.size());
  };
  if (d.microbatches < 1 || d.batch < 1 || d.sequence < 1)
    broken("with no micro-batches or tokens");
  if (d.stages < 1)
    broken("with no stages");
  for (size_t rank = 0; rank < d.programs.size(); ++rank) {
    const Program &program = d.programs[rank];
    for (size_t i = 0; i < program.allActions(); ++i) {
      const Action &action = program.actionAt(i);
      if (isComputation(action.kind) &&
          (action.stage < 0 || action.stage >= d.stages ||
           action.microbatch < 0 || action.microbatch >= d.microbatches))
        broken("whose rank " + std::to_string(rank) + " computes stage " +
               std::to_string(action.stage) + " of micro-batch " +
               std::to_string(action.microbatch) +
               ", which the model does not have");
    }
    if (program.evaluation.empty() != d.programs.front().evaluation.empty())
      broken("of which some ranks evaluate and others do not");
  }
  const int pipe = d.mesh.sizeOf("pipe");
  const int groups = d.groups / d.replicas();
  if (groups < 1 || groups * d.replicas() != d.groups ||
      (groups & (groups - 1)) != 0)
    broken("whose 'groups' are not the replicas times a power of two");
  for (const Parameter &parameter : d.parameters)
    if ((d.groups > 1) != (parameter.piece > 0) ||
        (parameter.piece > 0 &&
         (parameter.piece % uint64_t(groups) != 0 ||
          parameter.piece * uint64_t(d.replicas()) < parameter.elements)))
      broken("whose parameter '" + parameter.name +
             "' has pieces that are not those of its groups");
  if (d.programs.size() != size_t(pipe))
    broken("with " + std::to_string(d.programs.size()) + " programs for " +
           std::to_string(pipe) + " coordinates on the axis 'pipe'");
  if (d.placement.size() != size_t(d.stages) ||
      !std::all_of(d.placement.begin(), d.placement.end(), isRank))
    broken("whose 'placement' is not a coordinate on 'pipe' for each of its " +
           std::to_string(d.stages) + " stages");
  for (const Input &input : d.inputs)
    if (input.rows != d.batch || input.length != d.sequence)
      broken("whose input '" + input.name + "' is not " +
             std::to_string(d.batch) + " x " + std::to_string(d.sequence));
  std::set<std::pair<int, int>> edges;
  for (const Channel &channel : d.channels)
    if (!isRank(channel.source) || !isRank(channel.destination) ||
        channel.source == channel.destination ||
        // One channel an edge: a tag means one message between two ranks.
        !edges.emplace(channel.source, channel.destination).second)
      broken("with a channel from rank " + std::to_string(channel.source) +
             " to rank " + std::to_string(channel.destination) +
             ", expected different ranks and one channel an edge");
  for (size_t i = 0; i < d.parameters.size(); ++i) {
    int owner = d.parameters[i].owner;
    int owners = 0;
    for (int rank = 0; rank < pipe; ++rank)
      for (const HeldParameter &held : d.programs[rank].parameters)
        if (held.index == int(i) && held.owned)
          owners += rank == owner ? 1 : 2;
    if (owners != 1)
      broken("whose parameter '" + d.parameters[i].name +
             "' is not held by its owner alone");
  }
  for (const Program &program : d.programs)
    checkStates(program, d);
}

static Mesh parseMesh(const Node &root) {
  std::vector<Mesh::Axis> axes;
  root.forEach("mesh", [&](const Node &node) {
    axes.push_back({node.get<std::string>("axis"), node.get<int>("size")});
  });
  try {
    return Mesh(std::move(axes));
  } catch (const Error &error) {
    broken(std::string("whose 'mesh' is none (") + error.what() + ")");
  }
}

Description pprt::parseDescription(const char *text) {
  json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded() || !document.is_object())
    broken("that is not JSON");
  Node root{document, ""};
  if (root.get<int>("format") != 3)
    broken("of format " + std::to_string(root.get<int>("format")) +
           ", expected 3");
  if (root.get<int>("scalars") != PPRT_NUM_SCALARS)
    broken("whose updates read " + std::to_string(root.get<int>("scalars")) +
           " numbers of a step, expected " + std::to_string(PPRT_NUM_SCALARS));
  Description d;
  d.name = root.get<std::string>("name");
  d.hash = root.get<std::string>("hash");
  d.fingerprint = root.get<std::string>("fingerprint", "");
  d.modelHash = root.get<std::string>("model_hash", "");
  d.schedule = root.get<std::string>("schedule", "");
  d.recompute = root.get<std::string>("recompute", "");
  d.target = root.get<std::string>("target", "cpu");
  if (d.target != "cpu" && d.target != "cuda")
    broken("for the target '" + d.target + "', expected cpu or cuda");
  if (auto config = document.find("config"); config != document.end()) {
    if (!config->is_object())
      broken("whose 'config' is no object");
    d.config = config->dump();
  }
  d.mesh = parseMesh(root);
  d.ranksPerProcess = root.get<int>("ranks_per_process", 1);
  const Mesh::Axis &fastest = d.mesh.getAxes().back();
  if (d.ranksPerProcess < 1 ||
      (fastest.name == "tensor" ? fastest.size : 1) % d.ranksPerProcess != 0)
    broken("with " + std::to_string(d.ranksPerProcess) +
           " ranks a process on a mesh of " + d.mesh.describe());
  d.stages = root.get<int>("stages");
  d.placement = root.get<std::vector<int>>("placement");
  d.microbatches = root.get<int>("microbatches");
  d.groups = root.get<int>("groups", 1);
  d.batch = root.get<int64_t>("batch");
  d.sequence = root.get<int64_t>("sequence");
  d.vocabulary = root.get<int64_t>("vocabulary");
  d.targetClasses = root.get<int64_t>("target_classes", d.vocabulary);
  if (document.contains("ignored_target"))
    d.ignoredTarget = root.get<int64_t>("ignored_target");
  root.forEach("inputs",
               [&](const Node &node) { d.inputs.push_back(parseInput(node)); });
  root.forEach("parameters", [&](const Node &node) {
    d.parameters.push_back(parseParameter(node, d.mesh));
  });
  root.forEach("states", [&](const Node &node) {
    d.states.push_back(parseState(node, d));
  });
  root.forEach("optimizers", [&](const Node &node) {
    d.optimizers.push_back({node.get<std::string>("name"),
                            node.get<std::vector<std::string>>("states")});
  });
  d.functions = root.get<std::vector<std::string>>("functions");
  d.conclude = root.get<int>("conclude");
  d.hasLossWeights = root.get<bool>("loss_weights", false);
  checkFunctions(d);
  root.forEach("channels", [&](const Node &node) {
    d.channels.push_back({node.get<int>("src"), node.get<int>("dst")});
  });
  if (document.contains("layers"))
    root.forEach("layers", [&](const Node &node) {
      d.layers.push_back(parseLayer(node));
    });
  if (document.contains("parts"))
    root.forEach("parts", [&](const Node &node) { parseParts(node, d); });
  if (document.contains("layer_collectives"))
    root.forEach("layer_collectives", [&](const Node &node) {
      d.layerCollectives.push_back(parseCollective(node, d));
    });
  if (document.contains("stage_collectives"))
    root.forEach("stage_collectives",
                 [&](const Node &node) { parseStageCollectives(node, d); });
  root.forEach("programs", [&](const Node &node) {
    d.programs.push_back(parseProgram(node, d));
  });
  check(d);
  d.hasEmptyInputGradient.resize(size_t(d.stages));
  for (int stage : root.get<std::vector<int>>("empty_input_gradients")) {
    if (stage < 0 || stage >= d.stages)
      broken("whose 'empty_input_gradients' names stage " +
             std::to_string(stage) + ", which the model does not have");
    d.hasEmptyInputGradient[size_t(stage)] = true;
  }
  auto times = document.find("times");
  if (times != document.end())
    d.times = parseTimes({*times, "times."}, d.stages);
  return d;
}
