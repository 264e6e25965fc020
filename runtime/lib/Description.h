//===- Description.h - What the compiler says about a program -------------===//
//
// The JSON text that is linked into every compiled program, read into structs.
// A field that is missing or impossible is an error that names it.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_DESCRIPTION_H
#define PPRT_DESCRIPTION_H

#include "Communicator.h"
#include "Mesh.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pprt {

/// How a parameter gets its first values.
struct Initializer {
  enum Kind { Normal, Uniform, Constant } kind = Constant;
  double mean = 0, deviation = 1; // Normal
  double low = 0, high = 1;       // Uniform
  double value = 0;               // Constant; also zeros and ones
  bool isNotZero() const { return kind != Constant || value != 0; }
};

struct Input {
  std::string name;
  /// Targets are the tokens shifted by one; documents are the numbers of the
  /// documents of tokens, within a sequence.
  enum Kind { Tokens, Targets, Documents } kind = Tokens;
  int64_t rows = 1;   // sequences in a micro-batch
  int64_t length = 1; // tokens in a sequence
};

struct Parameter {
  std::string name;
  std::vector<int64_t> shape; ///< of all of it
  /// For each dimension the axes of the mesh that cut it into equal parts, the
  /// slowest first; empty if every rank has all of it.
  std::vector<std::vector<std::string>> sharding;
  /// For each dimension that is in parts how many blocks it is, of each of
  /// which a rank has its part; empty if all are one.
  std::vector<int64_t> blocks;
  /// For each dimension whether parts are all as large as the first, and the
  /// last ones reach into zeros; empty if parts divide all.
  std::vector<bool> padded;
  uint64_t elements = 0; ///< of a rank's part
  /// Of all parts together.
  uint64_t wholeElements() const;
  bool isShardedOver(std::string_view axis) const;
  /// Stages compute with bf16; the owner keeps a master in f32.
  bool isBF16 = false;
  Initializer init;
  int owner = 0; ///< coordinate on `pipe`
  int uses = 1;
  /// Elements in row-major order that fall to each replica, padding behind the
  /// parameter included; 0 where nothing is shared.
  uint64_t piece = 0;
  /// Each replica has the states of its piece, and updates it alone.
  bool isCut = false;
  /// Elements of its states on a rank.
  uint64_t stateElements() const { return isCut ? piece : elements; }
  /// The elements that a replica updates.
  struct Range {
    uint64_t begin, count;
  };
  Range updatedBy(int replica) const {
    const uint64_t begin =
        std::min(isCut ? piece * uint64_t(replica) : 0, elements);
    return {begin, std::min(stateElements(), elements - begin)};
  }
  // Positions in the description's functions; -1: none is needed.
  int norm = -1, add = -1;
  std::vector<int> updates; ///< one for each optimizer
};

/// What an optimizer keeps of a parameter, as its owner has it: f32, as many
/// elements.
struct State {
  std::string name, kind;
  int parameter = 0;
  /// Nothing: the master of a parameter of bf16, which starts as that.
  std::optional<Initializer> init;
  bool isMaster() const { return !init; }
};

struct Optimizer {
  std::string name;
  std::vector<std::string> states; ///< kinds, as an update takes them
};

struct Channel {
  int source = 0, destination = 0;
};

/// The kinds of actions as they are coloured and accounted.
enum class ActionKind {
  Forward,
  Backward,
  BackwardInput,
  BackwardWeight,
  Send,
  Receive,
  Collective,
  Reduce,
  Report,
  Update,
};

struct Action {
  ActionKind kind = ActionKind::Forward;
  int stage = -1, microbatch = -1, peer = -1;
  std::string name;
};

/// A collective of a program over groups of ranks that differ on `axes` only.
struct ProgramCollective {
  std::string name;
  std::vector<std::string> axes;
  Collective::Kind kind = Collective::AllReduce;
  ElementType type = ElementType::F32;
  uint64_t elements = 0; ///< of a piece; of an all-reduce all

  /// What the members of a group do.
  Collective over(int members) const {
    return {kind, type,
            std::vector<uint64_t>(
                kind == Collective::AllReduce ? 1 : size_t(members), elements)};
  }
  /// "the reduce_scatter of 'wte.gradient' over data".
  std::string describe() const;
};

