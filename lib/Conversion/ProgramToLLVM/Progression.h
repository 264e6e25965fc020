//===- Progression.h - Numbers at equal distances, in a ring ----*- C++ -*-===//
//
// The slots of a long ring lie side by side, so a place in it is a few
// operations on the number of the round. A table of it would be as long as the
// ring, once for each rank: with as many slots as ranks, the square of these.
//
//===----------------------------------------------------------------------===//

#ifndef PP_LIB_CONVERSION_PROGRAMTOLLVM_PROGRESSION_H
#define PP_LIB_CONVERSION_PROGRAMTOLLVM_PROGRESSION_H

#include "llvm/ADT/ArrayRef.h"

#include <optional>

namespace pp {

/// Number i is base + stride * ((i + phase) mod size).
struct Progression {
  int64_t base, stride;
  int64_t phase, size;

  int64_t at(int64_t i) const { return base + stride * ((i + phase) % size); }
};

/// The progression that all numbers are of, if there is one.
std::optional<Progression> findProgression(llvm::ArrayRef<int64_t> numbers);

} // namespace pp

#endif // PP_LIB_CONVERSION_PROGRAMTOLLVM_PROGRESSION_H
