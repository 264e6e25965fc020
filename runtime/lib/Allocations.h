//===- Allocations.h - Proof that a step allocates nothing ----------------===//
//
// The runtime defines malloc and its relatives for the whole process (they pass
// on to libc's), so that with PPRT_COUNT_ALLOCATIONS=1 every allocation during
// a step is counted, by who asked for it: the program itself (generated code,
// kernels, runtime), MPI (inside a call of ours to MPI), or another shared
// library. Not in builds with sanitizers, which
// bring their own malloc.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_ALLOCATIONS_H
#define PPRT_ALLOCATIONS_H

#include <cstdint>

namespace pprt {

struct AllocationCounts {
  uint64_t program = 0, mpi = 0, libraries = 0;
};

/// Whether allocations can be counted in this build.
bool canCountAllocations();
/// Starts and stops to count, for all threads of the process.
void countAllocations(bool on);
/// Those of the calling thread are not counted: it works beside the steps.
void ignoreAllocations();
/// What has been counted since the process began.
AllocationCounts allocationCounts();

/// Marks the calling thread as inside MPI.
class MpiScope {
public:
  MpiScope();
  ~MpiScope();
};

} // namespace pprt

#endif // PPRT_ALLOCATIONS_H
