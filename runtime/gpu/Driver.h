//===- Driver.h - Functions of CUDA's driver ------------------------------===//
#ifndef PPRT_GPU_DRIVER_H
#define PPRT_GPU_DRIVER_H

#include "CudaTypes.h"
#include "Library.h"

#include <string>

#define PPRT_DRIVER_FUNCTIONS(F)                                               \
  F(Result, init, "cuInit", unsigned)                                          \
  F(Result, driverVersion, "cuDriverGetVersion", int *)                        \
  F(Result, errorName, "cuGetErrorName", Result, const char **)                \
  F(Result, errorText, "cuGetErrorString", Result, const char **)              \
  F(Result, deviceCount, "cuDeviceGetCount", int *)                            \
  F(Result, deviceGet, "cuDeviceGet", DeviceId *, int)                         \
  F(Result, deviceName, "cuDeviceGetName", char *, int, DeviceId)              \
  F(Result, deviceAttribute, "cuDeviceGetAttribute", int *, int, DeviceId)     \
  F(Result, contextRetain, "cuDevicePrimaryCtxRetain", Context *, DeviceId)    \
  F(Result, contextRelease, "cuDevicePrimaryCtxRelease_v2", DeviceId)          \
  F(Result, contextReset, "cuDevicePrimaryCtxReset_v2", DeviceId)              \
  F(Result, contextSet, "cuCtxSetCurrent", Context)                            \
  F(Result, contextSynchronize, "cuCtxSynchronize", void)                      \
  F(Result, moduleLoad, "cuModuleLoadDataEx", Module *, const void *,          \
    unsigned, int *, void **)                                                  \
  F(Result, moduleFunction, "cuModuleGetFunction", Function *, Module,         \
    const char *)                                                              \
  F(Result, memoryInfo, "cuMemGetInfo_v2", size_t *, size_t *)                 \
  F(Result, allocate, "cuMemAlloc_v2", DevicePtr *, size_t)                    \
  F(Result, free, "cuMemFree_v2", DevicePtr)                                   \
  F(Result, allocateHost, "cuMemHostAlloc", void **, size_t, unsigned)         \
  F(Result, freeHost, "cuMemFreeHost", void *)                                 \
  F(Result, copyToDevice, "cuMemcpyHtoDAsync_v2", DevicePtr, const void *,     \
    size_t, Stream)                                                            \
  F(Result, copyToHost, "cuMemcpyDtoHAsync_v2", void *, DevicePtr, size_t,     \
    Stream)                                                                    \
  F(Result, copyOnDevice, "cuMemcpyDtoDAsync_v2", DevicePtr, DevicePtr,        \
    size_t, Stream)                                                            \
  F(Result, fill8, "cuMemsetD8Async", DevicePtr, unsigned char, size_t,        \
    Stream)                                                                    \
  F(Result, streamCreate, "cuStreamCreate", Stream *, unsigned)                \
  F(Result, streamDestroy, "cuStreamDestroy_v2", Stream)                       \
  F(Result, streamQuery, "cuStreamQuery", Stream)                              \
  F(Result, streamWait, "cuStreamWaitEvent", Stream, Event, unsigned)          \
  F(Result, eventCreate, "cuEventCreate", Event *, unsigned)                   \
  F(Result, eventDestroy, "cuEventDestroy_v2", Event)                          \
  F(Result, eventRecord, "cuEventRecordWithFlags", Event, Stream, unsigned)    \
  F(Result, eventElapsed, "cuEventElapsedTime", float *, Event, Event)         \
  F(Result, launch, "cuLaunchKernel", Function, unsigned, unsigned, unsigned,  \
    unsigned, unsigned, unsigned, unsigned, Stream, void **, void **)          \
  F(Result, captureBegin, "cuStreamBeginCapture_v2", Stream, int)              \
  F(Result, captureEnd, "cuStreamEndCapture", Stream, Graph *)                 \
  F(Result, graphInstantiate, "cuGraphInstantiateWithFlags", GraphExec *,      \
    Graph, unsigned long long)                                                 \
  F(Result, graphLaunch, "cuGraphLaunch", GraphExec, Stream)                   \
  F(Result, graphExecDestroy, "cuGraphExecDestroy", GraphExec)                 \
  F(Result, graphDestroy, "cuGraphDestroy", Graph)

namespace pprt::cuda {

struct Driver {
  /// Opens libcuda.so.1; throws Error.
  Driver();

  PPRT_DRIVER_FUNCTIONS(PPRT_FUNCTION_MEMBER)

  /// Throws Error, which names the call, unless `result` is success.
  void check(Result result, const char *call) const;
  /// "CUDA_ERROR_X: its text".
  std::string text(Result result) const;
};

} // namespace pprt::cuda

#endif // PPRT_GPU_DRIVER_H
