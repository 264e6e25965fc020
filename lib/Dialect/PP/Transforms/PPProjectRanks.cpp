//===- PPProjectRanks.cpp - From the plan to one program a rank -----------===//
//
// Each rank runs its actions in schedule order. A value that an action reads is
// already an SSA value of the program, or it comes from the rank that produces
// it, once, whoever reads it later. Transfers are posted in one order on both
// sides of a channel: the order in which the sender produces. So a receiver
// that needs the third message of a channel posts the first two as well, and
// transports that keep order instead of tags work too.
//
// The end of a step updates the parameters. All ranks walk the parameters in
// the same order there and post the transfers of each before those of the
// next, which leaves no way to wait in a circle.
//
// Waits are placed at the latest legal point: a receive's before its first use,
// a send's at the end of the program. pp-place-communication moves them.
//
// What a rank does is collected as steps (Steps.h), an op for all micro-batches
// of an action or a transfer. With `loops`, what repeats among them becomes
// loops; nothing of the size of the step is ever built of ops then.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/PP/Transforms/Passes.h"

#include "Mesh.h"
#include "Replicas.h"
#include "Steps.h"
#include "pp/Dialect/PP/Analysis/Plan.h"

#include <map>
#include <set>

namespace pp {
#define GEN_PASS_DEF_PPPROJECTRANKS
#include "pp/Dialect/PP/Transforms/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp;

namespace {

/// A directed edge between two ranks.
using Edge = std::pair<int64_t, int64_t>;

/// The value of one micro-batch, by number.
struct Instance {
  unsigned value;
  int32_t microbatch;
};

/// Something of instances; nothing where it has not been set.
template <typename T> class InstanceMap {
public:
  T &operator[](Instance instance) {
    std::vector<T> &microbatches = microbatchesOf[instance.value];
    if (microbatches.size() <= size_t(instance.microbatch))
      microbatches.resize(instance.microbatch + 1);
    return microbatches[instance.microbatch];
  }

private:
  DenseMap<unsigned, std::vector<T>> microbatchesOf; ///< by value
};

/// What a stage function reads and makes of named values.
struct Signature {
  /// Number of the value, place among arguments or results.
  SmallVector<std::pair<unsigned, unsigned>> reads, results;
  SmallVector<unsigned, 1> losses, weights; ///< places among `results`
};

/// The micro-batches in which a rank reads a value that it does not produce.
struct Reader {
  int64_t pipe;
  std::vector<bool> microbatches;
};

/// A value that stage functions name.
struct NamedValue {
  StringAttr name;
  Type type;
  int64_t producer;
  SmallVector<Reader> readers; ///< by coordinate
};

/// What the ranks exchange, before any op is built.
struct Traffic {
  std::vector<NamedValue> values;
  DenseMap<Operation *, Signature> signatures; ///< of stage functions
  /// Messages of each edge in the order in which both sides post them.
  std::map<Edge, std::vector<Instance>> messages;
  /// Tag of a value's first micro-batch on an edge.
  std::map<Edge, DenseMap<unsigned, int64_t>> tags;
  /// First tag of an edge that no micro-batch's value uses.
  std::map<Edge, int64_t> nextTag;
  /// Those that each rank reads, has a gradient of or owns, in order.
  std::vector<SmallVector<const ParameterInfo *>> parameters;
};

/// Builds the program of one rank: an op for each series, and the steps.
class RankBuilder {
public:
  RankBuilder(const Plan &plan, Traffic &traffic,
              const std::map<Edge, ChannelOp> &channels, ProgramOp program,
              bool mayLoop)
      : plan(plan), traffic(traffic), channels(channels),
        pipe(program.getPipe()), steps(program, mayLoop),
        builder(OpBuilder::atBlockEnd(&program.getBody().front())),
        replicas(plan, pipe, builder, [this](Operation *op) { once(op); }) {}

  /// A step of training, or of evaluation. Returns the number of loops.
  unsigned build(Location loc);
  unsigned buildEvaluation(Location loc);

private:
  using Key = SmallVector<const void *, 16>; ///< of a series

  void zeroGradients(Location loc);
  void buildAction(const schedule::Action &action);
  void postUpTo(Location loc, int64_t from, Instance instance);
  Value read(Location loc, Instance instance);
  void sendInstance(Location loc, Instance instance, Value value);
  void updateParameters(Location loc);

