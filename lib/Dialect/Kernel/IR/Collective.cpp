//===- Collective.cpp - Collectives of layers -----------------------------===//
//
// A layer comes to the end of a collective before it goes on, or starts it,
// does something else, and sleeps then. Which ones there are is known when
// calls are made, so that the runtime has prepared each by its number.
//
//===----------------------------------------------------------------------===//

#include "Operands.h"
#include "pp/Dialect/Kernel/IR/CallBuilder.h"
#include "pp/Interfaces/CostOpInterface.h"
#include "pp/Interfaces/ElementBytes.h"

#include "pprt_collectives.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace pp;
using namespace pp::kernel;

static_assert(int(CollectiveKind::AllReduce) == PPRT_ALL_REDUCE &&
              int(CollectiveKind::ReduceScatter) == PPRT_REDUCE_SCATTER &&
              int(CollectiveKind::AllGather) == PPRT_ALL_GATHER &&
              int(CollectiveKind::AllToAll) == PPRT_ALL_TO_ALL);

bool CollectiveOp::isSum() { return pprt_is_sum(int32_t(getKind())); }

int64_t CollectiveOp::getPartElements() {
  auto elements = [](Value value) {
    return cast<ShapedType>(value.getType()).getNumElements();
  };
  switch (getKind()) {
  case CollectiveKind::AllReduce:
  case CollectiveKind::AllGather:
    return elements(getInput());
  case CollectiveKind::ReduceScatter:
    return elements(getOut());
  case CollectiveKind::AllToAll:
    return elements(getInput()) / static_cast<int64_t>(getMembers());
  }
  llvm_unreachable("a kind of its own");
}

/// As the runtime plans it; what it sums is alike on all targets.
static int64_t workspaceOf(CollectiveOp op) {
  const uint64_t bytes = pprt_collective_workspace(
      int32_t(op.getKind()), uint64_t(op.getPartElements()),
      uint64_t(getElementBytes(elementOf(op.getInput()))),
      uint64_t(op.getMembers()));
  return std::max<int64_t>(int64_t(bytes), sizeof(float)); // no empty buffer
}

LogicalResult CollectiveOp::verify() {
  const int64_t members = static_cast<int64_t>(getMembers());
  if (getAxes().empty() || members < 1) // C1
    return emitOpError("found ") << getAxes().size() << " axes and " << members
                                 << " members, expected at least one of each";
  Type element = elementOf(getInput());
  if (elementOf(getOut()) != element ||
      (isSum() && !element.isF32() && !element.isF64())) // C2
    return emitOpError("found elements of ")
           << element << " and " << elementOf(getOut()) << ", expected one type"
           << (isSum() ? ", f32 or f64: widen them" : "");
  auto in = cast<ShapedType>(getInput().getType()),
       out = cast<ShapedType>(getOut().getType());
  auto countsMembers = [&](ShapedType type) {
    return type.getRank() > 0 && type.getDimSize(0) == members;
  };
  bool fits = false;
  switch (getKind()) {
  case CollectiveKind::AllReduce:
    fits = in.getShape() == out.getShape();
    break;
  case CollectiveKind::AllGather:
    fits = countsMembers(out) &&
           out.getNumElements() == in.getNumElements() * members;
    break;
  case CollectiveKind::ReduceScatter:
    fits = countsMembers(in) &&
           in.getNumElements() == out.getNumElements() * members;
    break;
  case CollectiveKind::AllToAll:
    fits = countsMembers(in) && in.getShape() == out.getShape();
    break;
  }
  if (!fits) // C3
    return emitOpError("found ")
           << in << " into " << out << ", expected the parts of " << members
           << " members along the first dimension";
  if (getPhase() && isa<TensorType>(getInput().getType())) // C5
    return emitOpError("found half of a collective of tensors, expected "
                       "buffers: halves are made of those");
  return verifyWorkspace(*this); // C4
}

OpOperand *CollectiveOp::getWorkspaceOperand() {
  return &getWorkspaceMutable();
}
int64_t CollectiveOp::getWorkspaceBytes(const LibraryTarget &) {
  return workspaceOf(*this);
}

/// Parts lie one behind the other.
bool CollectiveOp::wantsContiguousOperands() { return true; }

static constexpr llvm::StringLiteral kWholeCall = "pprt_collective",
                                     kStartCall = "pprt_collective_start",
                                     kFinishCall = "pprt_collective_finish";

bool pp::kernel::beginsCollective(StringRef function) {
  return function == kWholeCall || function == kStartCall;
}

