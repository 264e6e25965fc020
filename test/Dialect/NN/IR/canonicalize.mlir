// RUN: pp-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: @reshape_back
// CHECK-SAME: (%[[X:.*]]: tensor<4x6xf32>)
func.func @reshape_back(%x: tensor<4x6xf32>) -> tensor<4x6xf32> {
  // CHECK-NEXT: return %[[X]]
  %0 = nn.reshape %x : (tensor<4x6xf32>) -> tensor<24xf32>
  %1 = nn.reshape %0 : (tensor<24xf32>) -> tensor<4x6xf32>
  %2 = nn.reshape %1 : (tensor<4x6xf32>) -> tensor<4x6xf32>
  return %2 : tensor<4x6xf32>
}

// CHECK-LABEL: @reshape_reshape
// CHECK-SAME: (%[[X:.*]]: tensor<4x6xf32>)
func.func @reshape_reshape(%x: tensor<4x6xf32>) -> tensor<2x12xf32> {
  // CHECK-NEXT: %[[Y:.*]] = nn.reshape %[[X]] : (tensor<4x6xf32>) -> tensor<2x12xf32>
  // CHECK-NEXT: return %[[Y]]
  %0 = nn.reshape %x : (tensor<4x6xf32>) -> tensor<24xf32>
  %1 = nn.reshape %0 : (tensor<24xf32>) -> tensor<2x12xf32>
  return %1 : tensor<2x12xf32>
}

// CHECK-LABEL: @transpose_back
// CHECK-SAME: (%[[X:.*]]: tensor<2x3x4xf32>)
func.func @transpose_back(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  // CHECK-NEXT: return %[[X]]
  %0 = nn.transpose %x permutation = [1, 2, 0] : (tensor<2x3x4xf32>) -> tensor<3x4x2xf32>
  %1 = nn.transpose %0 permutation = [2, 0, 1] : (tensor<3x4x2xf32>) -> tensor<2x3x4xf32>
  return %1 : tensor<2x3x4xf32>
}

// CHECK-LABEL: @transpose_transpose
// CHECK-SAME: (%[[X:.*]]: tensor<2x3x4xf32>)
func.func @transpose_transpose(%x: tensor<2x3x4xf32>) -> tensor<4x3x2xf32> {
  // CHECK-NEXT: %[[Y:.*]] = nn.transpose %[[X]] permutation = [2, 1, 0] : (tensor<2x3x4xf32>) -> tensor<4x3x2xf32>
  // CHECK-NEXT: return %[[Y]]
  %0 = nn.transpose %x permutation = [1, 2, 0] : (tensor<2x3x4xf32>) -> tensor<3x4x2xf32>
  %1 = nn.transpose %0 permutation = [1, 0, 2] : (tensor<3x4x2xf32>) -> tensor<4x3x2xf32>
  return %1 : tensor<4x3x2xf32>
}

// CHECK-LABEL: @broadcast_broadcast
// CHECK-SAME: (%[[X:.*]]: tensor<3x1xf32>)
func.func @broadcast_broadcast(%x: tensor<3x1xf32>) -> tensor<2x3x4xf32> {
  // CHECK-NEXT: %[[Y:.*]] = nn.broadcast %[[X]] : (tensor<3x1xf32>) -> tensor<2x3x4xf32>
  // CHECK-NEXT: return %[[Y]]
  %0 = nn.broadcast %x : (tensor<3x1xf32>) -> tensor<3x4xf32>
  %1 = nn.broadcast %0 : (tensor<3x4xf32>) -> tensor<2x3x4xf32>
  %2 = nn.broadcast %1 : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return %2 : tensor<2x3x4xf32>
}

// A wider type of the same kind holds every value.
// CHECK-LABEL: @cast_exact
// CHECK-SAME: (%[[X:.*]]: tensor<4xbf16>, %[[I:.*]]: tensor<4xi32>)
func.func @cast_exact(%x: tensor<4xbf16>, %i: tensor<4xi32>) -> (tensor<4xbf16>, tensor<4xi32>) {
  // CHECK-NEXT: return %[[X]], %[[I]]
  %0 = nn.cast %x : (tensor<4xbf16>) -> tensor<4xf32>
  %1 = nn.cast %0 : (tensor<4xf32>) -> tensor<4xbf16>
  %2 = nn.cast %i : (tensor<4xi32>) -> tensor<4xi64>
  %3 = nn.cast %2 : (tensor<4xi64>) -> tensor<4xi32>
  return %1, %3 : tensor<4xbf16>, tensor<4xi32>
}

// A narrower type or one of another kind does not.
// CHECK-LABEL: @cast_rounds
func.func @cast_rounds(%x: tensor<4xf32>, %i: tensor<4xi64>) -> (tensor<4xf32>, tensor<4xi64>, tensor<4xf32>) {
  // CHECK-COUNT-6: nn.cast
  %0 = nn.cast %x : (tensor<4xf32>) -> tensor<4xbf16>
  %1 = nn.cast %0 : (tensor<4xbf16>) -> tensor<4xf32>
  %2 = nn.cast %i : (tensor<4xi64>) -> tensor<4xf32>
  %3 = nn.cast %2 : (tensor<4xf32>) -> tensor<4xi64>
  %4 = nn.cast %x : (tensor<4xf32>) -> tensor<4xi64>
  %5 = nn.cast %4 : (tensor<4xi64>) -> tensor<4xf32>
  return %1, %3, %5 : tensor<4xf32>, tensor<4xi64>, tensor<4xf32>
}

