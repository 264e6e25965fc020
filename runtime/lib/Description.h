//===- Description.h - What the compiler says about a program -------------===//
//
// The JSON text that is linked into every compiled program, read into structs.
// A field that is missing or impossible is an error that names it.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_DESCRIPTION_H
#define PPRT_DESCRIPTION_H

#include <cstdint>
#include <string>
#include <vector>

namespace pprt {

/// How a parameter gets its first values.
struct Initializer {
  enum Kind { Normal, Uniform, Constant } kind = Constant;
  double mean = 0, deviation = 1; // Normal
  double low = 0, high = 1;       // Uniform
  double value = 0;               // Constant; also zeros and ones
};

struct Input {
  std::string name;
  /// Targets are the tokens shifted by one.
  bool isTargets = false;
  int64_t rows = 1;   // sequences in a micro-batch
  int64_t length = 1; // tokens in a sequence
};

struct Parameter {
  std::string name;
  std::vector<int64_t> shape;
  uint64_t elements = 0;
  Initializer init;
  bool decay = false;
  int owner = 0;
  int uses = 1;
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
  Reduce,
  Exchange,
  Update,
};

struct Action {
  ActionKind kind = ActionKind::Forward;
  int stage = -1, microbatch = -1, peer = -1;
  std::string name;
};

struct MemoryPlan {
  uint64_t parameters = 0, gradients = 0, optimizer = 0, activations = 0,
           workspace = 0, communication = 0;
};

/// A parameter that a rank holds: its own, or a copy of another rank's.
struct HeldParameter {
  int index = 0;
  uint64_t offset = 0;
  bool owned = false;
  uint64_t mOffset = 0, vOffset = 0; // from the optimizer area's begin
};

struct Program {
  uint64_t arenaBytes = 0;
  uint64_t optimizerOffset = 0, optimizerBytes = 0;
  MemoryPlan memory;
  std::vector<HeldParameter> parameters;
  std::vector<Action> actions;
  int requests = 0;
  double predictedMakespan = 0, predictedBusy = 0, predictedBubble = -1;
};

struct Description {
  std::string name, hash, schedule, recompute;
  std::string target = "cpu"; // or cuda
  int ranks = 1, stages = 1, microbatches = 1;
  int64_t batch = 1, sequence = 1;
  int64_t vocabulary = 0, targetClasses = 0;
  int64_t ignoredTarget = -1; // a target beyond the classes, or -1
  std::vector<Input> inputs;
  std::vector<Parameter> parameters;
  std::vector<Channel> channels;
  std::vector<Program> programs;

  /// Tokens that one step trains on.
  int64_t tokensPerStep() const { return batch * sequence * microbatches; }
};

/// Reads the description; throws Error.
Description parseDescription(const char *text);

/// The kind's short name in traces: F, B, I, W, send, ...
const char *actionKindName(ActionKind kind);

} // namespace pprt

#endif // PPRT_DESCRIPTION_H
