//===- PlanningDriver.cpp - A driver that has no device -------------------===//
//
// Stands in for libcuda.so.1 while the real cuDNN (9.19 to 9.25 were tried)
// plans for a chip that is only described to it. cuDNN then loads code for that
// chip, and is told that this worked; it looks up more functions, which it does
// not call, and which fail.
//
//===----------------------------------------------------------------------===//
#define API extern "C" __attribute__((visibility("default")))

API int cuLibraryLoadData(void **library, const void *, void *, void *,
                          unsigned, void *, void *, unsigned) {
  static char loaded;
  *library = &loaded;
  return 0;
}

API int cuLibraryGetKernel(void **kernel, void *, const char *) {
  static char found;
  *kernel = &found;
  return 0;
}

#define FAILS(NAME)                                                            \
  API int NAME() { return 801; /* CUDA_ERROR_NOT_SUPPORTED */ }
FAILS(cuCtxGetCurrent)
FAILS(cuCtxGetLimit)
FAILS(cuCtxPopCurrent)
FAILS(cuCtxPushCurrent)
FAILS(cuDeviceGet)
FAILS(cuDeviceGetCount)
FAILS(cuDriverGetVersion)
FAILS(cuGetErrorName)
FAILS(cuGetErrorString)
FAILS(cuKernelGetAttribute)
FAILS(cuKernelGetFunction)
FAILS(cuKernelSetAttribute)
FAILS(cuLaunchCooperativeKernel)
FAILS(cuLaunchKernel)
FAILS(cuLaunchKernelEx)
FAILS(cuLibraryLoadFromFile)
FAILS(cuLibraryUnload)
FAILS(cuLinkAddData)
FAILS(cuLinkComplete)
FAILS(cuLinkCreate)
FAILS(cuLinkDestroy)
FAILS(cuOccupancyMaxPotentialClusterSize)
FAILS(cuStreamGetCtx)
