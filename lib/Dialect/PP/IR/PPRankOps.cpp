//===- PPRankOps.cpp - Rank level of the pp dialect -----------------------===//
//
// What one program can prove about itself: operands fit the functions and
// parameters that they are bound to, channels touch the program's rank, and
// every transfer is waited for once. What needs all programs together is
// proven by pp-verify-communication.
//
//===----------------------------------------------------------------------===//

#include "Numbers.h"

#include "pp/Dialect/Comm/IR/CommOps.h"
#include "pp/Dialect/PP/IR/PPOps.h"

#include "pprt_collectives.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace pp;

LogicalResult ChannelOp::verify() {
  int64_t source = getSource(), destination = getDestination();
  for (int64_t pipe : {source, destination})
    if (failed(verifyNumber(*this, "pipe coordinate", pipe, limits::kRanks)))
      return failure();
  if (source == destination)
    return emitOpError()
           << "found a channel from pipe coordinate " << source
           << " to itself, expected two coordinates: values stay SSA "
              "within a program";
  return success();
}

//===----------------------------------------------------------------------===//
// Program
//===----------------------------------------------------------------------===//

LogicalResult ProgramOp::verify() {
  return verifyNumber(*this, "pipe coordinate", getPipe(), limits::kRanks);
}

SmallVector<ProgramOp> pp::getPrograms(ModuleOp module, ProgramKind kind) {
  return llvm::filter_to_vector(
      module.getOps<ProgramOp>(), [&](ProgramOp program) {
        return program.isEvaluation() == (kind == ProgramKind::Evaluation);
      });
}

bool ProgramOp::hasLoops() {
  auto loops = getBody().front().getOps<BeginLoopOp>();
  return !loops.empty();
}

void ProgramOp::walkSteps(
    llvm::function_ref<void(Operation *, int64_t)> visit) {
  SmallVector<Operation *> body;
  BeginLoopOp loop;
  for (Operation &op : getBody().front()) {
    if (auto begin = dyn_cast<BeginLoopOp>(op)) {
      loop = begin;
    } else if (isa<EndLoopOp>(op)) {
      for (uint64_t round = 0; round != loop.getRounds(); ++round)
        for (Operation *each : body)
          visit(each, round * loop.getStep());
      body.clear();
      loop = {};
    } else if (loop) {
      body.push_back(&op);
    } else {
      visit(&op, 0);
    }
  }
}

LogicalResult BeginLoopOp::verify() {
  constexpr int64_t most = limits::kMicrobatches;
  int64_t rounds = getRounds(), step = getStep();
  if (rounds < 1 || step < 1 || rounds > most || step > most)
    return emitOpError() << "found " << rounds << " rounds and a step of "
                         << step << ", expected from 1 to " << most
                         << " of both";
  return success();
}

/// The numbers of an op in the last round of its loop.
static LogicalResult verifyLastRound(Operation &op, BeginLoopOp loop) {
  int64_t shift = int64_t(loop.getRounds() - 1) * int64_t(loop.getStep());
  auto verify = [&](StringRef what, int64_t number,
                    int64_t end) -> LogicalResult {
    if (number + shift < end)
      return success();
    InFlightDiagnostic diagnostic =
        op.emitOpError() << "found " << what << " " << number + shift
                         << " in the last round, expected a number from 0 to "
                         << end - 1;
    diagnostic.attachNote(loop.getLoc()) << "the loop begins here";
    return diagnostic;
  };
  if (failed(verify("micro-batch", *getMicrobatch(&op), limits::kMicrobatches)))
    return failure();
  auto event = cast<RankOpInterface>(op).getCommunication();
  return event && event->isTransfer() ? verify("tag", event->tag, limits::kTags)
                                      : success();
}

