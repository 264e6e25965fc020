//===- SharedProcess.h - Several ranks in one process -----------*- C++ -*-===//
//
// With fewer processes than the tensor axis has coordinates, a process is
// several neighbours on it (pp-compile --tensor-groups). Each is a rank like
// any other, on a thread of its own, with the same program, kernels and shapes
// as if it were alone, so that its bits are those it has alone.
//
// They take turns: one of them runs, until it waits for something that has not
// come; then the next one that can go on does. So they need no cores more than
// one rank, and one after the other uses the process's way to other processes,
// which knows of one thread. If none can go on the process sleeps until
// something comes.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_SHAREDPROCESS_H
#define PPRT_SHAREDPROCESS_H

#include "Bootstrap.h"

#include <functional>

namespace pprt {

/// Runs `action` as each of `ranks` ranks that share this process, and returns
/// the largest of their results: those of process p are ranks
/// p * ranks ... (p + 1) * ranks - 1, and all processes have as many. Throws
/// what any of them throws. `process` may then be finished, not used otherwise.
int32_t runSharing(Bootstrap &process, int ranks,
                   const std::function<int32_t(Bootstrap &)> &action);

} // namespace pprt

#endif // PPRT_SHAREDPROCESS_H
