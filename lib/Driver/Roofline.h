//===- Roofline.h - Times of kernels by assumed rates -----------*- C++ -*-===//

#ifndef PP_LIB_DRIVER_ROOFLINE_H
#define PP_LIB_DRIVER_ROOFLINE_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <string>

namespace pp::driver {

/// What a device does in a second; a JSON file with these keys.
struct MachineRates {
  std::string name;
  double kernelBytes = 0;                   ///< kernels
  double copyBytes = 0;                     ///< copies, zeros, products
  double bf16Products = 0, f32Products = 0; ///< operations
  double attentionForward = 0, attentionBackward = 0; ///< operations
  double secondsPerCall = 0;    ///< from the end of a kernel to the next
  double transferBytes = 0;     ///< collectives of layers, from rank to rank
  double secondsPerMessage = 0; ///< of these, beside their bytes

  static llvm::Expected<MachineRates> read(llvm::StringRef path);
};

/// Prints, for each rank of a module whose layers are calls with `pp.cost`, the
/// kernels, products, attention and collectives of layers of a step: calls,
/// operations, bytes, the least bytes, and the time by `rates`; the ten that
/// take longest, and all.
void printRoofline(mlir::ModuleOp module, const MachineRates &rates,
                   llvm::raw_ostream &os);

} // namespace pp::driver

#endif // PP_LIB_DRIVER_ROOFLINE_H