/// Constraints 4 to 6.
static LogicalResult verifyLoops(ProgramOp program, Block &block) {
  BeginLoopOp open;
  int64_t steps = 0;
  for (Operation &op : block) {
    if (auto begin = dyn_cast<BeginLoopOp>(op)) {
      if (open) {
        InFlightDiagnostic diagnostic =
            begin.emitOpError() << "found a loop in a loop, expected "
                                   "pp.end_loop before the next one begins";
        diagnostic.attachNote(open.getLoc()) << "the outer loop begins here";
        return diagnostic;
      }
      open = begin;
    } else if (isa<EndLoopOp>(op)) {
      if (!open)
        return op.emitOpError("found the end of a loop that has not begun, "
                              "expected pp.begin_loop before it");
      open = {};
    } else if (!open) {
      ++steps;
    } else if (!isa<ReturnOp>(op)) {
      if (!getMicrobatch(&op))
        return op.emitOpError("found in a loop, expected ops of a micro-batch "
                              "only: move what a step does once behind the "
                              "loop");
      if (failed(verifyLastRound(op, open)))
        return failure();
      steps += open.getRounds();
    }
  }
  if (open)
    return open.emitOpError("found a loop without end, expected pp.end_loop "
                            "before the end of the program");
  // All that checks a program executes its rounds.
  if (steps > limits::kSteps)
    return program.emitOpError() << "found " << steps
                                 << " ops with every round of its loops, "
                                    "expected at most "
                                 << limits::kSteps;
  return success();
}

/// The wait of a token; the error about none or several otherwise. With loops
/// any op may stand for the transfer of a micro-batch, and the proof of
/// communication counts.
static LogicalResult verifyToken(Operation *transfer, Value token,
                                 StringRef wait) {
  auto program = cast<ProgramOp>(transfer->getParentOp());
  if (token.hasOneUse() || (getMicrobatch(transfer) && program.hasLoops()))
    return success();
  if (token.use_empty())
    return transfer->emitOpError()
           << "found a transfer that is never waited for, expected one " << wait
           << " before the end of the program";
  InFlightDiagnostic diagnostic =
      transfer->emitOpError()
      << "found a transfer that is waited for "
      << std::distance(token.use_begin(), token.use_end())
      << " times, expected one " << wait;
  for (Operation *user : token.getUsers())
    diagnostic.attachNote(user->getLoc()) << "waited for here";
  return diagnostic;
}

/// The token, the last result, is waited for once; what is made meanwhile, the
/// result before it, is read by that wait alone.
static LogicalResult verifyPost(Operation &op,
                                const CommunicationEvent &event) {
  using Kind = CommunicationEvent::Kind;
  StringRef wait = event.kind == Kind::Send      ? "pp.wait_send"
                   : event.kind == Kind::Receive ? "pp.wait"
                                                 : "pp.finish";
  Value token = op.getResults().back();
  if (failed(verifyToken(&op, token, wait)))
    return failure();
  for (Value buffer : op.getResults().drop_back())
    for (Operation *user : buffer.getUsers()) {
      if (llvm::is_contained(token.getUsers(), user))
        continue;
      InFlightDiagnostic diagnostic =
          user->emitError() << "found a read of a buffer that is still being "
                            << (event.isTransfer() ? "received" : "made")
                            << ", expected the result of its " << wait;
      diagnostic.attachNote(op.getLoc()) << "posted here";
      return diagnostic;
    }
  return success();
}

/// Constraint 7. That whole parameters are stored is left to what is gathered:
/// only a receive makes other values of parameters.
static LogicalResult verifyEvaluates(Operation &op) {
  if (auto run = dyn_cast<RunOp>(op); run && run.getKind() != ActionKind::F)
    return op.emitOpError("found ")
           << stringifyActionKind(run.getKind())
           << " in a program that evaluates, expected F alone: it trains "
              "nothing";
  if (auto store = dyn_cast<StoreParameterOp>(op)) {
    auto finish = store.getValue().getDefiningOp<FinishOp>();
    auto start =
        finish ? finish.getToken().getDefiningOp<StartOp>() : StartOp();
    auto piece = start && start.getKind() == CollectiveKind::AllGather
                     ? start.getOperand().getDefiningOp<LoadPieceOp>()
                     : LoadPieceOp();
    if (piece && piece.getParameterAttr() == store.getParameterAttr())
      return success();
  } else if (!isa<ZeroGradientOp, LoadGradientOp, ReduceGradientsOp,
                  CopyGradientOp, GradNormOp, UpdateOp, StorePieceOp>(op)) {
    return success();
  }
  return op.emitOpError("found in a program that evaluates, expected forward "
                        "actions and gathers of parameters alone: parameters "
                        "stay as the step left them");
}

