// RUN: pp-opt %s -pass-pipeline="builtin.module(func.func(convert-nn-to-linalg))" | FileCheck %s
// RUN: pp-opt %s --pp-lower-layers | FileCheck %s --check-prefix=CALLS
// RUN: pp-opt %s --pp-lower-layers | FileCheck %s --check-prefix=COPIES
// RUN: pp-opt %s --pp-lower-layers-gpu=chip=sm_90 | FileCheck %s --check-prefix=CALLS

pp.mesh @mesh <["pipe" = 1, "data" = 2, "tensor" = 4]>

// Each is prepared once, by what it is; the bytes of what is not summed.
// CALLS: pp.collectives = [
// CALLS-SAME: {axes = ["tensor"], elements = 1024 : i64, kind = "all_gather", type = "bytes"}
// CALLS-SAME: {axes = ["tensor"], elements = 64 : i64, kind = "reduce_scatter", type = "f32"}
// CALLS-SAME: {axes = ["data", "tensor"], elements = 256 : i64, kind = "all_reduce", type = "f32"}

// Along the first dimension of more than one element parts lie as they come.
// CHECK-LABEL: func.func @gather
// CHECK: kernel.collective all_gather %{{.*}} into %{{.*}}, %{{.*}} over ["tensor"] members(4) : (tensor<1x16x16xf32>, tensor<4x1x16x16xf32>
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @gather(%x: tensor<1x16x16xf32>) -> tensor<1x64x16xf32> {
  %y = comm.all_gather %x over ["tensor"] dim(1) : tensor<1x16x16xf32> -> tensor<1x64x16xf32>
  return %y : tensor<1x64x16xf32>
}

// Along another one a copy brings the members to the front. A distribution is of
// tensors, and proven: code has none.
// CHECK-LABEL: func.func @scatter(
// CHECK-NOT: comm.distribution
// CHECK: linalg.generic
// CHECK: kernel.collective reduce_scatter %{{.*}} : (tensor<4x4x4x4xf32>, tensor<4x4x4xf32>
// CHECK-LABEL: func.func @sums
func.func @scatter(%x: tensor<4x16x4xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<4x4x4xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  %y = comm.reduce_scatter sum %x over ["tensor"] dim(1) : tensor<4x16x4xf32> -> tensor<4x4x4xf32>
  return %y : tensor<4x4x4xf32>
}

// bf16 is summed in f32.
// CHECK: arith.extf
// CHECK: kernel.collective all_reduce %{{.*}} over ["data", "tensor"] members(8) : (tensor<16x16xf32>
// CHECK: arith.truncf
func.func @sums(%x: tensor<16x16xbf16>) -> tensor<16x16xbf16> {
  %y = comm.all_reduce sum %x over ["data", "tensor"] : tensor<16x16xbf16>
  return %y : tensor<16x16xbf16>
}

// What has gaps in memory is copied.
// COPIES-LABEL: llvm.func @columns
// COPIES: llvm.call @pprt_collective
func.func @columns(%x: tensor<16x16xf32>) -> tensor<16x4xf32> {
  %s = nn.slice %x offsets = [0, 4] sizes = [16, 4] : (tensor<16x16xf32>) -> tensor<16x4xf32>
  %y = comm.all_reduce sum %s over ["tensor"] : tensor<16x4xf32>
  return %y : tensor<16x4xf32>
}

