// RUN: pp-opt %s | pp-opt | FileCheck %s
// RUN: pp-opt %s --mlir-print-op-generic | pp-opt | FileCheck %s

// CHECK: pp.mesh @mesh <["data" = 3, "tensor" = 2]>
pp.mesh @mesh <["data" = 3, "tensor" = 2]>

// CHECK-LABEL: func.func @reduce
func.func @reduce(%x: tensor<4x6xf32>, %s: tensor<f64>) {
  // CHECK: comm.all_reduce sum %{{.*}} over ["tensor"] : tensor<4x6xf32>
  %0 = comm.all_reduce sum %x over ["tensor"] : tensor<4x6xf32>
  // CHECK: comm.all_reduce max %{{.*}} over ["data", "tensor"] : tensor<f64>
  %1 = comm.all_reduce max %s over ["data", "tensor"] : tensor<f64>
  // CHECK: comm.reduce_scatter sum %{{.*}} over ["data", "tensor"] dim(1) : tensor<4x6xf32> -> tensor<4x1xf32>
  %2 = comm.reduce_scatter sum %x over ["data", "tensor"] dim(1) : tensor<4x6xf32> -> tensor<4x1xf32>
  return
}

// CHECK-LABEL: func.func @move
func.func @move(%x: tensor<4x6xf32>, %i: tensor<4xi64>) {
  // CHECK: comm.all_gather %{{.*}} over ["data"] dim(0) : tensor<4x6xf32> -> tensor<12x6xf32>
  %0 = comm.all_gather %x over ["data"] dim(0) : tensor<4x6xf32> -> tensor<12x6xf32>
  // CHECK: comm.all_gather %{{.*}} over ["tensor"] dim(0) invariant : tensor<4xi64> -> tensor<8xi64>
  %1 = comm.all_gather %i over ["tensor"] dim(0) invariant : tensor<4xi64> -> tensor<8xi64>
  // CHECK: comm.all_to_all %{{.*}} over ["data"] split(1) concat(0) : tensor<4x6xf32> -> tensor<12x2xf32>
  %2 = comm.all_to_all %x over ["data"] split(1) concat(0) : tensor<4x6xf32> -> tensor<12x2xf32>
  // CHECK: comm.permute %{{.*}} over ["data"] by(-2) : tensor<4x6xf32>
  %3 = comm.permute %x over ["data"] by(-2) : tensor<4x6xf32>
  return
}

// CHECK-LABEL: func.func @still
func.func @still(%x: tensor<4x6xbf16>) {
  // CHECK: comm.vary %{{.*}} over ["tensor"] : tensor<4x6xbf16>
  %0 = comm.vary %x over ["tensor"] : tensor<4x6xbf16>
  // CHECK: comm.slice %{{.*}} over ["data"] dim(1) : tensor<4x6xbf16> -> tensor<4x2xbf16>
  %1 = comm.slice %x over ["data"] dim(1) : tensor<4x6xbf16> -> tensor<4x2xbf16>
  // CHECK: comm.iota over ["tensor"] dim(0) : tensor<5xi32>
  %2 = comm.iota over ["tensor"] dim(0) : tensor<5xi32>
  // CHECK: comm.detach %{{.*}} : tensor<4x6xbf16>
  %3 = comm.detach %x : tensor<4x6xbf16>
  return
}

// CHECK-LABEL: func.func private @distributions
// CHECK-SAME: comm.distribution = #comm.distribution<{"data" = partial(max), "tensor" = varying(1)}>
// CHECK-SAME: comm.distribution = #comm.distribution<{"data" = varying, "tensor" = partial}>
// CHECK-SAME: comm.distribution = #comm.distribution<{"data" = replicated, "tensor" = constant}>
// CHECK-SAME: -> (tensor<f32> {comm.distribution = #comm.distribution<{"data" = invariant}>})
func.func private @distributions(
  tensor<2x3xf32> {comm.distribution = #comm.distribution<{"data" = partial(max), "tensor" = varying(1)}>},
  tensor<f32> {comm.distribution = #comm.distribution<{"data" = varying, "tensor" = partial}>},
  tensor<f32> {comm.distribution = #comm.distribution<{"data" = replicated, "tensor" = constant}>})
  -> (tensor<f32> {comm.distribution = #comm.distribution<{"data" = invariant}>})

// CHECK-LABEL: func.func private @sharding
// CHECK-SAME: test.note = #pp.sharding<[{"data", "tensor"}, {}]>
func.func private @sharding() attributes {test.note = #pp.sharding<[{"data", "tensor"}, {}]>}