LogicalResult ProgramOp::verifyRegions() {
  Block &block = getBody().front();
  auto end = block.empty() ? ReturnOp() : dyn_cast<ReturnOp>(block.back());
  if (!end || end->getNumOperands())
    return emitOpError() << "expected pp.return without operands at the end";
  if (failed(verifyLoops(*this, block)))
    return failure();
  for (Operation &op : block) {
    auto rankOp = dyn_cast<RankOpInterface>(op);
    auto event = rankOp ? rankOp.getCommunication() : std::nullopt;
    if (event && event->isPost() && failed(verifyPost(op, *event)))
      return failure();
    if (isEvaluation() && failed(verifyEvaluates(op)))
      return failure();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Actions
//===----------------------------------------------------------------------===//

static LogicalResult verifyMicrobatch(Operation *op,
                                      std::optional<uint64_t> number) {
  return verifyNumber(op, "micro-batch", number.value_or(0),
                      limits::kMicrobatches);
}

LogicalResult RunOp::verify() {
  if (failed(verifyNumber(*this, "stage", getStage(), limits::kStages)))
    return failure();
  return verifyMicrobatch(*this, getMicrobatch());
}

LogicalResult LossOp::verify() {
  return verifyMicrobatch(*this, getMicrobatch());
}

LogicalResult LossWeightOp::verify() {
  return verifyMicrobatch(*this, getMicrobatch());
}

LogicalResult RunOp::verifySymbolUses(SymbolTableCollection &symbols) {
  Operation *callee = symbols.lookupNearestSymbolFrom(*this, getCalleeAttr());
  if (!callee || !isa<FunctionOpInterface>(callee))
    return emitOpError() << "found no function " << getCalleeAttr()
                         << ", expected one in the module";
  // Once lowered, a function keeps no tensors to compare.
  auto function = dyn_cast<func::FuncOp>(callee);
  if (!function)
    return success();
  SmallVector<Type> arguments, results;
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes()))
    if (function.getArgAttr(i, attr::kValue))
      arguments.push_back(type);
  for (auto [i, type] : llvm::enumerate(function.getResultTypes()))
    if (function.getResultAttr(i, attr::kValue))
      results.push_back(type);
  auto compare = [&](StringRef what, TypeRange found,
                     ArrayRef<Type> expected) -> LogicalResult {
    if (found == TypeRange(expected))
      return success();
    InFlightDiagnostic diagnostic =
        emitOpError() << "found " << what << " (" << found << "), expected ("
                      << expected << "), the pp.value " << what << " of @"
                      << function.getSymName();
    diagnostic.attachNote(function.getLoc()) << "the function is defined here";
    return diagnostic;
  };
  if (failed(compare("operands", getOperands().getTypes(), arguments)))
    return failure();
  return compare("results", getResultTypes(), results);
}

//===----------------------------------------------------------------------===//
// Transfers
//===----------------------------------------------------------------------===//

template <typename TransferOp>
static LogicalResult verifyTransfer(TransferOp op) {
  if (failed(verifyNumber(op, "tag", op.getTag(), limits::kTags)))
    return failure();
  return verifyMicrobatch(op, op.getMicrobatch());
}

template <typename TransferOp>
static LogicalResult verifyChannel(TransferOp op, StringRef end,
                                   SymbolTableCollection &symbols) {
  auto channel = symbols.lookupNearestSymbolFrom<ChannelOp>(
      op->getParentOp()->getParentOp(), op.getChannelAttr());
  if (!channel)
    return op.emitOpError() << "found no pp.channel " << op.getChannelAttr()
                            << ", expected one in the module";
  uint64_t pipe = cast<ProgramOp>(op->getParentOp()).getPipe();
  uint64_t actual = std::is_same_v<TransferOp, ISendOp>
                        ? channel.getSource()
                        : channel.getDestination();
  if (pipe == actual)
    return success();
  InFlightDiagnostic diagnostic = op.emitOpError()
                                  << "found channel @" << channel.getSymName()
                                  << " that " << end << " at pipe coordinate "
                                  << actual << ", expected pipe coordinate "
                                  << pipe << " of the program";
  diagnostic.attachNote(channel.getLoc()) << "the channel is declared here";
  return diagnostic;
}

LogicalResult ISendOp::verify() { return verifyTransfer(*this); }
LogicalResult IRecvOp::verify() { return verifyTransfer(*this); }

LogicalResult ISendOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyChannel(*this, "starts", symbols);
}
LogicalResult IRecvOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyChannel(*this, "ends", symbols);
}

