//===- Buffers.h - Buffers of rank programs and stages ----------*- C++ -*-===//
//
// Which values need memory, how much, and when; shared by the pass that places
// them, the pass that checks the placement, and the lowering that uses it.
//
//===----------------------------------------------------------------------===//

#ifndef PP_DIALECT_PP_MEMORY_BUFFERS_H
#define PP_DIALECT_PP_MEMORY_BUFFERS_H

#include "pp/Dialect/PP/IR/PPOps.h"
#include "pp/Dialect/PP/IR/StepFunctions.h"
#include "pp/MemoryPlanning/Rings.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"

namespace pp {

/// Bytes of a statically shaped tensor in memory, without padding; failure for
/// element types that have no fixed size, and for more than 2^48 elements.
mlir::FailureOr<uint64_t> getTensorBytes(mlir::Type type);

/// Fails with an error where two live buffers share bytes, or a buffer has no
/// place; see pp-verify-memory.
mlir::LogicalResult verifyMemory(mlir::ModuleOp module);

//===----------------------------------------------------------------------===//
// Rank programs
//===----------------------------------------------------------------------===//

/// The key of `kind` in `pp.memory`.
llvm::StringRef getBufferKindName(BufferKind kind);

struct Buffer {
  BufferKind kind;
  memory::Interval interval; ///< time is the position of an op in the program
  mlir::Operation *op;       ///< what defines it, or first needs it
  unsigned result = 0;       ///< Activation, Communication: which result
  mlir::StringAttr parameter = {}; ///< Parameter, Gradient
  int64_t use = 0;                 ///< Gradient

  /// In a program with loops, of what belongs to a micro-batch: the name of the
  /// value, of the function for a workspace. There is one buffer for the value
  /// in all micro-batches; it has an instance for each.
  mlir::StringAttr series = {};
  std::vector<memory::Span> lives = {}; ///< of each instance
  /// Instances [begin, end) that ops in loops make or read: their places have
  /// to follow from the round.
  memory::Span inLoops = {};

  /// "result 0", "the workspace", ...: for messages.
  std::string describe() const;
};

/// Where a buffer lies; of a series, where each instance does.
using BufferOffsets = memory::Places;

/// The value of a series in `pp.rings`; see pp-plan-memory.
mlir::Attribute makePlacesAttr(mlir::Builder &builder,
                               const memory::Places &places);

/// All buffers of one rank program.
class ProgramBuffers {
public:
  /// Emits an error and fails on what cannot be placed. `withLives`: also when
  /// the instances of series live, for which every round is executed.
  static mlir::FailureOr<ProgramBuffers>
  analyze(ProgramOp program, mlir::SymbolTableCollection &symbols,
          const StepFunctions &functions, bool withLives = true);

  llvm::ArrayRef<Buffer> getBuffers() const { return buffers; }

  /// The buffer that a value lies in. Values share one: that of a receive and
  /// of its wait, that of a sum and of its first operand.
  unsigned lookup(mlir::Value value) const { return ofValue.at(value); }
  unsigned lookupParameter(mlir::StringAttr name) const {
    return ofParameter.find(name)->second;
  }
  unsigned lookupGradient(mlir::StringAttr name, int64_t use) const {
    return ofGradient.find({name, use})->second;
  }
  /// The workspace of an op; nothing if its function needs none.
  std::optional<unsigned> lookupWorkspace(mlir::Operation *op) const {
    auto it = ofWorkspace.find(op);
    return it == ofWorkspace.end() ? std::nullopt
                                   : std::optional<unsigned>(it->second);
  }

  /// Parameters the program updates, in program order.
  llvm::ArrayRef<mlir::StringAttr> getOwned() const { return owned; }

  /// Reads the offsets of all buffers from the attributes of a planned
  /// program; emits an error and fails if one is missing.
  mlir::FailureOr<std::vector<BufferOffsets>>
  readOffsets(ProgramOp program) const;

private:
  mlir::LogicalResult findLives(ProgramOp program);
  mlir::LogicalResult verifyTotal(ProgramOp program) const;
  /// What ops say of themselves.
  class Collector;

  void collectReads(ProgramOp program, mlir::SymbolTableCollection &symbols);

  llvm::SmallVector<Buffer> buffers;
  llvm::DenseMap<mlir::Value, unsigned> ofValue;
  /// Values that begin the life of a buffer, or of an instance of one.
  llvm::DenseSet<mlir::Value> made;
  llvm::MapVector<mlir::StringAttr, unsigned> ofParameter;
  llvm::MapVector<std::pair<mlir::StringAttr, int64_t>, unsigned> ofGradient;
  llvm::DenseMap<mlir::Operation *, unsigned> ofWorkspace;
  llvm::MapVector<mlir::StringAttr, unsigned> ofSeries, ofWorkspaceSeries;
  bool hasLoops = false;
  llvm::SmallVector<mlir::StringAttr> owned;
  /// Last op that reads or writes each parameter's buffer.
  llvm::DenseMap<mlir::StringAttr, llvm::SmallVector<uint32_t>> touches;
  uint32_t programLength = 0;
};

//===----------------------------------------------------------------------===//
// Stage functions
//===----------------------------------------------------------------------===//

/// Where a value of a stage function lies.
struct StageStorage {
  enum Kind {
    Argument,  ///< `index`: argument of the function
    Result,    ///< `index`: result of the function, in the caller's memory
    Constant,  ///< `constant`: a tensor constant
    Workspace, ///< in the stage's workspace, see pp.offsets of the call
    Scalar     ///< not memory: an SSA scalar such as a dropout key
  };
  Kind kind;
  unsigned index = 0;
  mlir::Operation *constant = nullptr;
};

/// All values of one stage function.
class StageValues {
public:
  /// Emits an error and fails on what a stage function must not hold.
  static mlir::FailureOr<StageValues>
  analyze(mlir::func::FuncOp stage, mlir::SymbolTableCollection &symbols);

  /// The value whose storage `value` shares: itself, or an accumulator.
  mlir::Value getRoot(mlir::Value value) const;
  StageStorage getStorage(mlir::Value value) const {
    return storage.lookup(getRoot(value));
  }

  /// A value or a callee's workspace that lies in the stage's workspace.
  struct Item {
    mlir::func::CallOp call;
    std::optional<unsigned> result; ///< nothing: the callee's workspace
    memory::Interval interval;      ///< time is the position of an op
  };
  llvm::ArrayRef<Item> getItems() const { return items; }

  mlir::FailureOr<llvm::SmallVector<uint64_t>> readOffsets() const;

private:
  llvm::DenseMap<mlir::Value, mlir::Value> accumulatesInto;
  llvm::DenseMap<mlir::Value, StageStorage> storage;
  llvm::SmallVector<Item> items;
};

/// The functions that the stages of a module name, each once, in order.
llvm::SmallVector<mlir::func::FuncOp>
getStageFunctions(mlir::ModuleOp module, mlir::SymbolTableCollection &symbols);

} // namespace pp

#endif // PP_DIALECT_PP_MEMORY_BUFFERS_H