// CHECK-LABEL: @slice_pad_whole
// CHECK-SAME: (%[[X:.*]]: tensor<4x6xf32>)
func.func @slice_pad_whole(%x: tensor<4x6xf32>) -> tensor<4x6xf32> {
  // CHECK-NEXT: return %[[X]]
  %0 = nn.slice %x offsets = [0, 0] sizes = [4, 6] : (tensor<4x6xf32>) -> tensor<4x6xf32>
  %1 = nn.pad %0 low = [0, 0] high = [0, 0] : (tensor<4x6xf32>) -> tensor<4x6xf32>
  return %1 : tensor<4x6xf32>
}

// CHECK-LABEL: @split_concatenate
// CHECK-SAME: (%[[X:.*]]: tensor<2x6xf32>)
func.func @split_concatenate(%x: tensor<2x6xf32>) -> tensor<2x6xf32> {
  // CHECK-NEXT: return %[[X]]
  %0:3 = nn.split %x sizes = [1, 2, 3] {axis = 1} : (tensor<2x6xf32>) -> (tensor<2x1xf32>, tensor<2x2xf32>, tensor<2x3xf32>)
  %1 = nn.concatenate %0#0, %0#1, %0#2 {axis = 1} : (tensor<2x1xf32>, tensor<2x2xf32>, tensor<2x3xf32>) -> tensor<2x6xf32>
  return %1 : tensor<2x6xf32>
}

// Pieces in another order, or not all of them, are another tensor.
// CHECK-LABEL: @split_concatenate_other
func.func @split_concatenate_other(%x: tensor<2x6xf32>) -> (tensor<2x6xf32>, tensor<2x3xf32>) {
  // CHECK: nn.split
  // CHECK-COUNT-2: nn.concatenate
  %0:2 = nn.split %x sizes = [3, 3] {axis = 1} : (tensor<2x6xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>)
  %1 = nn.concatenate %0#1, %0#0 {axis = 1} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x6xf32>
  %2:2 = nn.split %x sizes = [1, 5] {axis = 1} : (tensor<2x6xf32>) -> (tensor<2x1xf32>, tensor<2x5xf32>)
  %3 = nn.concatenate %2#0, %2#0, %2#0 {axis = 1} : (tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
  return %1, %3 : tensor<2x6xf32>, tensor<2x3xf32>
}

// CHECK-LABEL: @concatenate_split
// CHECK-SAME: (%[[A:.*]]: tensor<2x3xf32>, %[[B:.*]]: tensor<1x3xf32>)
func.func @concatenate_split(%a: tensor<2x3xf32>, %b: tensor<1x3xf32>) -> (tensor<1x3xf32>, tensor<2x3xf32>) {
  // CHECK-NEXT: return %[[B]], %[[A]]
  %0 = nn.concatenate %a, %b {axis = 0} : (tensor<2x3xf32>, tensor<1x3xf32>) -> tensor<3x3xf32>
  %1:2 = nn.split %0 sizes = [2, 1] {axis = 0} : (tensor<3x3xf32>) -> (tensor<2x3xf32>, tensor<1x3xf32>)
  return %1#1, %1#0 : tensor<1x3xf32>, tensor<2x3xf32>
}

// CHECK-LABEL: @single
// CHECK-SAME: (%[[X:.*]]: tensor<2x6xf32>)
func.func @single(%x: tensor<2x6xf32>) -> tensor<2x6xf32> {
  // CHECK-NEXT: return %[[X]]
  %0 = nn.split %x sizes = [6] {axis = 1} : (tensor<2x6xf32>) -> tensor<2x6xf32>
  %1 = nn.concatenate %0 {axis = 0} : (tensor<2x6xf32>) -> tensor<2x6xf32>
  return %1 : tensor<2x6xf32>
}

// CHECK-LABEL: @relu_relu
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>)
func.func @relu_relu(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: %[[Y:.*]] = nn.relu %[[X]]
  // CHECK-NEXT: return %[[Y]]
  %0 = nn.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = nn.relu %0 : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// CHECK-LABEL: @dropout_nothing
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>)
func.func @dropout_nothing(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: return %[[X]]
  %0 = nn.dropout %x {p = 0.0, site = 3} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// An unused op goes: all of nn is pure.
// CHECK-LABEL: @pure
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>)
func.func @pure(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: return %[[X]]
  %t = arith.constant dense<1> : tensor<i32>
  %0:2 = nn.cross_entropy %x, %t : (tensor<4xf32>, tensor<i32>) -> (tensor<f32>, tensor<f32>)
  return %x : tensor<4xf32>
}
