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
// With `shorten` the programs are those of a schedule from which most rounds
// are left out, and say where. Tags are those of the whole one.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/PP/Transforms/Passes.h"

#include "Mesh.h"
#include "Options.h"
#include "Replicas.h"
#include "Shortened.h"
#include "pp/Dialect/PP/Analysis/Plan.h"
#include "pp/Schedule/Shorten.h"

#include "llvm/ADT/DenseSet.h"

#include <map>
#include <set>

namespace pp {
#define GEN_PASS_DEF_PPPROJECTRANKS
#include "pp/Dialect/PP/Transforms/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp;

namespace {

/// A named value of one micro-batch.
using Instance = std::pair<StringAttr, int32_t>;
/// A directed edge between two ranks.
using Edge = std::pair<int64_t, int64_t>;

/// What the ranks exchange, before any op is built.
struct Traffic {
  /// Messages of each edge in the order in which both sides post them.
  std::map<Edge, SmallVector<Instance>> messages;
  /// Place of a message on its edge.
  std::map<Edge, llvm::DenseMap<Instance, unsigned>> places;
  /// Tag of a value's first micro-batch on an edge.
  std::map<Edge, llvm::DenseMap<StringAttr, int64_t>> tags;
  /// First tag of an edge that no micro-batch's value uses.
  std::map<Edge, int64_t> nextTag;
  /// Ranks that read an instance but do not produce it, ascending.
  llvm::DenseMap<Instance, std::set<int64_t>> readers;
  llvm::DenseMap<Instance, int64_t> producer;
  llvm::DenseMap<StringAttr, Type> types;
};

/// Builds the program of one rank.
class RankBuilder {
public:
  RankBuilder(const Plan &plan, Traffic &traffic,
              const std::map<Edge, ChannelOp> &channels, int64_t pipe,
              OpBuilder builder)
      : plan(plan), traffic(traffic), channels(channels), pipe(pipe),
        builder(builder), replicas(plan, pipe, this->builder) {}

  void build(Location loc);

  /// The number of pp.run before each action of the row, and behind the last.
  ArrayRef<int64_t> getRunsBefore() const { return runsBefore; }

private:
  void zeroGradients(Location loc);
  void buildAction(const schedule::Action &action);
  void postUpTo(Location loc, Edge edge, Instance instance);
  Value read(Location loc, Instance instance, Type type);
  void sendInstance(Location loc, Instance instance, Value value);
  void updateParameters(Location loc);

  Value send(Location loc, Value buffer, int64_t to, StringRef name,
             IntegerAttr microbatch, int64_t tag);
  IRecvOp receive(Location loc, Type type, int64_t from, StringRef name,
                  IntegerAttr microbatch, int64_t tag);
  Value wait(Location loc, IRecvOp received) {
    return WaitOp::create(builder, loc, received.getToken(),
                          received.getBuffer());
  }
  void waitForSends(Location loc);