/// A wait may name a micro-batch of its own in a program with loops, where its
/// token can be that of another round; see constraint 6 of pp.program.
template <typename TransferOp>
static LogicalResult verifyWait(Operation *op, std::optional<uint64_t> number,
                                TransferOp transfer) {
  if (!number)
    return success();
  if (failed(verifyMicrobatch(op, number)))
    return failure();
  std::optional<uint64_t> own = transfer.getMicrobatch();
  if (!own) {
    InFlightDiagnostic diagnostic =
        op->emitOpError() << "found micro-batch " << *number
                          << " for a transfer without one, expected none";
    diagnostic.attachNote(transfer.getLoc()) << "posted here";
    return diagnostic;
  }
  auto program = cast<ProgramOp>(op->getParentOp());
  if (*own == *number || program.hasLoops())
    return success();
  InFlightDiagnostic diagnostic =
      op->emitOpError() << "found micro-batch " << *number << ", expected "
                        << *own << ", that of the transfer: only in programs "
                        << "with loops a token stands for several";
  diagnostic.attachNote(transfer.getLoc()) << "posted here";
  return diagnostic;
}

LogicalResult WaitOp::verify() {
  auto receive = getToken().getDefiningOp<IRecvOp>();
  if (!receive)
    return emitOpError() << "found a token that no pp.irecv made, expected one "
                            "of a receive: wait for a send with pp.wait_send";
  if (failed(verifyWait(*this, getMicrobatch(), receive)))
    return failure();
  if (receive.getBuffer() == getBuffer())
    return success();
  InFlightDiagnostic diagnostic =
      emitOpError() << "found token and buffer of different transfers, "
                       "expected both results of one pp.irecv";
  diagnostic.attachNote(receive.getLoc()) << "the token is made here";
  return diagnostic;
}

LogicalResult WaitSendOp::verify() {
  auto send = getToken().getDefiningOp<ISendOp>();
  if (!send)
    return emitOpError() << "found a token that no pp.isend made, expected one "
                            "of a send: wait for a receive with pp.wait";
  if (failed(verifyWait(*this, getMicrobatch(), send)))
    return failure();
  if (send.getBuffer() == getBuffer())
    return success();
  InFlightDiagnostic diagnostic =
      emitOpError() << "found another buffer than the one being sent, expected "
                       "the operand of the pp.isend";
  diagnostic.attachNote(send.getLoc()) << "sent here";
  return diagnostic;
}

//===----------------------------------------------------------------------===//
// Collectives
//===----------------------------------------------------------------------===//

static_assert(int(CollectiveKind::AllReduce) == PPRT_ALL_REDUCE &&
              int(CollectiveKind::ReduceScatter) == PPRT_REDUCE_SCATTER &&
              int(CollectiveKind::AllGather) == PPRT_ALL_GATHER &&
              int(CollectiveKind::AllToAll) == PPRT_ALL_TO_ALL);

int64_t StartOp::getGroupSize() {
  auto meshes = (*this)->getParentOfType<ModuleOp>().getOps<MeshOp>();
  return meshes.empty() ? 1
                        : (*meshes.begin()).getGroupSize(getAxes()).value_or(1);
}

bool StartOp::isSum() { return pprt_is_sum(int32_t(getKind())); }

int64_t StartOp::getPartElements() {
  Value part = getKind() == CollectiveKind::AllGather ? getOperand()
                                                      : Value(getBuffer());
  int64_t elements = cast<RankedTensorType>(part.getType()).getNumElements();
  return getKind() == CollectiveKind::AllToAll ? elements / getGroupSize()
                                               : elements;
}

bool StartOp::spansPipe() {
  return llvm::is_contained(getAxes().getAsValueRange<StringAttr>(),
                            MeshOp::kStages);
}

LogicalResult StartOp::verify() {
  if (failed(comm::verifyAxes(*this, getAxes())))
    return failure();
  auto type = cast<RankedTensorType>(getOperand().getType());
  if (isSum() && !isa<FloatType>(type.getElementType()))
    return emitOpError() << "(C3) found " << type
                         << " in a sum, expected elements of bf16, f32 or f64: "
                            "integers can be gathered";
  const bool mayBePiece =
      getKind() == CollectiveKind::ReduceScatter &&
      cast<RankedTensorType>(getBuffer().getType()).getRank() == 1;
  if (getKind() != CollectiveKind::AllReduce && type.getRank() == 0 &&
      !mayBePiece)
    return emitOpError() << "(C3) found " << type << " in "
                         << stringifyCollectiveKind(getKind())
                         << ", expected a first dimension, along which parts "
                            "lie: all-reduce it";
  if (getKind() == CollectiveKind::AllToAll && type.getRank() < 2)
    return emitOpError() << "(C3) found " << type
                         << " in all_to_all, expected two dimensions, of which "
                            "one is cut and the other put together: reshape it "
                            "in the layer";
  return verifyMicrobatch(*this, getMicrobatch());
}

