//===- CudaTypesCheck.cpp - Our declarations against CUDA's headers -------===//
//
// Compiled wherever CMake finds the headers of a library; elsewhere there is
// nothing to compare with.
//
//===----------------------------------------------------------------------===//
#include "CudaTypes.h"
#include "CudnnTypes.h"

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
SAME(attributeMultiprocessors, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
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
SAME(epilogueBgradA, CUBLASLT_EPILOGUE_BGRADA);
SAME(epilogueBgradB, CUBLASLT_EPILOGUE_BGRADB);
#endif

#if __has_include(<nccl.h>)
#include <nccl.h>

static_assert(sizeof(NcclId) == sizeof(ncclUniqueId));
SAME(ncclOk, ncclSuccess);
SAME(ncclBusy, ncclInProgress);
SAME(ncclBytes, ncclUint8);
SAME(ncclReal32, ncclFloat32);
SAME(ncclReal64, ncclFloat64);
SAME(ncclAdd, ncclSum);
#endif

#if __has_include(<cudnn_graph.h>)
#include <cudnn_graph.h>

static_assert(sizeof(BackendDescriptor) == sizeof(cudnnBackendDescriptor_t));
static_assert(sizeof(CudnnHandle) == sizeof(cudnnHandle_t));
static_assert(sizeof(CudnnDataType) == sizeof(cudnnDataType_t));
static_assert(sizeof(NumericalNote) == sizeof(cudnnBackendNumericalNote_t));
SAME(cudnnOk, CUDNN_STATUS_SUCCESS);
SAME(cudnnBadParam, CUDNN_STATUS_BAD_PARAM);
SAME(cudnnNotSupported, CUDNN_STATUS_NOT_SUPPORTED);
SAME(cudnnVersionMismatch, CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH);
SAME(cudnnDriverIncompatible,
     CUDNN_STATUS_NOT_SUPPORTED_INCOMPATIBLE_CUDA_DRIVER);
SAME(cudnnRuntimeIncompatible, CUDNN_STATUS_NOT_SUPPORTED_INCOMPATIBLE_CUDART);
SAME(cudnnArchMismatch, CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH);
SAME(cudnnPrerequisiteMissing,
     CUDNN_STATUS_NOT_SUPPORTED_RUNTIME_PREREQUISITE_MISSING);
SAME(cudnnSublibraryUnavailable,
     CUDNN_STATUS_NOT_SUPPORTED_SUBLIBRARY_UNAVAILABLE);
SAME(cudnnInternal, CUDNN_STATUS_INTERNAL_ERROR);
SAME(cudnnCompilationFailed, CUDNN_STATUS_INTERNAL_ERROR_COMPILATION_FAILED);
SAME(cudnnUnexpectedValue, CUDNN_STATUS_INTERNAL_ERROR_UNEXPECTED_VALUE);
SAME(cudnnExecutionFailed, CUDNN_STATUS_EXECUTION_FAILED);
SAME(cudnnF32, CUDNN_DATA_FLOAT);
SAME(cudnnI32, CUDNN_DATA_INT32);
SAME(cudnnBf16, CUDNN_DATA_BFLOAT16);
SAME(cudnnBool, CUDNN_DATA_BOOLEAN);
SAME(pointwiseDescriptor, CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
SAME(engineDescriptor, CUDNN_BACKEND_ENGINE_DESCRIPTOR);
SAME(engineConfigDescriptor, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
SAME(heuristicsDescriptor, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
SAME(planDescriptor, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
SAME(knobChoiceDescriptor, CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR);
SAME(pointwiseOperation, CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
SAME(graphDescriptor, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
SAME(packDescriptor, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
SAME(tensorDescriptor, CUDNN_BACKEND_TENSOR_DESCRIPTOR);
SAME(matmulDescriptor, CUDNN_BACKEND_MATMUL_DESCRIPTOR);
SAME(matmulOperation, CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR);
SAME(reductionDescriptor, CUDNN_BACKEND_REDUCTION_DESCRIPTOR);
SAME(reductionOperation, CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR);
SAME(reshapeOperation, CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR);
SAME(devicePropertiesDescriptor, CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
SAME(typeHandle, CUDNN_TYPE_HANDLE);
SAME(typeDataType, CUDNN_TYPE_DATA_TYPE);
SAME(typeBool, CUDNN_TYPE_BOOLEAN);
SAME(typeInt64, CUDNN_TYPE_INT64);
SAME(typeFloat, CUDNN_TYPE_FLOAT);
SAME(typePointer, CUDNN_TYPE_VOID_PTR);
SAME(typeHeuristicMode, CUDNN_TYPE_HEUR_MODE);
SAME(typeKnob, CUDNN_TYPE_KNOB_TYPE);
SAME(typeNumericalNote, CUDNN_TYPE_NUMERICAL_NOTE);
SAME(typePointwiseMode, CUDNN_TYPE_POINTWISE_MODE);
SAME(typeDescriptor, CUDNN_TYPE_BACKEND_DESCRIPTOR);
SAME(typeReductionOperator, CUDNN_TYPE_REDUCTION_OPERATOR_TYPE);
SAME(typeChar, CUDNN_TYPE_CHAR);
SAME(pointwiseMode, CUDNN_ATTR_POINTWISE_MODE);
SAME(pointwiseType, CUDNN_ATTR_POINTWISE_MATH_PREC);
SAME(pointwiseAxis, CUDNN_ATTR_POINTWISE_AXIS);
SAME(heuristicsMode, CUDNN_ATTR_ENGINEHEUR_MODE);
SAME(heuristicsGraph, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
SAME(heuristicsResults, CUDNN_ATTR_ENGINEHEUR_RESULTS);
SAME(heuristicsDeviceProperties, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP);
SAME(configEngine, CUDNN_ATTR_ENGINECFG_ENGINE);
SAME(configKnobs, CUDNN_ATTR_ENGINECFG_KNOB_CHOICES);
SAME(configWorkspace, CUDNN_ATTR_ENGINECFG_WORKSPACE_SIZE);
SAME(planHandle, CUDNN_ATTR_EXECUTION_PLAN_HANDLE);
SAME(planConfig, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
SAME(planWorkspace, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE);
SAME(planJson, CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION);
SAME(planDeviceProperties, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP);
SAME(knobChoiceType, CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE);
SAME(knobChoiceValue, CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE);
SAME(operationPointwise, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR);
SAME(operationPointwiseX, CUDNN_ATTR_OPERATION_POINTWISE_XDESC);
SAME(operationPointwiseB, CUDNN_ATTR_OPERATION_POINTWISE_BDESC);
SAME(operationPointwiseY, CUDNN_ATTR_OPERATION_POINTWISE_YDESC);
SAME(operationPointwiseT, CUDNN_ATTR_OPERATION_POINTWISE_TDESC);
SAME(graphHandle, CUDNN_ATTR_OPERATIONGRAPH_HANDLE);
SAME(graphOperations, CUDNN_ATTR_OPERATIONGRAPH_OPS);
SAME(tensorAlignment, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT);
SAME(tensorType, CUDNN_ATTR_TENSOR_DATA_TYPE);
SAME(tensorDims, CUDNN_ATTR_TENSOR_DIMENSIONS);
SAME(tensorStrides, CUDNN_ATTR_TENSOR_STRIDES);
SAME(tensorId, CUDNN_ATTR_TENSOR_UNIQUE_ID);
SAME(tensorIsVirtual, CUDNN_ATTR_TENSOR_IS_VIRTUAL);
SAME(tensorIsValue, CUDNN_ATTR_TENSOR_IS_BY_VALUE);
SAME(packIds, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
SAME(packPointers, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
SAME(packWorkspace, CUDNN_ATTR_VARIANT_PACK_WORKSPACE);
SAME(engineGraph, CUDNN_ATTR_ENGINE_OPERATION_GRAPH);
SAME(engineIndex, CUDNN_ATTR_ENGINE_GLOBAL_INDEX);
SAME(engineNotes, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE);
SAME(engineDeviceProperties, CUDNN_ATTR_ENGINE_DEVICEPROP);
SAME(matmulType, CUDNN_ATTR_MATMUL_COMP_TYPE);
SAME(operationMatmulA, CUDNN_ATTR_OPERATION_MATMUL_ADESC);
SAME(operationMatmulB, CUDNN_ATTR_OPERATION_MATMUL_BDESC);
SAME(operationMatmulC, CUDNN_ATTR_OPERATION_MATMUL_CDESC);
SAME(operationMatmul, CUDNN_ATTR_OPERATION_MATMUL_DESC);
SAME(reductionOperator, CUDNN_ATTR_REDUCTION_OPERATOR);
SAME(reductionType, CUDNN_ATTR_REDUCTION_COMP_TYPE);
SAME(operationReductionX, CUDNN_ATTR_OPERATION_REDUCTION_XDESC);
SAME(operationReductionY, CUDNN_ATTR_OPERATION_REDUCTION_YDESC);
SAME(operationReduction, CUDNN_ATTR_OPERATION_REDUCTION_DESC);
SAME(operationReshapeX, CUDNN_ATTR_OPERATION_RESHAPE_XDESC);
SAME(operationReshapeY, CUDNN_ATTR_OPERATION_RESHAPE_YDESC);
SAME(devicePropertiesJson, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION);
SAME(pointwiseMul, CUDNN_POINTWISE_MUL);
SAME(pointwiseAdd, CUDNN_POINTWISE_ADD);
SAME(pointwiseDiv, CUDNN_POINTWISE_DIV);
SAME(pointwiseSub, CUDNN_POINTWISE_SUB);
SAME(pointwiseExp, CUDNN_POINTWISE_EXP);
SAME(pointwiseLog, CUDNN_POINTWISE_LOG);
SAME(pointwiseIdentity, CUDNN_POINTWISE_IDENTITY);
SAME(pointwiseGreaterEqual, CUDNN_POINTWISE_CMP_GE);
SAME(pointwiseIndex, CUDNN_POINTWISE_GEN_INDEX);
SAME(pointwiseSelect, CUDNN_POINTWISE_BINARY_SELECT);
SAME(reduceAdd, CUDNN_REDUCE_TENSOR_ADD);
SAME(reduceMax, CUDNN_REDUCE_TENSOR_MAX);
SAME(heuristicFallback, CUDNN_HEUR_MODE_FALLBACK);
SAME(heuristicA, CUDNN_HEUR_MODE_A);
SAME(noteNondeterministic, CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC);
SAME(knobStages, CUDNN_KNOB_TYPE_STAGES);
SAME(knobKernelConfig, CUDNN_KNOB_TYPE_KERNEL_CFG);
SAME(knobTileCgaM, CUDNN_KNOB_TYPE_TILE_CGA_M);
SAME(knobStreamK, CUDNN_KNOB_TYPE_STREAM_K);
SAME(knobTileM, CUDNN_KNOB_TYPE_TILE_M);
SAME(knobTileN, CUDNN_KNOB_TYPE_TILE_N);
#endif