  const Plan &plan;
  Traffic &traffic;
  const std::map<Edge, ChannelOp> &channels;
  int64_t pipe;
  OpBuilder builder;
  Replicas replicas;
  llvm::DenseMap<Instance, Value> values;
  /// Receives that are posted and not yet waited for.
  llvm::DenseMap<Instance, IRecvOp> posted;
  /// Receives of each edge that are posted.
  std::map<Edge, unsigned> numPosted;
  SmallVector<std::pair<Value, Value>> openSends; ///< token, buffer
  SmallVector<int64_t> runsBefore;
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

/// Calls `visit` for each value that an action reads.
static void forEachRead(func::FuncOp function,
                        llvm::function_ref<void(unsigned, StringAttr)> visit) {
  for (unsigned i = 0, e = function ? function.getNumArguments() : 0; i != e;
       ++i)
    if (StringAttr name = getArgumentValue(function, i))
      visit(i, name);
}

static void
forEachResult(func::FuncOp function,
              llvm::function_ref<void(unsigned, StringAttr)> visit) {
  for (unsigned i = 0, e = function ? function.getNumResults() : 0; i != e; ++i)
    if (StringAttr name = getResultValue(function, i))
      visit(i, name);
}

/// Each value has as many tags on an edge as there are micro-batches.
static Traffic findTraffic(const Plan &plan, int64_t microbatches) {
  Traffic traffic;
  for (auto [pipe, row] : llvm::enumerate(plan.schedule.ranks))
    for (const schedule::Action &action : row)
      if (func::FuncOp function = plan.getFunction(action))
        forEachResult(function, [&, pipe = pipe](unsigned i, StringAttr name) {
          traffic.producer[{name, action.microbatch}] = int64_t(pipe);
          traffic.types.try_emplace(name, function.getResultTypes()[i]);
        });
  for (auto [pipe, row] : llvm::enumerate(plan.schedule.ranks))
    for (const schedule::Action &action : row)
      forEachRead(plan.getFunction(action),
                  [&, pipe = pipe](unsigned, StringAttr name) {
                    Instance instance{name, action.microbatch};
                    if (traffic.producer.lookup(instance) != int64_t(pipe))
                      traffic.readers[instance].insert(int64_t(pipe));
                  });
  for (const std::vector<schedule::Action> &row : plan.schedule.ranks)
    for (const schedule::Action &action : row)
      forEachResult(plan.getFunction(action), [&](unsigned, StringAttr name) {
        Instance instance{name, action.microbatch};
        for (int64_t reader : traffic.readers[instance]) {
          Edge edge{plan.pipeOf(action.stage), reader};
          auto &messages = traffic.messages[edge];
          traffic.places[edge][instance] = messages.size();
          messages.push_back(instance);
          auto &tags = traffic.tags[edge];
          tags.try_emplace(name, int64_t(tags.size()) * microbatches);
          traffic.nextTag[edge] = int64_t(tags.size()) * microbatches;
        }
      });
  // Gradients go to the owner of their parameter, its new value comes back.
  for (auto &[name, info] : plan.parameters) {
    int64_t owner = info.owner();
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

Value RankBuilder::send(Location loc, Value buffer, int64_t to, StringRef name,
                        IntegerAttr microbatch, int64_t tag) {
  ChannelOp channel = channels.at({pipe, to});
  auto op = ISendOp::create(
      builder, loc, buffer, FlatSymbolRefAttr::get(channel.getSymNameAttr()),
      builder.getStringAttr(name), microbatch, builder.getI64IntegerAttr(tag));
  openSends.emplace_back(op.getToken(), buffer);
  return op.getToken();
}

IRecvOp RankBuilder::receive(Location loc, Type type, int64_t from,
                             StringRef name, IntegerAttr microbatch,
                             int64_t tag) {
  ChannelOp channel = channels.at({from, pipe});
  return IRecvOp::create(
      builder, loc, type, TokenType::get(builder.getContext()),
      FlatSymbolRefAttr::get(channel.getSymNameAttr()),
      builder.getStringAttr(name), microbatch, builder.getI64IntegerAttr(tag));
}

void RankBuilder::waitForSends(Location loc) {
  for (auto [token, buffer] : openSends)
    WaitSendOp::create(builder, loc, token, buffer);
  openSends.clear();
}

void RankBuilder::sendInstance(Location loc, Instance instance, Value value) {
  auto readers = traffic.readers.find(instance);
  if (readers == traffic.readers.end())
    return;
  for (int64_t reader : readers->second) {
    int64_t tag = traffic.tags.at({pipe, reader}).lookup(instance.first) +
                  instance.second;
    send(loc, value, reader, instance.first,
         builder.getI64IntegerAttr(instance.second), tag);
  }
}

/// Posts the receives of an edge up to one of its messages.
void RankBuilder::postUpTo(Location loc, Edge edge, Instance instance) {
  const SmallVector<Instance> &messages = traffic.messages.at(edge);
  unsigned place = traffic.places.at(edge).lookup(instance);
  for (unsigned &next = numPosted[edge]; next <= place; ++next) {
    auto [name, microbatch] = messages[next];
    posted[messages[next]] =
        receive(loc, traffic.types.lookup(name), edge.first, name,
                builder.getI64IntegerAttr(microbatch),
                traffic.tags.at(edge).lookup(name) + microbatch);
  }
}

/// The value of an instance on this rank, received now where it has to be.
Value RankBuilder::read(Location loc, Instance instance, Type type) {
  if (Value known = values.lookup(instance))
    return known;
  postUpTo(loc, {traffic.producer.lookup(instance), pipe}, instance);
  Value value = wait(loc, posted.lookup(instance));
  posted.erase(instance);
  values[instance] = value;
  return value;
}

//===----------------------------------------------------------------------===//
// Program
//===----------------------------------------------------------------------===//

void RankBuilder::zeroGradients(Location loc) {
  for (auto &[name, info] : plan.parameters)
    for (const GradientUse &gradient : info.gradients)
      if (gradient.pipe == pipe)
        ZeroGradientOp::create(builder, loc, FlatSymbolRefAttr::get(name),
                               builder.getI64IntegerAttr(gradient.use));
}

void RankBuilder::buildAction(const schedule::Action &action) {
  func::FuncOp function = plan.getFunction(action);
  if (!function) {
    replicas.afterAction(function);
    return; // This stage has nothing to do here.
  }
  Location loc = function.getLoc();
  replicas.beforeAction(function);
  SmallVector<Value> operands;
  forEachRead(function, [&](unsigned i, StringAttr name) {
    operands.push_back(
        read(loc, {name, action.microbatch}, function.getArgumentTypes()[i]));
  });
  SmallVector<Type> resultTypes;
  forEachResult(function, [&](unsigned i, StringAttr) {
    resultTypes.push_back(function.getResultTypes()[i]);
  });
  auto run = RunOp::create(builder, loc, resultTypes, toActionKind(action.kind),
                           action.stage, action.microbatch,
                           function.getSymName(), operands);
  unsigned next = 0;
  SmallVector<std::pair<Instance, Value>> results;
  forEachResult(function, [&](unsigned i, StringAttr name) {
    Value value = run.getResult(next++);
    results.emplace_back(Instance{name, action.microbatch}, value);
    values[results.back().first] = value;
    if (function.getResultAttr(i, attr::kLoss))
      LossOp::create(builder, loc, value,
                     builder.getI64IntegerAttr(action.microbatch));
  });
  for (auto [instance, value] : results)
    sendInstance(loc, instance, value);
  replicas.afterAction(function);
}

void RankBuilder::updateParameters(Location loc) {
  // Tags follow the parameters' order, which both sides of a channel share.
  std::map<Edge, int64_t> tags = traffic.nextTag;
  struct Gradient {
    Value local;
    IRecvOp remote;
  };
  llvm::MapVector<StringAttr, SmallVector<Gradient>> owned;
  for (auto &[name, info] : plan.parameters) {
    int64_t owner = info.owner();
    ParameterOp parameter = info.op;
    auto symbol = FlatSymbolRefAttr::get(name);
    for (const GradientUse &gradient : info.gradients) {
      auto use = builder.getI64IntegerAttr(gradient.use);
      auto load = [&]() -> Value {
        if (parameter.getPiece())
          return replicas.getPiece(loc, parameter, gradient.use);
        return LoadGradientOp::create(builder, loc, parameter.getGradientType(),
                                      symbol, use);
      };
      std::string value = name.str() + ".grad." + std::to_string(gradient.use);
      if (gradient.pipe == owner) {
        if (pipe == owner)
          owned[name].push_back({load(), {}});
        continue;
      }
      int64_t tag = tags[{gradient.pipe, owner}]++;
      if (pipe == gradient.pipe)
        send(loc, load(), owner, value, {}, tag);
      else if (pipe == owner)
        owned[name].push_back({{},
                               receive(loc, parameter.getGradientPieceType(),
                                       gradient.pipe, value, {}, tag)});
    }
  }
  SmallVector<std::pair<StringAttr, Value>> sums;
  for (auto &[name, gradients] : owned) {
    auto symbol = FlatSymbolRefAttr::get(name);
    SmallVector<Value> summands;
    for (Gradient &gradient : gradients)
      summands.push_back(gradient.local ? gradient.local
                                        : wait(loc, gradient.remote));
    Value sum = summands.front();
    if (summands.size() > 1)
      sum = ReduceGradientsOp::create(builder, loc, sum.getType(), symbol,
                                      summands);
    sums.emplace_back(name, sum);
    GradNormOp::create(builder, loc, symbol, sum);
  }
  waitForSends(loc);
  ExchangeOp::create(builder, loc);
  for (auto [name, sum] : sums) {
    ParameterOp parameter = plan.parameters.find(name)->second.op;
    if (parameter.getPiece() && !parameter.getCut())
      sum = replicas.gather(loc, parameter, sum);
    UpdateOp::create(builder, loc, FlatSymbolRefAttr::get(name), sum);
  }

  SmallVector<std::pair<StringAttr, IRecvOp>> received;
  for (auto &[name, info] : plan.parameters) {
    int64_t owner = info.owner();
    ParameterOp parameter = info.op;
    // Replicas send each other's pieces on; the next step gathers them.
    const bool isPiece = parameter.getCut();
    Type type = isPiece ? parameter.getPieceType() : parameter.getType();
    auto symbol = FlatSymbolRefAttr::get(name);
    Value loaded;
    for (int64_t reader : info.readers) {
      if (owner < 0 || reader == owner)
        continue;
      int64_t tag = tags[{owner, reader}]++;
      if (pipe == owner) {
        if (!loaded && isPiece)
          loaded = LoadPieceOp::create(builder, loc, type, symbol);
        else if (!loaded)
          loaded = LoadParameterOp::create(builder, loc, type, symbol);
        send(loc, loaded, reader, name, {}, tag);
      } else if (pipe == reader) {
        received.emplace_back(name, receive(loc, type, owner, name, {}, tag));
      }
    }
  }
  for (auto [name, transfer] : received) {
    Value value = wait(loc, transfer);
    auto symbol = FlatSymbolRefAttr::get(name);
    ParameterOp parameter = plan.parameters.find(name)->second.op;
    if (parameter.getCut())
      StorePieceOp::create(builder, loc, symbol, value);
    else
      StoreParameterOp::create(builder, loc, symbol, value);
  }
  waitForSends(loc);
}

void RankBuilder::build(Location loc) {
  replicas.startGathers(loc);
  zeroGradients(loc);
  int64_t runs = 0;
  for (const schedule::Action &action : plan.schedule.ranks[pipe]) {
    runsBefore.push_back(runs);
    runs += bool(plan.getFunction(action));
    buildAction(action);
  }
  runsBefore.push_back(runs);
  waitForSends(loc);
  updateParameters(loc);
  ReturnOp::create(builder, loc, ValueRange());
}

/// What pp-form-loops has to know, with runs for actions: some actions compute
/// nothing.
static void markShortened(ProgramOp program,
                          const schedule::Shortened &shortened, int64_t pipe,
                          ArrayRef<int64_t> runsBefore) {
  LeftOut leftOut{shortened.rounds, shortened.step, {}};
  for (const schedule::Section &section : shortened.sections[pipe]) {
    size_t end = section.begin + section.rounds * section.period;
    leftOut.sections.push_back({runsBefore[section.begin], runsBefore[end],
                                runsBefore[section.begin + section.period] -
                                    runsBefore[section.begin]});
  }
  leftOut.write(program);
}

void ProjectRanks::runOnOperation() {
  ModuleOp module = getOperation();
  if (failed(checkOption(module, "kept-rounds", keptRounds, 1,
                         limits::kMicrobatches)) ||
      failed(checkOption(module, "kept-microbatches", keptMicrobatches, 0,
                         limits::kMicrobatches)))
    return signalPassFailure();
  FailureOr<Plan> plan = Plan::get(module);
  if (failed(plan) || failed(plan->verify()))
    return signalPassFailure();
  if (auto programs = module.getOps<ProgramOp>(); !programs.empty()) {
    (*programs.begin()).emitError()
        << "found a program already, expected a plan without programs";
    return signalPassFailure();
  }
  int64_t microbatches = plan->microbatches();
  std::optional<schedule::Shortened> shortened;
  // Groups of micro-batches end where rounds would be left out.
  ScheduleOp schedule = plan->scheduleOp;
  if (shorten && schedule.getNumGroups() == schedule.getReplicas())
    shortened = schedule::shorten(plan->schedule, keptRounds, keptMicrobatches);
  if (shortened)
    plan->schedule = shortened->schedule;
  if (failed(findOrAddMesh(module, {plan->numRanks()})))
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
  Traffic traffic = findTraffic(*plan, microbatches);
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
  for (int64_t pipe = 0; pipe != plan->numRanks(); ++pipe) {
    auto program =
        ProgramOp::create(builder, loc, "pipe" + std::to_string(pipe), pipe);
    symbols.insert(program, builder.getInsertionPoint());
    Block &block = program.getBody().emplaceBlock();
    RankBuilder ofRank(*plan, traffic, channels, pipe,
                       OpBuilder::atBlockEnd(&block));
    ofRank.build(loc);
    if (shortened)
      markShortened(program, *shortened, pipe, ofRank.getRunsBefore());
  }
}