  void send(Location loc, Value buffer, int64_t to, StringRef name,
            int64_t number, int64_t tag, int32_t microbatch);
  IRecvOp receive(Location loc, Type type, int64_t from, StringRef name,
                  int64_t number, int64_t tag, int32_t microbatch);
  Value wait(Location loc, IRecvOp received, int32_t microbatch);
  void waitForSends(Location loc);

  /// A step of the op of this kind that belongs to `of` and a number and reads
  /// these values, which is created where there is none yet; always for what a
  /// step of training does once.
  template <typename OpT>
  OpT make(int32_t microbatch, Operation *of, int64_t number,
           ArrayRef<Value> operands, llvm::function_ref<OpT()> create) {
    if (microbatch == Steps::kOnce)
      return once(create());
    // A value may be made by B for one micro-batch and by I for another.
    Key key = {TypeID::get<OpT>().getAsOpaquePointer(), of,
               reinterpret_cast<const void *>(number)};
    for (Value operand : operands)
      key.push_back(operand.getAsOpaquePointer());
    auto [known, isNew] = seriesOf.try_emplace(std::move(key));
    if (isNew)
      known->second = steps.addSeries(create());
    steps.append(known->second, microbatch);
    return cast<OpT>(steps.getSeries()[known->second].op);
  }
  /// A step that there is once, with its op.
  template <typename OpT> OpT once(OpT op) {
    steps.append(steps.addSeries(op), Steps::kOnce);
    return op;
  }
  IntegerAttr attributeOf(int32_t microbatch) {
    return microbatch == Steps::kOnce ? IntegerAttr()
                                      : builder.getI64IntegerAttr(microbatch);
  }

