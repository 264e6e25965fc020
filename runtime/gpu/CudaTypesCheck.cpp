//===- CudaTypesCheck.cpp - Our declarations against CUDA's headers -------===//
//
// Compiled wherever CMake finds the headers of a library; elsewhere there is
// nothing to compare with.
//
//===----------------------------------------------------------------------===//
#include "CudaTypes.h"

#include <cstddef>

using namespace pprt::cuda;

#define SAME(OURS, THEIRS)                                                     \
  static_assert(static_cast<long long>(OURS) == static_cast<long long>(THEIRS))

#if __has_include(<cuda.h>)
#include <cuda.h>

static_assert(sizeof(DevicePtr) == sizeof(CUdeviceptr));
static_assert(sizeof(DeviceId) == sizeof(CUdevice));
static_assert(sizeof(Result) == sizeof(CUresult));
static_assert(sizeof(Stream) == sizeof(CUstream));
SAME(success, CUDA_SUCCESS);
SAME(outOfMemory, CUDA_ERROR_OUT_OF_MEMORY);
SAME(noDevice, CUDA_ERROR_NO_DEVICE);
SAME(invalidImage, CUDA_ERROR_INVALID_IMAGE);
SAME(noBinaryForGpu, CUDA_ERROR_NO_BINARY_FOR_GPU);
SAME(unsupportedPtx, CUDA_ERROR_UNSUPPORTED_PTX_VERSION);
SAME(notFound, CUDA_ERROR_NOT_FOUND);
SAME(notReady, CUDA_ERROR_NOT_READY);
SAME(attributeComputeMajor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
SAME(attributeComputeMinor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
SAME(streamNonBlocking, CU_STREAM_NON_BLOCKING);
SAME(eventDefault, CU_EVENT_DEFAULT);
SAME(eventBlockingSync, CU_EVENT_BLOCKING_SYNC);
SAME(eventDisableTiming, CU_EVENT_DISABLE_TIMING);
SAME(eventRecordExternal, CU_EVENT_RECORD_EXTERNAL);
SAME(hostAllocPortable, CU_MEMHOSTALLOC_PORTABLE);
SAME(hostAllocDeviceMap, CU_MEMHOSTALLOC_DEVICEMAP);
SAME(captureThreadLocal, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
SAME(jitInfoLogBuffer, CU_JIT_INFO_LOG_BUFFER);
SAME(jitInfoLogBytes, CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES);
SAME(jitErrorLogBuffer, CU_JIT_ERROR_LOG_BUFFER);
SAME(jitErrorLogBytes, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES);
#endif

#if __has_include(<cublasLt.h>)
#include <cublasLt.h>

static_assert(sizeof(LtAlgo) == sizeof(cublasLtMatmulAlgo_t));
static_assert(sizeof(LtHeuristicResult) ==
              sizeof(cublasLtMatmulHeuristicResult_t));
static_assert(offsetof(LtHeuristicResult, workspaceSize) ==
              offsetof(cublasLtMatmulHeuristicResult_t, workspaceSize));
static_assert(offsetof(LtHeuristicResult, state) ==
              offsetof(cublasLtMatmulHeuristicResult_t, state));
SAME(real32, CUDA_R_32F);
SAME(real64, CUDA_R_64F);
SAME(realBf16, CUDA_R_16BF);
SAME(compute32, CUBLAS_COMPUTE_32F);
SAME(compute64, CUBLAS_COMPUTE_64F);
SAME(opN, CUBLAS_OP_N);
SAME(opT, CUBLAS_OP_T);
SAME(layoutBatchCount, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT);
SAME(layoutBatchStride, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET);
SAME(descTransA, CUBLASLT_MATMUL_DESC_TRANSA);
SAME(descTransB, CUBLASLT_MATMUL_DESC_TRANSB);
SAME(descEpilogue, CUBLASLT_MATMUL_DESC_EPILOGUE);
SAME(descBiasPointer, CUBLASLT_MATMUL_DESC_BIAS_POINTER);
SAME(descAuxPointer, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER);
SAME(descAuxLd, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD);
SAME(descAuxStride, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_BATCH_STRIDE);
SAME(descAuxType, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_DATA_TYPE);
SAME(descBiasType, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE);
SAME(preferenceWorkspace, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES);
SAME(preferenceReduction, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK);
SAME(preferenceAlignmentA, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES);
SAME(preferenceAlignmentB, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES);
SAME(preferenceAlignmentC, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES);
SAME(preferenceAlignmentD, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES);
SAME(reductionCompute, CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE);
SAME(epilogueDefault, CUBLASLT_EPILOGUE_DEFAULT);
SAME(epilogueBias, CUBLASLT_EPILOGUE_BIAS);
SAME(epilogueGeluAux, CUBLASLT_EPILOGUE_GELU_AUX);
SAME(epilogueGeluAuxBias, CUBLASLT_EPILOGUE_GELU_AUX_BIAS);
SAME(epilogueDgelu, CUBLASLT_EPILOGUE_DGELU);
SAME(epilogueDgeluBgrad, CUBLASLT_EPILOGUE_DGELU_BGRAD);
SAME(epilogueBgradA, CUBLASLT_EPILOGUE_BGRADA);
SAME(epilogueBgradB, CUBLASLT_EPILOGUE_BGRADB);
#endif

#if __has_include(<nccl.h>)
#include <nccl.h>

static_assert(sizeof(NcclId) == sizeof(ncclUniqueId));
SAME(ncclOk, ncclSuccess);
SAME(ncclBusy, ncclInProgress);
SAME(ncclBytes, ncclUint8);
SAME(ncclF64, ncclFloat64);
SAME(ncclAdd, ncclSum);
#endif
