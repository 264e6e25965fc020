//===- JobAbort.h - Ending a job whose ranks do not answer ----------------===//
#ifndef PPRT_JOBABORT_H
#define PPRT_JOBABORT_H

namespace pprt {

/// Ends this rank with status 1, and all others without their help.
[[noreturn]] void abortJob();

/// A descriptor of what mpirun prints errors to, for the caller to close; -1 if
/// this process is not its child, or may not have one. On its way out mpirun
/// drops what ranks print to their own.
int openLauncherErrors();

/// Sleeps for seconds in which this process is not stopped, one by one: a stop
/// counts as one. Makes system calls only.
void sleepAwake(unsigned seconds);

} // namespace pprt

#endif // PPRT_JOBABORT_H
