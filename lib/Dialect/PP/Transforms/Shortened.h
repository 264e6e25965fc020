//===- Shortened.h - What a rank program leaves out -------------*- C++ -*-===//
//
// Between pp-project-ranks and pp-form-loops a program is that of a schedule
// for fewer micro-batches, and an attribute says which rounds are missing.
//
//===----------------------------------------------------------------------===//

#ifndef PP_LIB_DIALECT_PP_TRANSFORMS_SHORTENED_H
#define PP_LIB_DIALECT_PP_TRANSFORMS_SHORTENED_H

#include "pp/Dialect/PP/IR/PPOps.h"

namespace pp {

/// The attribute `pp.left_out` of a program.
struct LeftOut {
  static constexpr llvm::StringLiteral kName = attr::kLeftOut;

  /// Runs [begin, end) of the program repeat every `period` runs.
  struct Section {
    int64_t begin, end, period;
  };

  int64_t rounds; ///< left out of each section
  int64_t step;   ///< micro-batches of a round
  llvm::SmallVector<Section> sections;

  void write(ProgramOp program) const;
  /// Nothing where the program is complete.
  static std::optional<LeftOut> read(ProgramOp program);
};

} // namespace pp

#endif // PP_LIB_DIALECT_PP_TRANSFORMS_SHORTENED_H
