// RUN: not pp-gradcheck %s 2>&1 | FileCheck %s

// Where the function jumps, differences are no derivative: the tool says so.
// CHECK: @jump argument 0: error {{.*}} TOO LARGE
// CHECK: gradients DIFFER
func.func @jump(%x: tensor<4xf32> {nn.range = [1.0, 1.0]}) -> tensor<4xf32> {
  %y = math.floor %x : tensor<4xf32>
  return %y : tensor<4xf32>
}
