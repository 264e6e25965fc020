//===- JobAbort.h - Ending a job whose ranks do not answer ----------------===//
#ifndef PPRT_JOBABORT_H
#define PPRT_JOBABORT_H

namespace pprt {

/// Ends this rank with status 1, and all others without their help.
[[noreturn]] void abortJob();

} // namespace pprt

#endif // PPRT_JOBABORT_H
