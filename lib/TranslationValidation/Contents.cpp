//===- Contents.cpp - Names of what memory holds --------------------------===//

#include "Contents.h"

using namespace mlir;
using namespace pp;

std::optional<StringRef> Contents::nameOf(Value value) const {
  Operation *op = value.getDefiningOp();
  if (auto wait = dyn_cast<WaitOp>(op))
    op = wait.getToken().getDefiningOp();
  if (auto receive = dyn_cast<IRecvOp>(op))
    return receive.getMicrobatch() ? std::optional(receive.getValue())
                                   : std::nullopt;
  auto run = dyn_cast<RunOp>(op);
  auto callee =
      run ? functions.planned.lookup(run.getCallee()) : func::FuncOp();
  if (!callee)
    return std::nullopt;
  unsigned number = 0;
  for (unsigned i = 0; i != callee.getNumResults(); ++i)
    if (auto name = callee.getResultAttrOfType<StringAttr>(i, attr::kValue))
      if (run.getResult(number++) == value)
        return name.getValue();
  return std::nullopt;
}

uint64_t Contents::of(Value value, std::optional<int64_t> microbatch) {
  Operation *op = value.getDefiningOp();
  if (auto load = dyn_cast<LoadGradientOp>(op))
    return ofGradient(load.getParameter(), load.getUse());
  if (auto load = dyn_cast<LoadParameterOp>(op))
    return ofParameter(load.getParameter());
  if (auto name = nameOf(value))
    return ofMicrobatch(*name, microbatch ? *microbatch
                                          : getMicrobatch(op).value_or(0));
  return make(Step, steps.try_emplace(value, steps.size()).first->second);
}
