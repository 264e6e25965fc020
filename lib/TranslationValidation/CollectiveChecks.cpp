//===- CollectiveChecks.cpp - Collectives of a step function --------------===//

#include "CollectiveChecks.h"

#include "pp/Interfaces/ElementBytes.h"
#include "pprt_collectives.h"

using namespace mlir;
using namespace pp;
namespace json = llvm::json;

//===----------------------------------------------------------------------===//
// Pieces
//===----------------------------------------------------------------------===//

bool CollectiveChecks::expectPiece(StringRef parameter, Type piece) {
  auto at = parameterAt.find(parameter);
  ParameterOp op = described.parameterOps.lookup(parameter);
  if (!op || at == parameterAt.end())
    return fail("no place of '" + parameter + "' in the description", "it");
  if (!expect("pprt_piece", {{"context", kContext},
                             {"base", at->second},
                             {"bytes", int64_t(countBytes(piece))}}))
    return false;
  execution->answer(pieceAt(parameter));
  // The own piece is there before and after all have been gathered.
  const uint64_t bytes = countBytes(op.getLocalType());
  return memory.find(at->second, bytes, contents.ofParameter(parameter)) ||
         holds(at->second, bytes, contents.ofPieces(parameter), parameter);
}

bool CollectiveChecks::checkOp(StorePieceOp store) {
  StringRef name = store.getParameter();
  Type type = store.getValue().getType();
  if (!expectPiece(name, type) || !expectCopy())
    return false;
  const auto [target, source, length] = copied();
  if (target != pieceAt(name) || uint64_t(length) != countBytes(type))
    return fail("a copy to elsewhere", "the piece of '" + name + "'");
  if (!holdsValue(source, store.getValue(), std::nullopt))
    return false;
  ParameterOp parameter = described.parameterOps.lookup(name);
  memory.write(parameterAt.lookup(name), countBytes(parameter.getLocalType()),
               contents.ofPieces(name));
  return true;
}

//===----------------------------------------------------------------------===//
// Collectives
//===----------------------------------------------------------------------===//

/// Whether the description's collective of this number is the op's.
bool CollectiveChecks::isDescribed(StartOp start, int64_t number) {
  const json::Object *own = described.program(program.getPipe());
  const json::Array *list = own ? own->getArray("collectives") : nullptr;
  const json::Object *entry =
      list && number >= 0 && size_t(number) < list->size()
          ? (*list)[number].getAsObject()
          : nullptr;
  if (!entry)
    return false;
  Type element =
      cast<RankedTensorType>(start.getOperand().getType()).getElementType();
  const bool isSum = start.isSum();
  const json::Array *axes = entry->getArray("axes");
  auto isAxis = [](const json::Value &value, Attribute axis) {
    return value.getAsString() == cast<StringAttr>(axis).getValue();
  };
  return entry->getString("kind") == stringifyCollectiveKind(start.getKind()) &&
         entry->getString("name") == json::fixUTF8(start.getValue()) && axes &&
         axes->size() == start.getAxes().size() &&
         llvm::all_of(llvm::zip(*axes, start.getAxes()),
                      [&](auto pair) {
                        return isAxis(std::get<0>(pair), std::get<1>(pair));
                      }) &&
         entry->getString("type") ==
             (isSum ? element.isF64() ? "f64" : "f32" : "bytes") &&
         entry->getInteger("elements") ==
             start.getPartElements() *
                 (isSum ? 1 : int64_t(getElementBytes(element)));
}

bool CollectiveChecks::hold(Collective &collective, int64_t address,
                            uint64_t bytes, uint64_t content) {
  auto serial = memory.find(address, bytes, content);
  if (!serial)
    return false;
  collective.inHand.push_back({address, bytes, content, *serial});
  return true;
}

void CollectiveChecks::take(Collective &collective, int64_t address,
                            uint64_t bytes, uint64_t content) {
  collective.inHand.push_back(
      {address, bytes, content, memory.write(address, bytes, content)});
}

