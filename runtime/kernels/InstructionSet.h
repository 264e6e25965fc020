//===- InstructionSet.h - Which kernels a processor runs --------*- C++ -*-===//

#ifndef PPRT_KERNELS_INSTRUCTIONSET_H
#define PPRT_KERNELS_INSTRUCTIONSET_H

#include "GemmKernel.h"

namespace pprt {

struct InstructionSet {
  /// As PPRT_CPU_ISA has it.
  const char *name;
  const GemmKernel *floats, *bf16;
  /// Whether this processor, under this system, has the instructions.
  bool (*isHere)();
};

/// All that this build knows, in the order of preference, the best last.
/// Returns how many.
int32_t instructionSets(const InstructionSet *&sets);

/// The best one here, or the one that is `wanted` unless that is null or empty.
/// Null with a `message` of at most `size` bytes if that cannot be.
const InstructionSet *chooseInstructionSet(const char *wanted, char *message,
                                           uint64_t size);

/// The one of this process, by PPRT_CPU_ISA. Ends the process where
/// pprt_kernels_error has a message.
const InstructionSet &instructionSet();

} // namespace pprt

#endif // PPRT_KERNELS_INSTRUCTIONSET_H
