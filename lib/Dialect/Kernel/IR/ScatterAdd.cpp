//===- ScatterAdd.cpp - Rows added to the rows of a table -----------------===//
//
// A call of no library: on GPUs it becomes a kernel, on CPUs a loop takes its
// place from the beginning.
//
//===----------------------------------------------------------------------===//

#include "Operands.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace pp::kernel;

Value ScatterAddOp::getReadDestination() { return getTable(); }

LogicalResult ScatterAddOp::verify() {
  ArrayRef<int64_t> rows = shapeOf(getRows()), table = shapeOf(getTable());
  Type from = getElementTypeOrSelf(getRows().getType()),
       to = getElementTypeOrSelf(getTable().getType());
  bool fits = from == to ||
              from.getIntOrFloatBitWidth() < to.getIntOrFloatBitWidth(); // C2
  if (rows.size() != 2 || table.size() != 2 ||
      rows[0] != shapeOf(getIds())[0] || rows[1] != table[1] || !fits) // C1
    return emitOpError("found rows of type ")
           << getRows().getType() << ", expected as many as the ids of type "
           << getIds().getType() << ", like rows of the table of type "
           << getTable().getType();
  return success();
}
