//===- Chip.h - GPUs that kernels can be made for ---------------*- C++ -*-===//

#ifndef PP_CODEGEN_GPU_CHIP_H
#define PP_CODEGEN_GPU_CHIP_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>

namespace pp {

struct Chip {
  int number;   ///< 90 of "sm_90a"
  bool isExact; ///< "sm_90a": PTX for it runs on no other chip
};

/// Names of all chips, and the one that is meant where none is named.
llvm::ArrayRef<llvm::StringRef> chipNames();
inline constexpr llvm::StringLiteral kUsualChip = "sm_90a";

/// Nothing for a name that is not among them.
std::optional<Chip> findChip(llvm::StringRef name);

/// The error for such a name.
std::string unknownChip(llvm::StringRef name);

/// Versions of cuDNN that there may be, as 91900 for 9.19.0.
inline bool isCudnnVersion(int64_t number) {
  return number >= 90000 && number < 100000;
}

} // namespace pp

#endif // PP_CODEGEN_GPU_CHIP_H
