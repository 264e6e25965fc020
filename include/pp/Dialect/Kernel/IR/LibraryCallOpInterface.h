//===- LibraryCallOpInterface.h - What passes ask of calls ------*- C++ -*-===//

#ifndef PP_DIALECT_KERNEL_IR_LIBRARYCALLOPINTERFACE_H
#define PP_DIALECT_KERNEL_IR_LIBRARYCALLOPINTERFACE_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/OpDefinition.h"

namespace pp {
class CallBuilder;
class DeviceCallBuilder;
} // namespace pp

namespace pp::kernel {

/// The libraries that a call is for: those of the runtime on CPUs, or those of
/// NVIDIA on chips from `least` to `most` (90 for sm_90).
struct LibraryTarget {
  bool isDevice = false;
  int least = 0, most = 0;
  int64_t cudnn = 0;     ///< the oldest version, 91900 for 9.19.0
  bool anyOrder = false; ///< sums need not have the same bits in each run
};

} // namespace pp::kernel

#include "pp/Dialect/Kernel/IR/LibraryCallOpInterface.h.inc"

#endif // PP_DIALECT_KERNEL_IR_LIBRARYCALLOPINTERFACE_H