  const Plan &plan;
  Traffic &traffic;
  const std::map<Edge, ChannelOp> &channels;
  int64_t pipe;
  Steps steps;
  OpBuilder builder;
  Replicas replicas;
  std::map<Key, uint32_t> seriesOf;
  InstanceMap<Value> values; ///< made, or received and waited for
  InstanceMap<IRecvOp> posts;
  std::map<int64_t, size_t> numPosted; ///< receives from each rank
  /// Sends that are not waited for, with their micro-batches.
  std::vector<std::pair<ISendOp, int32_t>> openSends;
};

class ProjectRanks : public pp::impl::PPProjectRanksBase<ProjectRanks> {
public:
  using PPProjectRanksBase::PPProjectRanksBase;
  void runOnOperation() override;
};

} // namespace

//===----------------------------------------------------------------------===//
// Who sends what to whom
//===----------------------------------------------------------------------===//

static Signature signatureOf(func::FuncOp function,
                             llvm::function_ref<unsigned(StringAttr)> number) {
  Signature signature;
  for (unsigned i = 0, e = function.getNumArguments(); i != e; ++i)
    if (StringAttr name = getArgumentValue(function, i))
      signature.reads.emplace_back(number(name), i);
  for (unsigned i = 0, e = function.getNumResults(); i != e; ++i)
    if (StringAttr name = getResultValue(function, i)) {
      if (function.getResultAttr(i, attr::kLoss))
        signature.losses.push_back(signature.results.size());
      if (function.getResultAttr(i, attr::kLossWeight))
        signature.weights.push_back(signature.results.size());
      signature.results.emplace_back(number(name), i);
    }
  return signature;
}

/// The values of all stage functions, without readers.
static void findValues(const Plan &plan, Traffic &traffic) {
  DenseMap<StringAttr, unsigned> numbers;
  auto number = [&](StringAttr name) {
    auto [it, isNew] = numbers.try_emplace(name, traffic.values.size());
    if (isNew)
      traffic.values.push_back({name, {}, -1, {}});
    return it->second;
  };
  for (int32_t stage = 0; stage != int32_t(plan.stages.size()); ++stage)
    for (auto kind :
         {schedule::Kind::Forward, schedule::Kind::Backward,
          schedule::Kind::InputGradient, schedule::Kind::WeightGradient})
      if (func::FuncOp function = plan.getFunction({stage, kind, 0})) {
        Signature signature = signatureOf(function, number);
        for (auto [value, result] : signature.results) {
          traffic.values[value].producer = plan.pipeOf(stage);
          traffic.values[value].type = function.getResultTypes()[result];
        }
        traffic.signatures[function] = std::move(signature);
      }
}

/// Each value has as many tags on an edge as there are micro-batches.
static Traffic findTraffic(const Plan &plan) {
  Traffic traffic;
  findValues(plan, traffic);
  const int64_t microbatches = plan.microbatches();
  auto forEach = [&](auto visit) {
    for (auto [pipe, row] : llvm::enumerate(plan.schedule.ranks))
      for (const schedule::Action &action : row)
        if (func::FuncOp function = plan.getFunction(action))
          visit(int64_t(pipe), action.microbatch,
                traffic.signatures.find(function)->second);
  };
  forEach([&](int64_t pipe, int32_t microbatch, const Signature &signature) {
    for (auto [number, argument] : signature.reads) {
      NamedValue &value = traffic.values[number];
      if (value.producer == pipe)
        continue;
      if (value.readers.empty() || value.readers.back().pipe != pipe)
        value.readers.push_back({pipe, std::vector<bool>(microbatches)});
      value.readers.back().microbatches[microbatch] = true;
    }
  });
  forEach([&](int64_t pipe, int32_t microbatch, const Signature &signature) {
    for (auto [number, result] : signature.results)
      for (const Reader &reader : traffic.values[number].readers) {
        if (!reader.microbatches[microbatch])
          continue;
        Edge edge{pipe, reader.pipe};
        traffic.messages[edge].push_back({number, microbatch});
        auto &tags = traffic.tags[edge];
        tags.try_emplace(number, int64_t(tags.size()) * microbatches);
      }
  });
  for (auto &[edge, tags] : traffic.tags)
    traffic.nextTag[edge] = int64_t(tags.size()) * microbatches;
  // Gradients go to the owner of their parameter, its new value comes back.
  traffic.parameters.resize(plan.numRanks());
  for (auto &[name, info] : plan.parameters) {
    int64_t owner = info.owner();
    std::set<int64_t> pipes(info.readers.begin(), info.readers.end());
    for (const GradientUse &gradient : info.gradients)
      pipes.insert(gradient.pipe);
    for (int64_t pipe : pipes)
      traffic.parameters[pipe].push_back(&info);
    for (const GradientUse &gradient : info.gradients)
      if (gradient.pipe != owner)
        traffic.nextTag.try_emplace({gradient.pipe, owner}, 0);
    for (int64_t reader : info.readers)
      if (owner >= 0 && reader != owner)
        traffic.nextTag.try_emplace({owner, reader}, 0);
  }
  return traffic;
}

//===----------------------------------------------------------------------===//
// Transfers
//===----------------------------------------------------------------------===//

void RankBuilder::send(Location loc, Value buffer, int64_t to, StringRef name,
                       int64_t number, int64_t tag, int32_t microbatch) {
  ChannelOp channel = channels.at({pipe, to});
  auto op = make<ISendOp>(microbatch, channel, number, buffer, [&] {
    return ISendOp::create(builder, loc, buffer,
                           FlatSymbolRefAttr::get(channel.getSymNameAttr()),
                           builder.getStringAttr(name), attributeOf(microbatch),
                           builder.getI64IntegerAttr(tag));
  });
  openSends.push_back({op, microbatch});
}

IRecvOp RankBuilder::receive(Location loc, Type type, int64_t from,
                             StringRef name, int64_t number, int64_t tag,
                             int32_t microbatch) {
  ChannelOp channel = channels.at({from, pipe});
  return make<IRecvOp>(microbatch, channel, number, {}, [&] {
    return IRecvOp::create(builder, loc, type,
                           TokenType::get(builder.getContext()),
                           FlatSymbolRefAttr::get(channel.getSymNameAttr()),
                           builder.getStringAttr(name), attributeOf(microbatch),
                           builder.getI64IntegerAttr(tag));
  });
}

Value RankBuilder::wait(Location loc, IRecvOp received, int32_t microbatch) {
  return make<WaitOp>(microbatch, received, 0, {}, [&] {
    return WaitOp::create(builder, loc, received.getToken(),
                          received.getBuffer());
  });
}

void RankBuilder::waitForSends(Location loc) {
  for (auto [op, microbatch] : openSends)
    make<WaitSendOp>(microbatch, op, 0, {}, [&, op = op]() mutable {
      return WaitSendOp::create(builder, loc, op.getToken(), op.getBuffer());
    });
  openSends.clear();
}

void RankBuilder::sendInstance(Location loc, Instance instance, Value sent) {
  const NamedValue &value = traffic.values[instance.value];
  for (const Reader &reader : value.readers)
    if (reader.microbatches[instance.microbatch])
      send(loc, sent, reader.pipe, value.name, instance.value,
           traffic.tags.at({pipe, reader.pipe}).lookup(instance.value) +
               instance.microbatch,
           instance.microbatch);
}

/// Posts the receives of an edge up to one of its messages.
void RankBuilder::postUpTo(Location loc, int64_t from, Instance instance) {
  Edge edge{from, pipe};
  const std::vector<Instance> &messages = traffic.messages.at(edge);
  size_t &next = numPosted[from];
  while (!posts[instance]) {
    Instance message = messages[next++];
    const NamedValue &value = traffic.values[message.value];
    posts[message] = receive(loc, value.type, from, value.name, message.value,
                             traffic.tags.at(edge).lookup(message.value) +
                                 message.microbatch,
                             message.microbatch);
  }
}

/// The value of an instance on this rank, received now where it has to be.
Value RankBuilder::read(Location loc, Instance instance) {
  if (!values[instance]) {
    postUpTo(loc, traffic.values[instance.value].producer, instance);
    values[instance] = wait(loc, posts[instance], instance.microbatch);
  }
  return values[instance];
}

//===----------------------------------------------------------------------===//
// Program
//===----------------------------------------------------------------------===//

void RankBuilder::zeroGradients(Location loc) {
  for (const ParameterInfo *info : traffic.parameters[pipe])
    for (const GradientUse &gradient : info->gradients)
      if (gradient.pipe == pipe)
        once(ZeroGradientOp::create(
            builder, loc,
            FlatSymbolRefAttr::get(ParameterOp(info->op).getSymNameAttr()),
            builder.getI64IntegerAttr(gradient.use)));
}

void RankBuilder::buildAction(const schedule::Action &action) {
  func::FuncOp function = plan.getFunction(action);
  if (!function) {
    replicas.afterAction(function);
    return; // This stage has nothing to do here.
  }
  Location loc = function.getLoc();
  replicas.beforeAction(function);
  const int32_t microbatch = action.microbatch;
  const Signature &signature = traffic.signatures.find(function)->second;
  SmallVector<Value> operands;
  for (auto [value, argument] : signature.reads)
    operands.push_back(read(loc, {value, microbatch}));
  // A function may serve several stages.
  int64_t number = int64_t(action.stage) * 4 + int(toActionKind(action.kind));
  auto run = make<RunOp>(microbatch, function, number, operands, [&] {
    SmallVector<Type> types;
    for (auto [value, result] : signature.results)
      types.push_back(function.getResultTypes()[result]);
    return RunOp::create(builder, loc, types, toActionKind(action.kind),
                         action.stage, microbatch, function.getSymName(),
                         operands);
  });
  for (auto [place, entry] : llvm::enumerate(signature.results))
    values[{entry.first, microbatch}] = run.getResult(place);
  for (unsigned place : signature.losses)
    make<LossOp>(microbatch, run, place, {}, [&] {
      return LossOp::create(builder, loc, run.getResult(place),
                            builder.getI64IntegerAttr(microbatch));
    });
  for (unsigned place : signature.weights)
    make<LossWeightOp>(microbatch, run, place, {}, [&] {
      return LossWeightOp::create(builder, loc, run.getResult(place),
                                  builder.getI64IntegerAttr(microbatch));
    });
  for (auto [value, result] : signature.results)
    sendInstance(loc, {value, microbatch}, values[{value, microbatch}]);
  replicas.afterAction(function);
}

void RankBuilder::updateParameters(Location loc) {
  // Tags follow the parameters' order, which both sides of a channel share.
  std::map<Edge, int64_t> used;
  auto nextTag = [&](int64_t from, int64_t to) {
    return traffic.nextTag.at({from, to}) + used[{from, to}]++;
  };
  struct Gradient {
    Value local;
    IRecvOp remote;
  };
  llvm::MapVector<StringAttr, SmallVector<Gradient>> owned;
  for (const ParameterInfo *info : traffic.parameters[pipe]) {
    int64_t owner = info->owner();
    ParameterOp parameter = info->op;
    StringAttr name = parameter.getSymNameAttr();
    auto symbol = FlatSymbolRefAttr::get(name);
    for (const GradientUse &gradient : info->gradients) {
      auto use = builder.getI64IntegerAttr(gradient.use);
      auto load = [&]() -> Value {
        if (parameter.getPiece())
          return replicas.getPiece(loc, parameter, gradient.use);
        return once(LoadGradientOp::create(
            builder, loc, parameter.getGradientType(), symbol, use));
      };
      std::string value = name.str() + ".grad." + std::to_string(gradient.use);
      if (gradient.pipe == owner) {
        if (pipe == owner)
          owned[name].push_back({load(), {}});
        continue;
      }
      int64_t tag = nextTag(gradient.pipe, owner);
      if (pipe == gradient.pipe)
        send(loc, load(), owner, value, 0, tag, Steps::kOnce);
      else if (pipe == owner)
        owned[name].push_back(
            {{},
             receive(loc, parameter.getGradientPieceType(), gradient.pipe,
                     value, 0, tag, Steps::kOnce)});
    }
  }
  SmallVector<std::pair<StringAttr, Value>> sums;
  for (auto &[name, gradients] : owned) {
    auto symbol = FlatSymbolRefAttr::get(name);
    SmallVector<Value> summands;
    for (Gradient &gradient : gradients)
      summands.push_back(gradient.local
                             ? gradient.local
                             : wait(loc, gradient.remote, Steps::kOnce));
    Value sum = summands.front();
    if (summands.size() > 1)
      sum = once(ReduceGradientsOp::create(builder, loc, sum.getType(), symbol,
                                           summands));
    sums.emplace_back(name, sum);
    once(GradNormOp::create(builder, loc, symbol, sum));
  }
  waitForSends(loc);
  once(AllReduceReportOp::create(builder, loc));
  for (auto [name, sum] : sums) {
    ParameterOp parameter = plan.parameters.find(name)->second.op;
    if (parameter.getPiece() && !parameter.getCut())
      sum = replicas.gather(loc, parameter, sum);
    once(UpdateOp::create(builder, loc, FlatSymbolRefAttr::get(name), sum));
  }

  SmallVector<std::pair<StringAttr, IRecvOp>> received;
  for (const ParameterInfo *info : traffic.parameters[pipe]) {
    int64_t owner = info->owner();
    ParameterOp parameter = info->op;
    // Replicas send each other's pieces on; the next step gathers them.
    Type type = parameter.getCut() ? parameter.getPieceType()
                                   : parameter.getLocalType();
    StringAttr name = parameter.getSymNameAttr();
    auto symbol = FlatSymbolRefAttr::get(name);
    Value loaded;
    for (int64_t reader : info->readers) {
      if (owner < 0 || reader == owner)
        continue;
      int64_t tag = nextTag(owner, reader);
      if (pipe == owner) {
        if (!loaded && parameter.getCut())
          loaded = once(LoadPieceOp::create(builder, loc, type, symbol));
        else if (!loaded)
          loaded = once(LoadParameterOp::create(builder, loc, type, symbol));
        send(loc, loaded, reader, name, 0, tag, Steps::kOnce);
      } else if (pipe == reader) {
        received.emplace_back(
            name, receive(loc, type, owner, name, 0, tag, Steps::kOnce));
      }
    }
  }
  for (auto [name, transfer] : received) {
    Value value = wait(loc, transfer, Steps::kOnce);
    auto symbol = FlatSymbolRefAttr::get(name);
    if (ParameterOp(plan.parameters.find(name)->second.op).getCut())
      once(StorePieceOp::create(builder, loc, symbol, value));
    else
      once(StoreParameterOp::create(builder, loc, symbol, value));
  }
  waitForSends(loc);
}

unsigned RankBuilder::build(Location loc) {
  replicas.startGathers(loc);
  zeroGradients(loc);
  for (const schedule::Action &action : plan.schedule.ranks[pipe])
    buildAction(action);
  waitForSends(loc);
  updateParameters(loc);
  once(ReturnOp::create(builder, loc, ValueRange()));
  return steps.write();
}

unsigned RankBuilder::buildEvaluation(Location loc) {
  replicas.startGathers(loc);
  for (const schedule::Action &action : plan.schedule.ranks[pipe])
    buildAction(action);
  waitForSends(loc);
  once(AllReduceReportOp::create(builder, loc));
  once(ReturnOp::create(builder, loc, ValueRange()));
  return steps.write();
}

/// The plan of what computes losses and nothing else: the forward actions of
/// each rank in the order of its row. An order that all ranks can follow stays
/// one without actions that no other one waits for.
static Plan forwardOnly(const Plan &plan) {
  Plan result = plan;
  for (auto &row : result.schedule.ranks)
    llvm::erase_if(row, [](const schedule::Action &action) {
      return action.kind != schedule::Kind::Forward;
    });
  return result;
}

/// Ranks on the axis of replicas have samples of their own: without replicas
/// they would train apart. On other axes all have the same ones, and layers
/// reduce what they share.
static LogicalResult verifyAxes(MeshOp mesh) {
  const int64_t size = mesh.getSize(MeshOp::kReplicas).value_or(1);
  if (mesh.getReplicas() || size == 1)
    return success();
  return mesh.emitOpError() << "found " << size << " coordinates on the axis '"
                            << MeshOp::kReplicas
                            << "', on which each trains on its own samples, "
                               "expected replicas(\"data\"); run pp-add-mesh";
}

void ProjectRanks::runOnOperation() {
  ModuleOp module = getOperation();
  FailureOr<Plan> plan = Plan::get(module);
  if (failed(plan) || failed(plan->verify()))
    return signalPassFailure();
  if (auto programs = module.getOps<ProgramOp>(); !programs.empty()) {
    (*programs.begin()).emitError()
        << "found a program already, expected a plan without programs";
    return signalPassFailure();
  }
  FailureOr<MeshOp> mesh = findOrAddMesh(module, {plan->numRanks()});
  if (failed(mesh) || failed(verifyAxes(*mesh)))
    return signalPassFailure();
  // What is not shared would be trained apart by each replica.
  if (ScheduleOp(plan->scheduleOp).getNumGroups() > 1)
    for (auto &[name, info] : plan->parameters)
      if (ParameterOp parameter = info.op; !parameter.getPiece()) {
        parameter.emitOpError("found a parameter without pieces in a plan of "
                              "several replicas or groups, expected their "
                              "size; run pp-add-optimizer");
        return signalPassFailure();
      }
  Traffic traffic = findTraffic(*plan);
  SymbolTable symbols(module);
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  Location loc = plan->scheduleOp.getLoc();
  std::map<Edge, ChannelOp> channels;
  for (auto [edge, tag] : traffic.nextTag) {
    std::string name = "p" + std::to_string(edge.first) + "_to_p" +
                       std::to_string(edge.second);
    auto channel =
        ChannelOp::create(builder, loc, name, edge.first, edge.second);
    symbols.insert(channel, builder.getInsertionPoint());
    channels[edge] = channel;
  }
  auto create = [&](int64_t pipe, StringRef suffix, ArrayAttr evaluates) {
    auto program = ProgramOp::create(
        builder, loc, ("pipe" + Twine(pipe) + suffix).str(), pipe, evaluates);
    symbols.insert(program, builder.getInsertionPoint());
    program.getBody().emplaceBlock();
    return program;
  };
  for (int64_t pipe = 0; pipe != plan->numRanks(); ++pipe)
    numLoops +=
        RankBuilder(*plan, traffic, channels, create(pipe, "", {}), loops)
            .build(loc);
  if (!evaluation)
    return;
  const Plan forward = forwardOnly(*plan);
  Traffic forwardTraffic = findTraffic(forward);
  for (int64_t pipe = 0; pipe != plan->numRanks(); ++pipe) {
    SmallVector<Attribute> held;
    for (const ParameterInfo *info : traffic.parameters[pipe])
      held.push_back(
          FlatSymbolRefAttr::get(ParameterOp(info->op).getSymNameAttr()));
    numLoops +=
        RankBuilder(forward, forwardTraffic, channels,
                    create(pipe, ".evaluation", builder.getArrayAttr(held)),
                    loops)
            .buildEvaluation(loc);
  }
}