/// Buffers are where the target has them.
static LogicalResult lower(CollectiveOp op, CallBuilder &calls) {
  if (!op.getNumber())
    return op.emitOpError("found no number, expected that of the collective "
                          "among those of the program's layers");
  FailureOr<Value> in = calls.pointer(op.getInput()),
                   out = calls.pointer(op.getOut()),
                   workspace = calls.pointer(op.getWorkspace());
  if (failed(in) || failed(out) || failed(workspace))
    return failure();
  const Value number = calls.i32(int64_t(*op.getNumber()));
  if (op.getPhase() == CollectivePhase::Finish)
    return calls.callWithContext(kFinishCall, {number});
  return calls.callWithContext(op.getPhase() ? kStartCall : kWholeCall,
                               {number, *in, *out, *workspace});
}

LogicalResult CollectiveOp::lowerToHostCall(CallBuilder &calls) {
  return lower(*this, calls);
}

/// What a rank sends in one. Maxima have been gathered to be here.
static Communication wireOf(CollectiveOp op) {
  const int64_t ranks = static_cast<int64_t>(op.getMembers());
  const bool isWhole = op.getKind() == CollectiveKind::AllReduce;
  const uint64_t part = static_cast<uint64_t>(op.getPartElements()) *
                        getElementBytes(elementOf(op.getInput()));
  return Communication::ring(
      stringifyCollectiveKind(op.getKind()), op.getAxes(), ranks,
      part * (isWhole ? 1 : op.getMembers()), isWhole ? 2 : 1);
}

/// No kernel, and so no line among the times of kernels: what it costs is bytes
/// on the wire, in so many messages. Of two halves the start has it.
FailureOr<DictionaryAttr>
CollectiveOp::lowerToDeviceCall(DeviceCallBuilder &calls) {
  const Communication wire = wireOf(*this);
  const bool isCounted = getPhase() != CollectivePhase::Finish;
  const std::string name =
      (wire.kind + " over " +
       llvm::join(getAxes().getAsValueRange<StringAttr>(), " and ") + ", " +
       Twine(wire.ranks) + " ranks, " + Twine(wire.bytes) + " B sent")
          .str();
  Builder builder(getContext());
  if (failed(lower(*this, calls)))
    return failure();
  if (!isCounted)
    return DictionaryAttr();
  const auto bytes = static_cast<int64_t>(wire.bytes);
  NamedAttrList cost(calls.cost(name, "collective", bytes, bytes, 0));
  cost.append("messages", builder.getI64IntegerAttr(wire.messages));
  return cost.getDictionary(builder.getContext());
}

LogicalResult CoordinateOp::verify() {
  if (!getAxes().empty()) // C1; C2 is the type's
    return success();
  return emitOpError("found no axes, expected at least one name");
}

static LogicalResult lower(CoordinateOp op, CallBuilder &calls) {
  std::string axes =
      llvm::join(op.getAxes().getAsValueRange<StringAttr>(), ",");
  FailureOr<Value> out = calls.pointer(op.getOut());
  if (failed(out))
    return failure();
  return calls.callWithContext("pprt_coordinate", {calls.text(axes), *out});
}

LogicalResult CoordinateOp::lowerToHostCall(CallBuilder &calls) {
  return lower(*this, calls);
}

FailureOr<DictionaryAttr>
CoordinateOp::lowerToDeviceCall(DeviceCallBuilder &calls) {
  if (failed(lower(*this, calls)))
    return failure();
  return DictionaryAttr();
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

void pp::kernel::numberCollectives(ModuleOp module) {
  Builder builder(module.getContext());
  // By what the runtime knows of one, and the slot.
  llvm::MapVector<std::pair<Attribute, int32_t>, int32_t> numbers;
  module.walk([&](CollectiveOp op) {
    Type element = cast<ShapedType>(op.getInput().getType()).getElementType();
    const int64_t bytes = op.isSum() ? 1 : getElementBytes(element);
    auto described = builder.getDictionaryAttr(
        {builder.getNamedAttr(
             "kind",
             builder.getStringAttr(stringifyCollectiveKind(op.getKind()))),
         builder.getNamedAttr("axes", op.getAxes()),
         builder.getNamedAttr("type",
                              builder.getStringAttr(!op.isSum()       ? "bytes"
                                                    : element.isF64() ? "f64"
                                                                      : "f32")),
         builder.getNamedAttr("elements", builder.getI64IntegerAttr(
                                              op.getPartElements() * bytes))});
    op.setNumber(numbers
                     .try_emplace({described, op.getSlot().value_or(0)},
                                  int32_t(numbers.size()))
                     .first->second);
  });
  if (numbers.empty())
    return;
  SmallVector<Attribute> all;
  for (auto &[key, number] : numbers)
    all.push_back(key.first);
  module->setAttr(kCollectives, builder.getArrayAttr(all));
}