/// The part of a parameter that a rank has. A dimension that is cut in blocks
/// is two of them: the blocks, and a block.
struct PartShape {
  std::vector<uint64_t> whole, size; ///< of all of it, of the part
  std::vector<uint64_t> parts;       ///< how many there are
  std::vector<uint64_t> begin;       ///< of the part in the whole
  std::vector<uint64_t> held;        ///< of the part, without padding
  std::vector<size_t> dimension;     ///< of the parameter, of each of these
};
PartShape partShape(const Parameter &parameter, const Mesh &mesh, int rank);

/// Visits the elements of the part of `parameter` that `rank` has, in runs that
/// lie in a row both in the whole and in the part: where a run begins in each,
/// and its length.
void forEachRun(const Parameter &parameter, const Mesh &mesh, int rank,
                const std::function<void(uint64_t, uint64_t, uint64_t)> &visit);

/// The axes of collectives, each list once, in their order.
std::vector<std::vector<std::string>>
groupsOf(const std::vector<ProgramCollective> &collectives);

struct MemoryPlan {
  uint64_t parameters = 0, gradients = 0, optimizer = 0, activations = 0,
           workspace = 0, communication = 0;
};

/// A parameter that a rank holds: its own, or a copy of another rank's.
struct HeldParameter {
  int index = 0;
  uint64_t offset = 0;
  bool owned = false;
  uint64_t masterOffset = 0; ///< of an owned parameter of bf16
};

struct HeldState {
  int index = 0;
  uint64_t offset = 0; ///< from the begin of the arena, behind which it lies
};

struct Program {
  uint64_t arenaBytes = 0;
  uint64_t optimizerOffset = 0, optimizerBytes = 0; ///< where states lie
  MemoryPlan memory;
  std::vector<HeldParameter> parameters;
  std::vector<HeldState> states;
  std::vector<Action> actions; ///< of a step
  /// Of an evaluation, numbered behind those of a step; none in a program
  /// without.
  std::vector<Action> evaluation;
  uint64_t evaluationBytes = 0; ///< of the arena that an evaluation needs
  /// An action of either, by its number.
  const Action &actionAt(size_t action) const {
    return action < actions.size() ? actions[action]
                                   : evaluation[action - actions.size()];
  }
  size_t allActions() const { return actions.size() + evaluation.size(); }
  int requests = 0; ///< of either
  std::vector<ProgramCollective> collectives;
  double predictedMakespan = 0, predictedBusy = 0, predictedBubble = -1;
};

/// An apply of the model.
struct Layer {
  std::string name;
  int64_t flops = 0; // of a forward
  int64_t outputBytes = 0, parameterBytes = 0;
};

/// What a mark of a stage function ends: a part of an apply.
struct Part {
  int layer = 0;
  char kind = 'F'; // F, R (forward again), B, I or W
};

/// The parts of a stage's functions in the order in which they run.
struct StageParts {
  std::vector<Part> byKind[4]; // by ActionKind, Forward to BackwardWeight
};

/// The collectives of layers in a stage's functions, in the order in which they
/// come to them, by their positions in the description.
struct StageCollectives {
  std::vector<int> byKind[4]; // by ActionKind, Forward to BackwardWeight
};

/// Seconds of the actions of each stage, and of the transfers from each stage
/// to the next (one for all, or one for each edge).
struct StageTimes {
  std::vector<double> forward, inputGradient, weightGradient;
  std::vector<double> transfer = {0};
  /// Of the collectives of replicas (one for all, or one for each stage).
  std::vector<double> parameterGather = {0}, gradientReduction = {0},
                      gradientGather = {0};
  /// What of the actions goes to collectives of layers (as above).
  std::vector<double> forwardCollectives = {0}, inputCollectives = {0},
                      weightCollectives = {0};

  /// How long an action takes; 0 if it is no computation.
  double of(const Action &action) const;
  /// Of that, how long its layers are in collectives.
  double inCollectives(const Action &action) const;
};

