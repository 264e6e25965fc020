//===- CudnnTypes.h - What we use of cuDNN's graph API --------------------===//
//
// Own declarations of the numbers of cuDNN's backend API, as in CudaTypes.h;
// CudaTypesCheck.cpp compares them with cudnn_graph.h where it is.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_GPU_CUDNNTYPES_H
#define PPRT_GPU_CUDNNTYPES_H

#include <cstdint>

namespace pprt::cuda {

using CudnnHandle = struct CudnnHandleTag *;
using BackendDescriptor = void *;

/// Statuses are a category, in thousands, and a detail.
enum CudnnStatus : int {
  cudnnOk = 0,
  cudnnVersionMismatch = 1002,
  cudnnBadParam = 2000,
  cudnnNotSupported = 3000,
  cudnnDriverIncompatible = 3005,
  cudnnRuntimeIncompatible = 3006,
  cudnnArchMismatch = 3007,
  cudnnPrerequisiteMissing = 3008,
  cudnnSublibraryUnavailable = 3009,
  cudnnInternal = 4000,
  cudnnCompilationFailed = 4001,
  cudnnUnexpectedValue = 4002,
  cudnnExecutionFailed = 5000,
};

enum CudnnDataType : int {
  cudnnF32 = 0,
  cudnnI32 = 4,
  cudnnBf16 = 9,
  cudnnBool = 11,
};

enum DescriptorType : int {
  pointwiseDescriptor = 0,
  engineDescriptor = 2,
  engineConfigDescriptor = 3,
  heuristicsDescriptor = 4,
  planDescriptor = 5,
  knobChoiceDescriptor = 7,
  pointwiseOperation = 13,
  graphDescriptor = 15,
  packDescriptor = 16,
  tensorDescriptor = 17,
  matmulDescriptor = 18,
  matmulOperation = 19,
  reductionDescriptor = 21,
  reductionOperation = 22,
  reshapeOperation = 31,
  devicePropertiesDescriptor = 38,
};

/// Types of attributes.
enum AttributeType : int {
  typeHandle = 0,
  typeDataType = 1,
  typeBool = 2,
  typeInt64 = 3,
  typeFloat = 4,
  typePointer = 6,
  typeHeuristicMode = 8,
  typeKnob = 9,
  typeNumericalNote = 11,
  typePointwiseMode = 14,
  typeDescriptor = 15,
  typeReductionOperator = 18,
  typeChar = 24,
};

enum Attribute : int {
  pointwiseMode = 0,
  pointwiseType = 1,
  pointwiseAxis = 9,
  heuristicsMode = 200,
  heuristicsGraph = 201,
  heuristicsResults = 202,
  heuristicsDeviceProperties = 204,
  configEngine = 300,
  configKnobs = 302,
  configWorkspace = 303,
  planHandle = 400,
  planConfig = 401,
  planWorkspace = 402,
  planJson = 405,
  planDeviceProperties = 407,
  knobChoiceType = 600,
  knobChoiceValue = 601,
  operationPointwise = 750,
  operationPointwiseX = 751,
  operationPointwiseB = 752,
  operationPointwiseY = 753,
  operationPointwiseT = 758,
  graphHandle = 800,
  graphOperations = 801,
  tensorAlignment = 900,
  tensorType = 901,
  tensorDims = 902,
  tensorStrides = 903,
  tensorId = 906,
  tensorIsVirtual = 907,
  tensorIsValue = 908,
  packIds = 1000,
  packPointers = 1001,
  packWorkspace = 1003,
  engineGraph = 1300,
  engineIndex = 1301,
  engineNotes = 1303,
  engineDeviceProperties = 1307,
  matmulType = 1500,
  operationMatmulA = 1520,
  operationMatmulB = 1521,
  operationMatmulC = 1522,
  operationMatmul = 1523,
  reductionOperator = 1600,
  reductionType = 1601,
  operationReductionX = 1610,
  operationReductionY = 1611,
  operationReduction = 1612,
  operationReshapeX = 2200,
  operationReshapeY = 2201,
  devicePropertiesJson = 2702,
};

enum PointwiseMode : int {
  pointwiseMul = 1,
  pointwiseAdd = 0,
  pointwiseDiv = 6,
  pointwiseSub = 9,
  pointwiseExp = 13,
  pointwiseLog = 15,
  pointwiseIdentity = 21,
  pointwiseGreaterEqual = 303,
  pointwiseIndex = 501,
  pointwiseSelect = 601,
};

enum ReductionOperator : int { reduceAdd = 0, reduceMax = 3 };
enum HeuristicMode : int { heuristicFallback = 2, heuristicA = 3 };
enum NumericalNote : int { noteNondeterministic = 4 };
enum Knob : int {
  knobStages = 14,
  knobKernelConfig = 24,
  knobTileCgaM = 27,
  knobStreamK = 38,
  knobTileM = 40,
  knobTileN = 41,
};

} // namespace pprt::cuda

#endif // PPRT_GPU_CUDNNTYPES_H
