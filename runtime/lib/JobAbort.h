//===- JobAbort.h - Ending a job whose ranks do not answer ----------------===//
#ifndef PPRT_JOBABORT_H
#define PPRT_JOBABORT_H

namespace pprt {

/// Ends this rank with status 1, and all others without their help.
[[noreturn]] void abortJob();

/// Sleeps for seconds in which this process is not stopped, one by one: a stop
/// counts as one. Makes system calls only.
void sleepAwake(unsigned seconds);

} // namespace pprt

#endif // PPRT_JOBABORT_H