/// The type of what an all-to-all over `group` ranks makes of `type`; null if
/// its parts are not contiguous.
static RankedTensorType exchangeDims(RankedTensorType type, int64_t group) {
  SmallVector<int64_t> shape(type.getShape());
  if (shape[0] == group) {
    shape[0] = 1;
    shape[1] *= group;
  } else if (shape[0] == 1 && shape[1] % group == 0) {
    shape[0] = group;
    shape[1] /= group;
  } else {
    return {};
  }
  return type.clone(shape);
}

/// The types fit the size of the group.
LogicalResult StartOp::verifySymbolUses(SymbolTableCollection &) {
  FailureOr<int64_t> group = comm::verifyGroup(*this, getAxes());
  if (failed(group))
    return failure();
  auto type = cast<RankedTensorType>(getOperand().getType());
  auto result = cast<RankedTensorType>(getBuffer().getType());
  auto isPieceOf = [&](RankedTensorType piece, RankedTensorType whole) {
    return piece.getRank() == 1 &&
           piece.getElementType() == whole.getElementType() &&
           piece.getNumElements() <= limits::kElements / *group &&
           piece.getNumElements() * *group >= whole.getNumElements();
  };
  if ((getKind() == CollectiveKind::ReduceScatter && isPieceOf(result, type)) ||
      (getKind() == CollectiveKind::AllGather && isPieceOf(type, result)))
    return success();
  SmallVector<int64_t> shape(type.getShape());
  if (getKind() == CollectiveKind::ReduceScatter) {
    if (shape.empty())
      return emitOpError() << "(C4) found result type " << result
                           << ", expected a piece of " << type
                           << ": declare one dimension of "
                           << type.getElementType();
    if (shape[0] % *group != 0)
      return emitOpError() << "(C4) found a first dimension of " << shape[0]
                           << " for a group of " << *group
                           << ", expected a multiple of it: the nearest are "
                           << shape[0] / *group * *group << " and "
                           << (shape[0] / *group + 1) * *group;
    shape[0] /= *group;
  } else if (getKind() == CollectiveKind::AllGather) {
    if (type.getNumElements() > limits::kElements / *group)
      return emitOpError() << "(C4) found " << type << " from " << *group
                           << " ranks, which together are more than 2^48 "
                              "elements: correct the shape or the mesh";
    shape[0] *= *group;
  } else if (getKind() == CollectiveKind::AllToAll) {
    RankedTensorType exchanged = exchangeDims(type, *group);
    if (!exchanged)
      return emitOpError() << "(C4) found " << type << " in all_to_all over "
                           << *group << " ranks, expected a first dimension of "
                           << *group << ", or of 1 and a second one that "
                           << *group << " divides: reshape it in the layer";
    shape.assign(exchanged.getShape().begin(), exchanged.getShape().end());
  }
  RankedTensorType expected = type.clone(shape);
  if (getBuffer().getType() == expected)
    return success();
  return emitOpError() << "(C4) found result type " << getBuffer().getType()
                       << ", expected " << expected
                       << " from the operand and the mesh: declare that type";
}

LogicalResult FinishOp::verify() {
  auto start = getToken().getDefiningOp<StartOp>();
  if (!start)
    return emitOpError()
           << "(C1) found a token that no pp.start made, expected "
              "one of a collective: wait for a receive with "
              "pp.wait";
  if (failed(verifyWait(*this, getMicrobatch(), start)))
    return failure();
  if (start.getBuffer() == getBuffer() && start.getOperand() == getOperand())
    return success();
  InFlightDiagnostic diagnostic =
      emitOpError() << "(C1) found token, operand and buffer of different "
                       "collectives, expected those of one pp.start";
  diagnostic.attachNote(start.getLoc()) << "the token is made here";
  return diagnostic;
}

