//===- Dropout.h - The probability of dropout as it is taken ----*- C++ -*-===//
//
// An element is dropped if its random word is below a threshold: probabilities
// are multiples of 2^-32, and what stays is scaled by what they really are.
//
//===----------------------------------------------------------------------===//

#ifndef PP_DIALECT_NN_IR_DROPOUT_H
#define PP_DIALECT_NN_IR_DROPOUT_H

#include <cmath>
#include <cstdint>

namespace pp::nn {

/// How many of the 2^32 random words drop an element, for `p` in [0, 1).
inline uint64_t droppedWords(double p) {
  return static_cast<uint64_t>(std::nearbyint(p * 0x1p32));
}

/// The factor of elements that stay: it keeps their mean.
inline double keptFactor(double p) {
  return 0x1p32 / (0x1p32 - static_cast<double>(droppedWords(p)));
}

} // namespace pp::nn

#endif // PP_DIALECT_NN_IR_DROPOUT_H
