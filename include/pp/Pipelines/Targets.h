//===- Targets.h - What follows from where a program runs ------*- C++ -*-===//
//
// Costs, and what its transports promise. What has to be proven of a program,
// and where a model is cut, follow from it.
//
//===----------------------------------------------------------------------===//

#ifndef PP_PIPELINES_TARGETS_H
#define PP_PIPELINES_TARGETS_H

#include "pp/Analysis/Cost.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <optional>

namespace pp {

struct Target {
  /// Semantics of communication that the target's transports give, by the
  /// spelling of options, the usual one first. A program that is proven under
  /// others could wait forever.
  ///
  /// On CPUs messages are matched by tag and a send may wait for its receive
  /// (MPI; mailboxes in shared memory are bounded). NCCL has no tags: the
  /// transfers of an edge match in the order in which they are posted. What
  /// ends so also ends when matched by tag, as when a program for GPUs stages
  /// its messages over MPI.
  llvm::ArrayRef<llvm::StringRef> semantics;

  /// Sustained rates of one rank, where no profile says better. Their ratio
  /// decides where a model is cut.
  MachineRates rates;
};

/// Names of all targets, the usual one first.
llvm::ArrayRef<llvm::StringRef> targetNames();

struct PipelineOptions;
/// What the transports of their target give; nothing where it is none.
llvm::ArrayRef<llvm::StringRef> semanticsOf(const PipelineOptions &options);

/// One of these names, with a chip as "sm_90a" (empty: that one) and a
/// precision, f32 or bf16; nothing for others. For GPUs: 0.6 of the dense peak
/// of tensor cores (bf16) or of f32 units, 0.8 of the peak bandwidth of memory,
/// 0.7 of NVLink in one direction, from NVIDIA's data sheets of A100 SXM
/// (sm_8x), H100 SXM (sm_9x) and B200 (sm_10x, sm_12x).
std::optional<Target> findTarget(llvm::StringRef name, llvm::StringRef chip,
                                 llvm::StringRef precision);

/// 91900 for "9.19" or "9.19.0", as cuDNN itself says; nothing for what is no
/// version 9.
std::optional<int64_t> readCudnnVersion(llvm::StringRef text);

} // namespace pp

#endif // PP_PIPELINES_TARGETS_H
