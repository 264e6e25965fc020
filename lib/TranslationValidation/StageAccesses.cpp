//===- StageAccesses.cpp - What an action reads and writes ----------------===//

#include "StageAccesses.h"

using namespace mlir;
using namespace pp;

std::optional<StageAccesses> StageAccesses::collect(
    RunOp run, func::FuncOp callee, const StageInterface &interface,
    const DescribedModule &described, const PlannedPlaces &plan,
    Contents &contents, std::string &error) {
  StageAccesses result;
  result.dataPointers = interface.dataPointers;
  auto fail = [&](const Twine &text) {
    error = text.str();
    return std::nullopt;
  };
  unsigned operand = 0;
  for (unsigned i = 0; i != callee.getNumArguments(); ++i) {
    if (callee.getArgAttr(i, attr::kKey)) {
      result.hasKey = true;
      continue;
    }
    if (auto name = callee.getArgAttrOfType<StringAttr>(i, attr::kData)) {
      auto input = described.inputs.find(name.getValue());
      if (input == described.inputs.end())
        return fail("no input '" + name.getValue() + "' in the description");
      if (int64_t position = interface.dataPosition[i]; position >= 0)
        result.data.emplace_back(position, input->second);
      continue;
    }
    Access read{interface.argumentEntry[i],
                countBytes(callee.getArgumentTypes()[i]),
                0,
                false,
                {},
                Place()};
    auto nameBy = [&](StringRef attribute) {
      auto name = callee.getArgAttrOfType<StringAttr>(i, attribute);
      if (name)
        read.name = name.getValue();
      return bool(name);
    };
    if (nameBy(attr::kParam)) {
      read.content = contents.ofParameter(read.name);
    } else if (nameBy(attr::kGrad)) {
      int64_t use =
          callee.getArgAttrOfType<IntegerAttr>(i, attr::kUse).getInt();
      read.content = contents.ofGradient(read.name, use);
      read.place = Place(plan.ofGradient(read.name, use));
      if (read.entry >= 0)
        result.accumulators.push_back(result.reads.size());
    } else if (nameBy(attr::kValue)) {
      if (operand == run.getNumOperands())
        return fail("too few operands");
      read.content = contents.ofMicrobatch(read.name, 0);
      read.ofMicrobatch = true;
      if (read.content != contents.of(run.getOperand(operand++), 0))
        return fail("another operand than '" + read.name + "'");
    } else {
      return fail("an argument " + Twine(i) + " that is bound to nothing");
    }
    if (read.entry >= 0) // some call of the native function reads it
      result.reads.push_back(read);
  }
  unsigned number = 0;
  for (unsigned i = 0; i != callee.getNumResults(); ++i) {
    auto name = callee.getResultAttrOfType<StringAttr>(i, attr::kValue);
    int64_t entry = interface.resultEntry[i];
    uint64_t bytes = countBytes(callee.getResultTypes()[i]);
    if (name)
      result.writes.push_back({entry, bytes, contents.ofMicrobatch(name, 0),
                               true, name.getValue(),
                               plan.ofResult(run, number++, name.getValue())});
    else if (entry >= 0) // of no value that moves
      result.writes.push_back(
          {entry, bytes, ~uint64_t(0), false, "a result", Place()});
  }
  result.workspaceBytes =
      callee->getAttrOfType<IntegerAttr>(attr::kWorkspace).getInt();
  result.workspace = plan.ofWorkspace(run);
  return result;
}
