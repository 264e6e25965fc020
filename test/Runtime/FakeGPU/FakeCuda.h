//===- FakeCuda.h - A GPU that is none ------------------------------------===//
//
// Stand-ins for libcuda.so.1, libnccl.so.2, libcublasLt.so.13 and
// libcudnn.so.9, with which the runtime's CUDA code runs where no GPU is:
// device memory is the host's, kernels are the program's host code, streams are
// queues of operations.
//
// Nothing is done when it is enqueued. Queries of a stream let all streams go
// on, the last one first, so that an order that only a real device would break,
// such as a missing wait for an event, gives wrong results here too.
//
// Environment:
//   FAKE_CUDA_DEVICES=N      number of devices (8)
//   FAKE_CUDA_CAPABILITY=MN  sm_MN (90)
//   FAKE_CUDA_FREE=BYTES     free memory (1 TB)
//   FAKE_CUDA_FAIL=CALL@N    the N-th call (from 0) of a function fails: 719
//   FAKE_CUDA_LOG=FILE       a line for each call
//   FAKE_LT_REFUSE=N,M       cuBLASLt has no plan with these epilogues
//   FAKE_LT_VERSION=N        its version (130100)
//   FAKE_CUDNN=A,B           version=90100, none (no engine), refuse (engines
//                            do not take it), mendable (nor now, for want of a
//                            library), unwritten (plans have no JSON),
//                            nondeterministic (only such in mode A),
//                            workspace=BYTES that plans need, broken (no
//                            handle), rank=N (all this on that rank only)
//   FAKE_NCCL_DIR=DIR        where messages lie
//   FAKE_NCCL_STUCK_INIT     communicators of this rank never connect
//   FAKE_NCCL_STUCK=N        from the N-th on, sends of this rank never end
//
//===----------------------------------------------------------------------===//
#ifndef FAKECUDA_H
#define FAKECUDA_H

#include <functional>

/// Enqueues an operation that returns whether it has been done.
extern "C++" void fakeEnqueue(void *stream, std::function<bool()> operation);
/// Whether memory is the device's: libraries take no other.
extern "C++" bool fakeIsOnDevice(const void *memory);
/// Logs a call; the status that it is to fail with, 0 for none.
extern "C++" int fakeCall(const char *name);

#endif // FAKECUDA_H