bool CollectiveChecks::checkOp(StartOp start) {
  auto microbatch = ofRound(start.getMicrobatch());
  auto operandType = cast<RankedTensorType>(start.getOperand().getType());
  const uint64_t width = getElementBytes(operandType.getElementType());
  const uint64_t members = start.getGroupSize(), part = start.getPartElements();
  const uint64_t whole = members * part * width;
  std::string name =
      (stringifyCollectiveKind(start.getKind()) + " " + start.getValue()).str();
  return action("collective", -1, microbatch.value_or(-1), -1, name, [&] {
    auto piece = start.getOperand().getDefiningOp<LoadPieceOp>();
    if (piece && !expectPiece(piece.getParameter(), piece.getType()))
      return false;
    if (!expect("pprt_start", {{"context", kContext},
                               {"collective", std::nullopt},
                               {"operand", std::nullopt},
                               {"result", std::nullopt},
                               {"workspace", std::nullopt}}))
      return false;
    const int64_t number = operands[1], operand = operands[2],
                  result = operands[3], workspace = operands[4];
    if (!isDescribed(start, number))
      return fail("collective " + Twine(number),
                  "that of the op in the description");
    Collective &collective = collectives[number];
    if (collective.start)
      return fail("a collective that is under way", "its finish first");
    collective = {start, microbatch, {}, result};

    // One rank alone leaves everything where it is.
    if (members == 1 && operand == result)
      return holdsValue(operand, start.getOperand(), microbatch);
    // The operand, and zeros where its last pieces reach behind it.
    memory.beginCall();
    if (piece) {
      if (operand != pieceAt(piece.getParameter()))
        return fail("another operand",
                    "the piece of '" + piece.getParameter() + "'");
    } else {
      const uint64_t bytes = countBytes(operandType);
      if (!holdsValue(operand, start.getOperand(), microbatch) ||
          !hold(collective, operand, bytes,
                contents.of(start.getOperand(), microbatch)))
        return false;
      if (start.getKind() == CollectiveKind::ReduceScatter && whole > bytes &&
          !hold(collective, operand + bytes, whole - bytes,
                contents.ofPadding()))
        return fail("a gradient whose padding is not cleared", "zeros");
    }
    // The result: in the place of a parameter, or where the plan has it.
    uint64_t bytes = countBytes(start.getBuffer().getType());
    if (start.getKind() == CollectiveKind::AllGather)
      bytes = std::max(bytes, whole);
    StringRef series = microbatch ? start.getValue() : StringRef();
    if (!isInArena(result, bytes) ||
        !isPlanned(result,
                   plan.ofResult(start, 0, series).at(microbatch.value_or(0)),
                   "the result of a collective"))
      return false;
    take(collective, result, bytes, contents.inHand(number, 0));
    const uint64_t needed = pprt_collective_workspace(int32_t(start.getKind()),
                                                      part, width, members);
    if (needed) {
      const std::string ofSeries =
          series.empty() ? "" : ("workspace of " + series).str();
      if (!isInArena(workspace, needed) ||
          !isPlanned(
              workspace,
              plan.ofWorkspace(start, ofSeries).at(microbatch.value_or(0)),
              "the workspace of a collective"))
        return false;
      take(collective, workspace, needed, contents.inHand(number, 1));
    }
    if (memory.hasOverlap())
      return fail("operand, result and workspace that overlap",
                  "memory of its own for each");
    return true;
  });
}

bool CollectiveChecks::checkOp(FinishOp finish) {
  auto start = finish.getToken().getDefiningOp<StartOp>();
  auto microbatch = ofRound(finish.getMicrobatch() ? finish.getMicrobatch()
                                                   : start.getMicrobatch());
  if (!expect("pprt_finish",
              {{"context", kContext}, {"collective", std::nullopt}}))
    return false;
  auto found = collectives.find(operands[1]);
  // In a program with loops another op may have started it.
  if (found == collectives.end() || !found->second.start ||
      found->second.microbatch != microbatch ||
      (microbatch ? found->second.start.getValueAttr() != start.getValueAttr()
                  : found->second.start != start))
    return fail("a finish of collective " + Twine(operands[1]),
                "that of the op's pp.start");
  Collective done = std::exchange(found->second, Collective());
  for (const InHand &each : done.inHand) {
    auto serial = memory.find(each.address, each.bytes, each.content);
    if (!serial || *serial != each.serial)
      return fail("a write to the memory of a collective before its finish",
                  "none");
  }
  memory.write(done.result, countBytes(finish.getResult().getType()),
               contents.of(finish.getResult(), microbatch));
  if (!microbatch)
    receivedAt[finish.getResult()] = done.result;
  return true;
}

bool CollectiveChecks::areCollectivesDone() {
  for (const auto &[number, collective] : collectives)
    if (collective.start)
      return fail("a collective that nothing has finished", "none");
  return true;
}
