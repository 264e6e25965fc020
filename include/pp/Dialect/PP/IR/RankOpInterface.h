//===- RankOpInterface.h - Ops of rank programs -----------------*- C++ -*-===//
//
// The words in which an op of a rank program answers the passes: events of
// communication, buffers, calls. What stands behind BufferDeclarations and
// StepCalls is the memory analysis and the lowering; an op knows neither.
//
//===----------------------------------------------------------------------===//

#ifndef PP_DIALECT_PP_IR_RANKOPINTERFACE_H
#define PP_DIALECT_PP_IR_RANKOPINTERFACE_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"

#include <optional>
#include <tuple>

namespace pp {

class ProgramDistributions;
class RunOp;
class StepFunctions;

/// Name of the op and up to two attributes, as opaque pointers.
using SeriesKey = std::tuple<const void *, const void *, const void *>;

//===----------------------------------------------------------------------===//
// Communication
//===----------------------------------------------------------------------===//

/// What an op does about communication.
struct CommunicationEvent {
  enum class Kind {
    Send,       ///< posts the send of a message
    Receive,    ///< posts the receive of a message
    Start,      ///< starts a collective
    Wait,       ///< waits for what another op has posted or started
    Collective, ///< starts a collective over all axes, and waits for it
  };
  Kind kind;
  /// Send, Receive: the pp.channel, the name of the value, the tag as written,
  /// the micro-batch (none for what a step sends once) and the value.
  mlir::StringAttr channel = {}, value = {};
  uint64_t tag = 0;
  std::optional<uint64_t> microbatch = std::nullopt;
  mlir::Value buffer = {};
  /// Start: the axes; value, micro-batch and buffer (the operand) as above.
  mlir::ArrayAttr axes = {};
  /// Wait: the op that has posted.
  mlir::Operation *posted = nullptr;

  bool isTransfer() const {
    return kind == Kind::Send || kind == Kind::Receive;
  }
  /// Whether it takes a request until it is waited for.
  bool isPost() const { return isTransfer() || kind == Kind::Start; }
  /// Posts of the same series differ by their micro-batch only.
  auto getSeries() const {
    return std::tuple(kind, channel.getAsOpaquePointer(),
                      value.getAsOpaquePointer(), axes.getAsOpaquePointer());
  }
};

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

enum class BufferKind {
  Parameter,
  Gradient,
  Activation,
  Communication,
  Workspace
};

/// Takes down what buffers the ops of a program need, in program order. All
/// functions emit an error at `op`, or at what defines `value`, and fail if the
/// type has no size.
class BufferDeclarations {
public:
  virtual ~BufferDeclarations() = default;

  virtual mlir::SymbolTableCollection &getSymbols() = 0;
  virtual const StepFunctions &getFunctions() = 0;

  /// A value gets a buffer of its own. A name makes it one of a series in
  /// programs with loops: one buffer for the value in all micro-batches.
  virtual llvm::LogicalResult addValue(mlir::Value value, BufferKind kind,
                                       mlir::StringAttr series = {}) = 0;
  /// A received value: as addValue, but straight into the buffer of a parameter
  /// that it is only stored to.
  virtual llvm::LogicalResult addReceived(mlir::Value value,
                                          mlir::StringAttr series) = 0;
  /// The value lies in the buffer of another one.
  virtual void share(mlir::Value value, mlir::Value with) = 0;
  /// The parameter's buffer, and that the op reads or writes it.
  virtual llvm::LogicalResult
  addParameter(mlir::Operation *op, mlir::StringAttr name, mlir::Type type) = 0;
  virtual void shareParameter(mlir::Value value, mlir::StringAttr name) = 0;
  /// The program updates the parameter, and has its optimizer state.
  virtual llvm::LogicalResult addOwned(mlir::Operation *op,
                                       mlir::StringAttr name) = 0;
  /// The accumulator of one use of a parameter.
  virtual llvm::LogicalResult addGradient(mlir::Operation *op,
                                          mlir::StringAttr name, int64_t use,
                                          mlir::Type type) = 0;
  virtual void shareGradient(mlir::Value value, mlir::StringAttr name,
                             int64_t use) = 0;
  /// The workspace of an op, one for all ops with that name in a program with
  /// loops; an op that a step runs once has no name.
  virtual void addWorkspace(mlir::Operation *op, mlir::StringAttr series,
                            uint64_t bytes) = 0;
  /// The workspace of an op is in use until the last use of its result `value`.
  virtual void keepWorkspace(mlir::Operation *op, mlir::Value value) = 0;
  /// The buffer in which a value lies has at least so many bytes.
  virtual void reserve(mlir::Value value, uint64_t bytes) = 0;
};

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

/// An operand of a call. `numbers` may differ between repetitions of a call;
/// all else makes another call.
struct CallOperand {
  enum Kind {
    Argument, ///< argument `base` of the function
    Number,   ///< numbers[0] as an integer of `type`
    Address,  ///< argument `base` plus numbers[0] bytes
    Slot,     ///< argument `base` plus as many bytes as entry numbers[0] of the
              ///< i64 array that argument `table` points to holds
    Symbol,   ///< the address of `symbol` plus numbers[0] times 8 bytes
    MixedKey, ///< argument `base` mixed with each of `numbers` in turn
    Result,   ///< what the call `base` places before this one has returned
  };

