//===- Cost.cpp - What functions and layers cost
//----------------------------===//

#include "pp/Analysis/Cost.h"

#include "pp/Interfaces/CostOpInterface.h"
#include "pp/Schedule/Simulator.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/CallInterfaces.h"

#include <algorithm>

using namespace mlir;

pp::Cost pp::costOf(Operation *op, const MachineRates &rates) {
  Cost cost;
  if (auto known = dyn_cast<CostOpInterface>(op)) {
    cost.flops = double(known.getFlops());
    cost.bytes = double(known.getBytesRead()) + double(known.getBytesWritten());
    if (auto wire = known.getCommunication(); wire && wire->messages > 0) {
      cost.collectives = 1;
      cost.sent = double(wire->bytes);
      cost.collectiveSeconds = schedule::messageTime(
          double(wire->messages), cost.sent / double(wire->messages),
          rates.latency, rates.transfer);
    }
  } else if (op->hasTrait<OpTrait::ConstantLike>() ||
             op->hasTrait<OpTrait::IsTerminator>() ||
             isa<CallOpInterface>(op)) {
    return cost;
  } else {
    for (Type type : op->getResultTypes())
      if (auto tensor = dyn_cast<RankedTensorType>(type))
        if (tensor.hasStaticShape())
          cost.flops += double(tensor.getNumElements());
    cost.bytes = double(detail::sumOfBytes(op->getOperandTypes())) +
                 double(detail::sumOfBytes(op->getResultTypes()));
  }
  cost.seconds = std::max({cost.flops / rates.flops, cost.bytes / rates.bytes,
                           cost.collectiveSeconds});
  // What a collective reads, adds and writes while it waits for messages.
  if (cost.collectives)
    cost.collectiveSeconds = cost.seconds;
  if (cost.collectives && cast<CostOpInterface>(op).isMadeAgain())
    cost.madeAgainSeconds = cost.seconds;
  return cost;
}

pp::Cost pp::costOf(Region &region, const MachineRates &rates,
                    SymbolTableCollection *symbols) {
  Cost cost;
  region.walk([&](Operation *op) {
    cost += costOf(op, rates);
    auto call = dyn_cast<CallOpInterface>(op);
    if (!call || !symbols)
      return;
    auto callee = dyn_cast_if_present<CallableOpInterface>(
        call.resolveCallableInTable(symbols));
    if (callee && callee.getCallableRegion())
      cost += costOf(*callee.getCallableRegion(), rates, symbols);
  });
  return cost;
}
