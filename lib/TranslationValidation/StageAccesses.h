//===- StageAccesses.h - What an action reads and writes -------*- C++ -*-===//

#ifndef PP_LIB_TRANSLATIONVALIDATION_STAGEACCESSES_H
#define PP_LIB_TRANSLATIONVALIDATION_STAGEACCESSES_H

#include "Contents.h"
#include "DescribedModule.h"
#include "PlannedPlaces.h"

namespace pp {

/// What an action reads and writes, but for its micro-batch: a table of its
/// native function, seen through the stage function and the memory plan.
struct StageAccesses {
  /// Nothing, and `error`, if the action cannot call its function.
  static std::optional<StageAccesses>
  collect(RunOp run, mlir::func::FuncOp callee, const StageInterface &interface,
          const DescribedModule &described, const PlannedPlaces &plan,
          Contents &contents, std::string &error);

  struct Access {
    int64_t entry; ///< of the table
    uint64_t bytes, content;
    bool ofMicrobatch; ///< the micro-batch is to be added to the content
    llvm::StringRef name;
    Place place;
  };
  llvm::SmallVector<Access> reads, writes;
  llvm::SmallVector<unsigned> accumulators; ///< among the reads
  /// Position among the pointers to data, and the input it must be.
  llvm::SmallVector<std::pair<unsigned, int64_t>> data;
  unsigned dataPointers = 0;
  bool hasKey = false;
  uint64_t workspaceBytes = 0;
  Place workspace;
  mlir::StringAttr native; ///< the function that does it
};

} // namespace pp

#endif // PP_LIB_TRANSLATIONVALIDATION_STAGEACCESSES_H
