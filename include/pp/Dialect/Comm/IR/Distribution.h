//===- Distribution.h - A tensor on one axis of the mesh --------*- C++ -*-===//
//
// Every coordinate of an axis runs the same function on tensors of its own. The
// distribution of a value on the axis says what these tensors are together, and
// so what a gradient of the value is.
//
//===----------------------------------------------------------------------===//

#ifndef PP_DIALECT_COMM_IR_DISTRIBUTION_H
#define PP_DIALECT_COMM_IR_DISTRIBUTION_H

#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <string>

namespace pp::comm {

struct Distribution {
  enum class Kind : uint8_t {
    Invariant,  ///< I: equal everywhere, and so is the whole cotangent
    Replicated, ///< R: equal everywhere, the cotangent is partial
    Varying,    ///< V: each coordinate has its part of dimension `dim`, or
                ///< without one a tensor of its own
    Partial,    ///< P: the sum over the coordinates is the value
    PartialMax, ///< the maximum over the coordinates is the value
    Constant    ///< equal everywhere, and no cotangent flows back
  };
  static constexpr int64_t kNoDim = -1;

  Kind kind = Kind::Invariant;
  int64_t dim = kNoDim; ///< of Varying
  /// Dimension `dim` is that many blocks, and of each a coordinate has its
  /// part: more than one where a dimension that is cut was merged into the one
  /// before it.
  int64_t blocks = 1;

  static Distribution invariant() { return {}; }
  static Distribution replicated() { return {Kind::Replicated}; }
  static Distribution varying(int64_t dim = kNoDim, int64_t blocks = 1) {
    return {Kind::Varying, dim, blocks};
  }
  static Distribution partial() { return {Kind::Partial}; }
  static Distribution partialMax() { return {Kind::PartialMax}; }
  static Distribution constant() { return {Kind::Constant}; }

  bool is(Kind other) const { return kind == other; }
  bool isVarying() const { return kind == Kind::Varying; }
  /// Varying along a dimension that is known.
  bool isSharded() const { return isVarying() && dim != kNoDim; }

  bool operator==(const Distribution &other) const {
    return kind == other.kind && dim == other.dim && blocks == other.blocks;
  }
  bool operator!=(const Distribution &other) const { return !(*this == other); }

  /// As in the text of #comm.distribution: `varying(1)`.
  std::string str() const;

  /// The distribution of the cotangent: R and P belong together, all others to
  /// themselves. (A maximum has no cotangent.)
  Distribution getDual() const;
};

inline llvm::hash_code hash_value(const Distribution &distribution) {
  return llvm::hash_combine(static_cast<uint8_t>(distribution.kind),
                            distribution.dim, distribution.blocks);
}

} // namespace pp::comm

#endif // PP_DIALECT_COMM_IR_DISTRIBUTION_H
