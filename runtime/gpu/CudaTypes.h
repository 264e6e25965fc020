//===- CudaTypes.h - What we use of CUDA's C interfaces -------------------===//
//
// Own declarations of the types and numbers of CUDA's driver, cuBLASLt and NCCL
// that the runtime uses, so that it builds where no toolkit is, and programs
// built there run where GPUs are. CudaTypesCheck.cpp compares them with the
// real headers where these are present.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_GPU_CUDATYPES_H
#define PPRT_GPU_CUDATYPES_H

#include <cstddef>
#include <cstdint>

namespace pprt::cuda {

//===----------------------------------------------------------------------===//
// Driver
//===----------------------------------------------------------------------===//

using Result = int;
using DeviceId = int;
using DevicePtr = unsigned long long;
using Context = struct ContextTag *;
using Module = struct ModuleTag *;
using Function = struct FunctionTag *;
using Stream = struct StreamTag *;
using Event = struct EventTag *;
using Graph = struct GraphTag *;
using GraphExec = struct GraphExecTag *;

enum : Result {
  success = 0,
  outOfMemory = 2,
  noDevice = 100,
  invalidImage = 200,
  noBinaryForGpu = 209,
  unsupportedPtx = 222,
  notFound = 500,
  notReady = 600,
};

enum : int {
  attributeMultiprocessors = 16,
  attributeComputeMajor = 75,
  attributeComputeMinor = 76,
};

enum : unsigned {
  streamNonBlocking = 1,
  eventDefault = 0,
  eventBlockingSync = 1,
  eventDisableTiming = 2,
  eventRecordExternal = 1,
  hostAllocPortable = 1,
  hostAllocDeviceMap = 2,
};

enum : int { captureThreadLocal = 1 };

/// Options of cuModuleLoadDataEx.
enum : int {
  jitInfoLogBuffer = 3,
  jitInfoLogBytes = 4,
  jitErrorLogBuffer = 5,
  jitErrorLogBytes = 6,
};

//===----------------------------------------------------------------------===//
// cuBLASLt
//===----------------------------------------------------------------------===//

using LtHandle = struct LtHandleTag *;
using LtMatmulDesc = struct LtMatmulDescTag *;
using LtLayout = struct LtLayoutTag *;
using LtPreference = struct LtPreferenceTag *;

struct LtAlgo {
  uint64_t data[8];
};

struct LtHeuristicResult {
  LtAlgo algo;
  size_t workspaceSize;
  int state;
  float wavesCount;
  int reserved[4];
};

enum DataType : int { real32 = 0, real64 = 1, realBf16 = 14 };
enum : int { compute32 = 68, compute64 = 70 };
enum : int { opN = 0, opT = 1 };
enum LayoutAttribute : int { layoutBatchCount = 5, layoutBatchStride = 6 };
enum DescAttribute : int {
  descTransA = 3,
  descTransB = 4,
  descEpilogue = 7,
  descBiasPointer = 8,
  descAuxPointer = 11,
  descAuxLd = 12,
  descAuxStride = 13,
  descAuxType = 22,
  descBiasType = 26,
};
enum PreferenceAttribute : int {
  preferenceWorkspace = 1,
  preferenceReduction = 3,
  preferenceAlignmentA = 5,
  preferenceAlignmentB = 6,
  preferenceAlignmentC = 7,
  preferenceAlignmentD = 8,
};
enum Reduction : uint32_t { reductionCompute = 2 };
enum Epilogue : uint32_t {
  epilogueDefault = 1,
  epilogueBias = 4,
  epilogueGeluAux = 32 | 128,
  epilogueGeluAuxBias = 32 | 128 | 4,
  epilogueDgelu = 64 | 128,
  epilogueBgradA = 256,
  epilogueBgradB = 512,
};

//===----------------------------------------------------------------------===//
// NCCL
//===----------------------------------------------------------------------===//

using NcclComm = struct NcclCommTag *;
struct NcclId {
  char data[128];
};
enum : int { ncclOk = 0, ncclBusy = 7 };
enum : int { ncclBytes = 1, ncclReal32 = 7, ncclReal64 = 8 };
enum : int { ncclAdd = 0 };

} // namespace pprt::cuda

#endif // PPRT_GPU_CUDATYPES_H