struct Description {
  std::string name, hash, fingerprint, schedule, recompute;
  /// Of the model's mathematics, whatever its batch, mesh and precision.
  std::string modelHash;
  std::string target = "cpu"; // or cuda
  std::string config;         ///< config.json of the model, or empty
  Mesh mesh;
  /// Neighbours on the axis tensor, the fastest one, that share a process.
  int ranksPerProcess = 1;
  int stages = 1, microbatches = 1; ///< micro-batches of a replica
  /// Into how many groups the micro-batches of a step fall whose sums are added
  /// in a tree.
  int groups = 1;
  int64_t batch = 1, sequence = 1;
  /// The vocabulary where no op says how large it is: that of i32.
  static constexpr int64_t unbounded = 2147483647;
  int64_t vocabulary = 0, targetClasses = 0;
  bool hasLossWeights = false; // the loss of a step is a weighted mean
  /// A target that the loss ignores: none of the classes, maybe below 0.
  std::optional<int64_t> ignoredTarget;
  std::vector<Input> inputs;
  std::vector<Parameter> parameters;
  std::vector<State> states;
  std::vector<Optimizer> optimizers; ///< the first is the default
  std::vector<std::string> functions;
  int conclude = -1; ///< of functions: what follows from losses and norms
  std::vector<Channel> channels;
  std::vector<Layer> layers;
  std::vector<StageParts> parts; // by stage; empty if the program has no marks
  std::vector<Program> programs; ///< by coordinate on `pipe`
  /// Of layers, in which all ranks of a group come to the same ones.
  std::vector<ProgramCollective> layerCollectives;
  /// By stage; empty if there are none.
  std::vector<StageCollectives> stageCollectives;
  std::vector<int> placement; ///< coordinate on `pipe` of each stage
  /// Of each stage: its schedule has I, which computes nothing, since nothing
  /// reads input gradients of the stage.
  std::vector<bool> hasEmptyInputGradient;
  /// As the compiler planned them, if it did.
  std::optional<StageTimes> times;

  int ranks() const { return mesh.size(); }
  /// The collectives of layers that an action comes to, in their order.
  const std::vector<int> &collectivesOf(const Action &action) const;
  /// Axes of several coordinates whose ranks have the same samples.
  std::vector<std::string> axesOfEqualSamples() const;
  /// The axes of collectives of any program, each list once.
  std::vector<std::vector<std::string>> groupsOfPrograms() const;
  int replicas() const { return mesh.sizeOf("data"); }
  /// Whether a rank is the first of those that compute the same but for what
  /// `parameter` (null: nothing) is cut over: it reports what all of them have.
  bool isFirstOfEqual(int rank, const Parameter *parameter) const;
  /// Of a step, of all replicas.
  int allMicrobatches() const { return microbatches * replicas(); }
  /// Losses, their weights if they have some, and square norms of the blocks of
  /// parameters, that a step reports.
  size_t reportedValues() const {
    return size_t(allMicrobatches()) * (hasLossWeights ? 2 : 1) +
           parameters.size() * size_t(groups);
  }
  /// Whether there are programs that compute losses alone.
  bool canEvaluate() const {
    return !programs.empty() && !programs.front().evaluation.empty();
  }
  /// What a rank runs.
  const Program &programOf(size_t rank) const {
    return programs[size_t(mesh.pipeOf(int(rank)))];
  }

  /// The position of an optimizer; the first one if none has the name.
  size_t findOptimizer(const std::string &name) const;
  /// Whether an optimizer reads a state.
  bool uses(const Optimizer &optimizer, const State &state) const;
  /// The states of a program that an optimizer reads, beside masters: those are
  /// the parameters.
  std::vector<HeldState> statesOf(const Program &program,
                                  const Optimizer &optimizer) const;
  /// Bytes from the begin of the area of states to the end of the last one that
  /// the optimizer reads.
  uint64_t stateBytes(const Program &program, const Optimizer &optimizer) const;

  /// The f32 values of a held parameter that a rank updates, in its arena; of
  /// the parameter they are those from element `first` on.
  struct Updated {
    uint64_t offset, bytes, first;
  };
  Updated updatedBy(int rank, const HeldParameter &held) const;

  /// Tokens that one step trains on.
  int64_t tokensPerStep() const { return batch * sequence * allMicrobatches(); }
};

/// Reads the description; throws Error.
Description parseDescription(const char *text);

/// The kind's short name in traces: F, B, I, W, send, ...
const char *actionKindName(ActionKind kind);

/// " of F 'embed', stage 1, micro-batch 3": what is known about an action, as
/// text that follows what happened in it; empty for none (-1).
std::string describeAction(const Program &program, int action);

} // namespace pprt

#endif // PPRT_DESCRIPTION_H