//===----------------------------------------------------------------------===//
// Parameters and gradients
//===----------------------------------------------------------------------===//

/// The parameter exists, and `type` (null for ops without a tensor) is its, or
/// that of its gradients.
enum class Of {
  Gradient,
  GradientPiece,
  GradientOrPiece,
  Updated,
  Values,
  Piece
};

static LogicalResult verifyParameter(Operation *op, FlatSymbolRefAttr name,
                                     Type type, SymbolTableCollection &symbols,
                                     Of what = Of::Gradient) {
  auto parameter = symbols.lookupNearestSymbolFrom<ParameterOp>(
      op->getParentOp()->getParentOp(), name);
  if (!parameter)
    return op->emitOpError() << "found no pp.parameter " << name
                             << ", expected one in the module";
  Type expected = parameter.getGradientType();
  if (what == Of::GradientPiece)
    expected = parameter.getGradientPieceType();
  else if (what == Of::Updated)
    expected = parameter.getUpdatedType();
  else if (what == Of::Values)
    expected = parameter.getLocalType();
  else if (what == Of::Piece)
    expected = parameter.getPieceType();
  if (!type || type == expected ||
      (what == Of::GradientOrPiece && parameter.isGradientOrPiece(type)))
    return success();
  const bool isGradient = what != Of::Values && what != Of::Piece;
  InFlightDiagnostic diagnostic = op->emitOpError()
                                  << "found type " << type << ", expected "
                                  << expected << " of "
                                  << (isGradient && parameter.hasMaster()
                                          ? "gradients of "
                                          : "")
                                  << name;
  diagnostic.attachNote(parameter.getLoc()) << "the parameter is defined here";
  return diagnostic;
}

LogicalResult ZeroGradientOp::verify() {
  return verifyNumber(*this, "use", getUse(), limits::kUses);
}
LogicalResult LoadGradientOp::verify() {
  return verifyNumber(*this, "use", getUse(), limits::kUses);
}

LogicalResult ReduceGradientsOp::verify() {
  if (getGradients().empty())
    return emitOpError() << "found no gradient, expected at least one";
  return success();
}

int64_t ReduceGradientsOp::getPieces(ParameterOp parameter) {
  return getType() == parameter.getGradientPieceType()
             ? 1
             : parameter.getNumPieces();
}

LogicalResult ZeroGradientOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyParameter(*this, getParameterAttr(), Type(), symbols);
}
LogicalResult LoadGradientOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyParameter(*this, getParameterAttr(), getType(), symbols);
}
LogicalResult
ReduceGradientsOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyParameter(*this, getParameterAttr(), getType(), symbols,
                         Of::GradientOrPiece);
}
LogicalResult CopyGradientOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyParameter(*this, getParameterAttr(), getType(), symbols);
}
LogicalResult GradNormOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyParameter(*this, getParameterAttr(), getGradient().getType(),
                         symbols, Of::GradientPiece);
}
LogicalResult UpdateOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyParameter(*this, getParameterAttr(), getGradient().getType(),
                         symbols, Of::Updated);
}
/// `type` is that of a piece of the parameter, which has pieces.
static LogicalResult verifyPiece(Operation *op, FlatSymbolRefAttr name,
                                 Type type, SymbolTableCollection &symbols) {
  if (failed(verifyParameter(op, name, type, symbols, Of::Piece)))
    return failure();
  auto parameter = symbols.lookupNearestSymbolFrom<ParameterOp>(
      op->getParentOp()->getParentOp(), name);
  if (parameter.getPiece())
    return success();
  InFlightDiagnostic diagnostic =
      op->emitOpError()
      << "found no pieces of " << name
      << ", expected some: run pp-add-optimizer on a plan with "
         "replicas, or take all of it";
  diagnostic.attachNote(parameter.getLoc()) << "the parameter is defined here";
  return diagnostic;
}
LogicalResult LoadPieceOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyPiece(*this, getParameterAttr(), getType(), symbols);
}
LogicalResult StorePieceOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyPiece(*this, getParameterAttr(), getValue().getType(), symbols);
}
LogicalResult
LoadParameterOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyParameter(*this, getParameterAttr(), getType(), symbols,
                         Of::Values);
}
LogicalResult
StoreParameterOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyParameter(*this, getParameterAttr(), getValue().getType(),
                         symbols, Of::Values);
}
