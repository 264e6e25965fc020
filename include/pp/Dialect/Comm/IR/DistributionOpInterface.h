//===- DistributionOpInterface.h - Distributions by the op ------*- C++ -*-===//

#ifndef PP_DIALECT_COMM_IR_DISTRIBUTIONOPINTERFACE_H
#define PP_DIALECT_COMM_IR_DISTRIBUTIONOPINTERFACE_H

#include "mlir/IR/OpDefinition.h"

namespace pp::comm {
class DistributionInference;
} // namespace pp::comm

#include "pp/Dialect/Comm/IR/DistributionOpInterface.h.inc"

#endif // PP_DIALECT_COMM_IR_DISTRIBUTIONOPINTERFACE_H