  static CallOperand argument(unsigned index) { return {Argument, index}; }
  static CallOperand number(mlir::Type type, int64_t value) {
    return {Number, 0, 0, type, {}, {value}};
  }
  static CallOperand address(unsigned base, int64_t bytes) {
    return {Address, base, 0, {}, {}, {bytes}};
  }
  static CallOperand slot(unsigned base, unsigned table, int64_t slot) {
    return {Slot, base, table, {}, {}, {slot}};
  }
  static CallOperand symbolAt(mlir::StringAttr symbol, int64_t index = 0) {
    return {Symbol, 0, 0, {}, symbol, {index}};
  }
  static CallOperand mixedKey(unsigned base, llvm::ArrayRef<int64_t> salts) {
    return {MixedKey, base, 0, {}, {}, llvm::SmallVector<int64_t, 1>(salts)};
  }
  static CallOperand result(unsigned distance) { return {Result, distance}; }

  /// Equal but for the numbers.
  bool isLike(const CallOperand &other) const {
    return kind == other.kind && base == other.base && table == other.table &&
           type == other.type && symbol == other.symbol &&
           numbers.size() == other.numbers.size();
  }

  Kind kind;
  unsigned base = 0, table = 0;
  mlir::Type type = {};
  mlir::StringAttr symbol = {};
  llvm::SmallVector<int64_t, 1> numbers = {};
  /// `step`: added to the number in each round of the enclosing loop. `cycle`:
  /// if not empty, the values to use instead, one a round, round-robin. Both
  /// are for operands with one number.
  int64_t step = 0;
  std::vector<int64_t> cycle = {};
};

/// An entry of the trace: what pprt_action_begin is told the index of.
struct TracedAction {
  std::string kind; ///< F B I W send recv reduce update
  int64_t stage = -1, microbatch = -1, peer = -1;
  std::string name;
};

/// Takes down the calls of a step, in program order. Operands of ops in loops
/// follow the round: addresses their ring, micro-batches and tags the step.
class StepCalls {
public:
  virtual ~StepCalls() = default;

  virtual mlir::SymbolTableCollection &getSymbols() = 0;
  virtual const StepFunctions &getFunctions() = 0;

  // Operands.
  virtual CallOperand context() = 0;
  virtual CallOperand number(uint64_t value) = 0;  ///< an i64
  virtual CallOperand number32(int64_t value) = 0; ///< an i32
  /// An i32 that grows with the micro-batch.
  virtual CallOperand growing(int64_t value) = 0;
  /// Where a value lies for the micro-batch of the op at hand.
  virtual CallOperand address(mlir::Value value) = 0;
  virtual CallOperand parameterAddress(mlir::StringAttr name) = 0;
  /// Where the rank's piece of a parameter lies, of so many bytes: what a call
  /// answers, and so for the next call only. `address` of a value that is a
  /// piece is this as well.
  virtual CallOperand pieceAddress(mlir::StringAttr name, uint64_t bytes) = 0;
  /// Where the workspace of an op lies: anywhere if it has none.
  virtual CallOperand workspaceAddress(mlir::Operation *op) = 0;
  /// Position of a symbol among the ops of its kind, as the runtime knows it.
  virtual CallOperand parameterIndex(mlir::StringAttr name) = 0;
  virtual CallOperand channelIndex(mlir::StringAttr name) = 0;
  /// The request of a transfer, from when it is posted until it is waited for;
  /// of a collective its number among those of the program.
  virtual CallOperand startRequest(mlir::Operation *post) = 0;
  virtual CallOperand endRequest(mlir::Operation *post) = 0;

  // Calls.
  virtual void call(llvm::StringRef name,
                    llvm::ArrayRef<CallOperand> operands) = 0;
  /// A call whose status ends the step if it is not 0.
  virtual void callChecked(llvm::StringRef name,
                           llvm::ArrayRef<CallOperand> operands) = 0;
  virtual void copy(CallOperand target, CallOperand source,
                    CallOperand bytes) = 0;
  /// Clears the accumulator of a use; those that lie side by side and are
  /// cleared by consecutive ops are cleared by one call.
  virtual void clearGradient(mlir::StringAttr parameter, int64_t use) = 0;
  /// The call of a stage function, with its table of places.
  virtual llvm::LogicalResult callStage(RunOp run) = 0;

  // Loops.
  virtual void beginLoop(uint64_t rounds, int64_t step) = 0;
  virtual void endLoop() = 0;
};

} // namespace pp

#include "pp/Dialect/PP/IR/RankOpInterface.h.inc"

#endif // PP_DIALECT_PP_IR_RANKOPINTERFACE_H
