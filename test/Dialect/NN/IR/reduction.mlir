// RUN: pp-opt %s | pp-opt | FileCheck %s
// RUN: pp-opt %s --mlir-print-op-generic | pp-opt | FileCheck %s

// CHECK-LABEL: @reductions
func.func @reductions(%x: tensor<2x3x4xf32>) -> tensor<2x1x4xf32> {
  // CHECK: %[[S:.*]] = nn.reduce_sum %{{.*}} axes = [0, 1] : (tensor<2x3x4xf32>) -> tensor<4xf32>
  %0 = nn.reduce_sum %x axes = [0, 1] : (tensor<2x3x4xf32>) -> tensor<4xf32>
  // CHECK: nn.reduce_sum %{{.*}} init(%[[S]]) axes = [0, 1] : (tensor<2x3x4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = nn.reduce_sum %x init(%0) axes = [0, 1] : (tensor<2x3x4xf32>, tensor<4xf32>) -> tensor<4xf32>
  // CHECK: nn.reduce_mean %{{.*}} axes = [0, 1, 2] : (tensor<2x3x4xf32>) -> tensor<f32>
  %2 = nn.reduce_mean %x axes = [0, 1, 2] : (tensor<2x3x4xf32>) -> tensor<f32>
  // CHECK: nn.reduce_max %{{.*}} axes = [1] {keepdims} : (tensor<2x3x4xf32>) -> tensor<2x1x4xf32>
  %3 = nn.reduce_max %x axes = [1] {keepdims} : (tensor<2x3x4xf32>) -> tensor<2x1x4xf32>
  return %3 : tensor<2x1x4xf32>
}

// CHECK-LABEL: @softmax
func.func @softmax(%x: tensor<2x3x4xf64>) -> tensor<2x3x4xf64> {
  // CHECK: nn.softmax %{{.*}} {axis = 1 : i64} : (tensor<2x3x4xf64>) -> tensor<2x3x4xf64>
  %0 = nn.softmax %x {axis = 1} : (tensor<2x3x4xf64>) -> tensor<2x3x4xf64>
  return %0 : tensor<2x3x4xf64>
}

// CHECK-LABEL: @sum_of_squares
func.func @sum_of_squares(%x: tensor<24xf32>) -> tensor<f64> {
  // CHECK: nn.sum_of_squares %{{.*}} : tensor<24xf32> -> tensor<f64>
  %0 = nn.sum_of_squares %x : tensor<24xf32> -> tensor<f64>
  return %0 : tensor<f64>
}
