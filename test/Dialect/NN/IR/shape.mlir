// RUN: pp-opt %s | pp-opt | FileCheck %s
// RUN: pp-opt %s --mlir-print-op-generic | pp-opt | FileCheck %s

// CHECK-LABEL: @reshape
func.func @reshape(%x: tensor<4x6xf32>, %s: tensor<f32>) -> tensor<2x2x1x6xf32> {
  // CHECK: nn.reshape %{{.*}} : (tensor<4x6xf32>) -> tensor<2x2x1x6xf32>
  %0 = nn.reshape %x : (tensor<4x6xf32>) -> tensor<2x2x1x6xf32>
  // CHECK: nn.reshape %{{.*}} : (tensor<f32>) -> tensor<1x1xf32>
  %1 = nn.reshape %s : (tensor<f32>) -> tensor<1x1xf32>
  return %0 : tensor<2x2x1x6xf32>
}

// CHECK-LABEL: @transpose
func.func @transpose(%x: tensor<2x3x4xi32>, %s: tensor<f32>) -> tensor<4x2x3xi32> {
  // CHECK: nn.transpose %{{.*}} permutation = [2, 0, 1] : (tensor<2x3x4xi32>) -> tensor<4x2x3xi32>
  %0 = nn.transpose %x permutation = [2, 0, 1] : (tensor<2x3x4xi32>) -> tensor<4x2x3xi32>
  // CHECK: nn.transpose %{{.*}} permutation = [] : (tensor<f32>) -> tensor<f32>
  %1 = nn.transpose %s permutation = [] : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<4x2x3xi32>
}

// CHECK-LABEL: @broadcast
func.func @broadcast(%x: tensor<3x1xf32>, %s: tensor<f32>) -> tensor<2x3x4xf32> {
  // CHECK: nn.broadcast %{{.*}} : (tensor<3x1xf32>) -> tensor<2x3x4xf32>
  %0 = nn.broadcast %x : (tensor<3x1xf32>) -> tensor<2x3x4xf32>
  // CHECK: nn.broadcast %{{.*}} : (tensor<f32>) -> tensor<2x3xf32>
  %1 = nn.broadcast %s : (tensor<f32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3x4xf32>
}

// CHECK-LABEL: @slice_pad
func.func @slice_pad(%x: tensor<5x7xf32>) -> tensor<5x7xf32> {
  // CHECK: nn.slice %{{.*}} offsets = [1, 0] sizes = [2, 3] strides = [2, 3] : (tensor<5x7xf32>) -> tensor<2x3xf32>
  %0 = nn.slice %x offsets = [1, 0] sizes = [2, 3] strides = [2, 3] : (tensor<5x7xf32>) -> tensor<2x3xf32>
  // CHECK: nn.pad %{{.*}} low = [1, 0] high = [1, 0] interior = [1, 2] : (tensor<2x3xf32>) -> tensor<5x7xf32>
  %1 = nn.pad %0 low = [1, 0] high = [1, 0] interior = [1, 2] : (tensor<2x3xf32>) -> tensor<5x7xf32>
  // Strides of 1 and an interior of 0 are not printed.
  // CHECK: nn.slice %{{.*}} offsets = [1, 0] sizes = [2, 3] : (tensor<5x7xf32>) -> tensor<2x3xf32>
  %2 = nn.slice %x offsets = [1, 0] sizes = [2, 3] strides = [1, 1] : (tensor<5x7xf32>) -> tensor<2x3xf32>
  // CHECK: nn.pad %{{.*}} low = [1, 0] high = [2, 4] {pp.note} : (tensor<2x3xf32>) -> tensor<5x7xf32>
  %3 = nn.pad %2 low = [1, 0] high = [2, 4] {pp.note} : (tensor<2x3xf32>) -> tensor<5x7xf32>
  return %1 : tensor<5x7xf32>
}

// CHECK-LABEL: @slice_pad_scalar
func.func @slice_pad_scalar(%x: tensor<f32>) -> tensor<f32> {
  // CHECK: nn.slice %{{.*}} offsets = [] sizes = [] : (tensor<f32>) -> tensor<f32>
  %0 = nn.slice %x offsets = [] sizes = [] : (tensor<f32>) -> tensor<f32>
  // CHECK: nn.pad %{{.*}} low = [] high = [] : (tensor<f32>) -> tensor<f32>
  %1 = nn.pad %0 low = [] high = [] interior = [] : (tensor<f32>) -> tensor<f32>
  return %1 : tensor<f32>
}

// CHECK-LABEL: @split_concatenate
func.func @split_concatenate(%x: tensor<2x6xi64>) -> tensor<2x9xi64> {
  // CHECK: %[[P:.*]]:3 = nn.split %{{.*}} sizes = [1, 2, 3] {axis = 1 : i64} : (tensor<2x6xi64>) -> (tensor<2x1xi64>, tensor<2x2xi64>, tensor<2x3xi64>)
  %0:3 = nn.split %x sizes = [1, 2, 3] {axis = 1} : (tensor<2x6xi64>) -> (tensor<2x1xi64>, tensor<2x2xi64>, tensor<2x3xi64>)
  // CHECK: nn.concatenate %[[P]]#2, %{{.*}} {axis = 1 : i64} : (tensor<2x3xi64>, tensor<2x6xi64>) -> tensor<2x9xi64>
  %1 = nn.concatenate %0#2, %x {axis = 1} : (tensor<2x3xi64>, tensor<2x6xi64>) -> tensor<2x9xi64>
  return %1 : tensor<2x9xi64>
}
