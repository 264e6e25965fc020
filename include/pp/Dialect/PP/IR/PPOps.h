//===- PPOps.h - Ops of the pp dialect --------------------------*- C++ -*-===//

#ifndef PP_DIALECT_PP_IR_PPOPS_H
#define PP_DIALECT_PP_IR_PPOPS_H

#include "pp/Dialect/Comm/IR/CollectiveOpInterface.h"
#include "pp/Dialect/Comm/IR/CommAttributes.h"
#include "pp/Dialect/Comm/IR/DistributionOpInterface.h"
#include "pp/Dialect/PP/IR/PPDialect.h"
#include "pp/Dialect/PP/IR/RankOpInterface.h"
#include "pp/Interfaces/MeshOpInterface.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "pp/Dialect/PP/IR/PPEnums.h.inc"

namespace pp {

/// Transfers, collectives and what they carry out of a rank.
struct ChannelResource : mlir::SideEffects::Resource::Base<ChannelResource> {
  llvm::StringRef getName() final { return "pp.channel"; }
};

/// The parameters of a rank.
struct ParameterResource
    : mlir::SideEffects::Resource::Base<ParameterResource> {
  llvm::StringRef getName() final { return "pp.parameter"; }
};

/// The gradient accumulators of a rank.
struct GradientResource : mlir::SideEffects::Resource::Base<GradientResource> {
  llvm::StringRef getName() final { return "pp.gradient"; }
};

/// Names of the attributes that bind arguments and results of stage functions
/// (see the description of the dialect).
namespace attr {
inline constexpr llvm::StringLiteral kValue = "pp.value";
inline constexpr llvm::StringLiteral kParam = "pp.param";
inline constexpr llvm::StringLiteral kGrad = "pp.grad";
inline constexpr llvm::StringLiteral kUse = "pp.use";
inline constexpr llvm::StringLiteral kAccumulates = "pp.accumulates";
inline constexpr llvm::StringLiteral kData = "pp.data";
inline constexpr llvm::StringLiteral kKey = "pp.key";
inline constexpr llvm::StringLiteral kLoss = "pp.loss";
inline constexpr llvm::StringLiteral kLossWeight = "pp.loss_weight";
/// On a function that holds the computation of a layer, not calls of such.
inline constexpr llvm::StringLiteral kLayerFunction = "pp.layer_function";
/// On a call in a stage function: what it computes of which apply of the model.
inline constexpr llvm::StringLiteral kPart = "pp.part";
/// On the module: what is known of the applies of the model.
inline constexpr llvm::StringLiteral kLayers = "pp.layers";
/// On the module: a digest of the model's text, and the policy of its user.
inline constexpr llvm::StringLiteral kFingerprint = "pp.fingerprint";
inline constexpr llvm::StringLiteral kRecompute = "pp.recompute";
/// On the module: a digest of what the model computes; see pp-record-options.
inline constexpr llvm::StringLiteral kModelHash = "pp.model_hash";
/// On the module: what was decided for a memory limit; see pp-record-options.
inline constexpr llvm::StringLiteral kDecision = "pp.decision";
/// On an input: ids are below it, or are this one; see pp-annotate-inputs.
inline constexpr llvm::StringLiteral kBound = "pp.bound";
inline constexpr llvm::StringLiteral kIgnored = "pp.ignored";
/// On the schedule and on programs: seconds; see pp-annotate-times.
inline constexpr llvm::StringLiteral kTimes = "pp.times";
inline constexpr llvm::StringLiteral kPredicted = "pp.predicted";
/// On a program: collectives of its layers in a micro-batch; see
/// pp-annotate-times.
inline constexpr llvm::StringLiteral kLayerCollectives = "pp.layer_collectives";
/// From pp-shard to pp-partition-shards, on layers that are whole. On an
/// argument or a result: the distribution that it is to have. On an op: those
/// as which it is to take its operands, and that it is the sum of a product and
/// what was its bias.
inline constexpr llvm::StringLiteral kShard = "pp.shard";
inline constexpr llvm::StringLiteral kTakes = "pp.takes";
inline constexpr llvm::StringLiteral kBias = "pp.bias";
/// On a function of the end of a step: what it is for (StepFunctions.h), and
/// that it lets the weights decay.
inline constexpr llvm::StringLiteral kRole = "pp.role";
inline constexpr llvm::StringLiteral kDecays = "pp.decays";
/// On functions, calls and programs: a memory plan; see pp-plan-memory.
inline constexpr llvm::StringLiteral kWorkspace = "pp.workspace";
inline constexpr llvm::StringLiteral kWorkspaceOffset = "pp.workspace_offset";
inline constexpr llvm::StringLiteral kOffsets = "pp.offsets";
inline constexpr llvm::StringLiteral kMemory = "pp.memory";
inline constexpr llvm::StringLiteral kParameters = "pp.parameters";
inline constexpr llvm::StringLiteral kGradients = "pp.gradients";
inline constexpr llvm::StringLiteral kStates = "pp.states";
inline constexpr llvm::StringLiteral kRings = "pp.rings";
inline constexpr llvm::StringLiteral kWorkspaces = "pp.workspaces";
} // namespace attr

/// The data that say which document each token is of.
inline constexpr llvm::StringLiteral kDocuments = "documents";

/// Pieces of parameters are multiples of so many elements.
inline constexpr int64_t kPieceMultiple = 32;

/// The type in which gradients of a parameter of type `parameter` accumulate:
/// f32 where it holds bf16.
mlir::RankedTensorType getGradientType(mlir::Type parameter);

} // namespace pp

#define GET_ATTRDEF_CLASSES
#include "pp/Dialect/PP/IR/PPAttributes.h.inc"

#define GET_TYPEDEF_CLASSES
#include "pp/Dialect/PP/IR/PPTypes.h.inc"

#define GET_OP_CLASSES
#include "pp/Dialect/PP/IR/PPOps.h.inc"

namespace pp {
/// The micro-batch that an op of a rank program belongs to, as written; nothing
/// for what a step does once.
std::optional<int64_t> getMicrobatch(mlir::Operation *op);

/// The programs of a step, or those of an evaluation, in the module's order.
/// Programs of one kind run together, those of the other kind before or after.
enum class ProgramKind { Step, Evaluation };
llvm::SmallVector<ProgramOp> getPrograms(mlir::ModuleOp module,
                                         ProgramKind kind);
} // namespace pp

#endif // PP_DIALECT_PP_IR_PPOPS_H
