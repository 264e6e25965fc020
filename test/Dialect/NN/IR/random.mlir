// RUN: pp-opt %s | pp-opt | FileCheck %s
// RUN: pp-opt %s --mlir-print-op-generic | pp-opt | FileCheck %s

pp.mesh @mesh <["data" = 2, "tensor" = 2]>

// CHECK-LABEL: @dropout
func.func @dropout(%x: tensor<2x3xf32>, %key: i64) -> tensor<2x3xf32> {
  // CHECK: nn.dropout %{{.*}} {p = 1.000000e-01 : f64, site = 0 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %0 = nn.dropout %x {p = 0.1, site = 0} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: %[[K:.*]] = nn.mix_key %{{.*}} {salt = 3 : i64} : (i64) -> i64
  %1 = nn.mix_key %key {salt = 3} : (i64) -> i64
  // CHECK: nn.dropout %{{.*}} key(%[[K]]) {p = 0.000000e+00 : f64, site = 4294967295 : i64} : (tensor<2x3xf32>, i64) -> tensor<2x3xf32>
  %2 = nn.dropout %0 key(%1) {p = 0.0, site = 4294967295} : (tensor<2x3xf32>, i64) -> tensor<2x3xf32>
  return %2 : tensor<2x3xf32>
}

// CHECK-LABEL: @part
func.func @part(%x: tensor<2x3xf32>, %key: i64) -> tensor<2x3xf32> {
  // CHECK: nn.dropout %{{.*}} over ["tensor"] dim(1) {p = 1.000000e-01 : f64, site = 0 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %0 = nn.dropout %x over ["tensor"] dim(1) {p = 0.1, site = 0} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: nn.dropout %{{.*}} key(%{{.*}}) over ["data", "tensor"] dim(0) {p = 1.000000e-01 : f64, site = 1 : i64} : (tensor<2x3xf32>, i64) -> tensor<2x3xf32>
  %1 = nn.dropout %0 key(%key) over ["data", "tensor"] dim(0) {p = 0.1, site = 1} : (tensor<2x3xf32>, i64) -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}
