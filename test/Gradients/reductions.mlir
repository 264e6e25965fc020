// RUN: pp-gradcheck %s | FileCheck %s
// CHECK: all gradients agree

func.func @sum(%x: tensor<3x5x7xf32>, %c: tensor<5xf32>) -> tensor<5xf32> {
  %y = nn.reduce_sum %x init(%c) axes = [0, 2] : (tensor<3x5x7xf32>, tensor<5xf32>) -> tensor<5xf32>
  return %y : tensor<5xf32>
}
func.func @sum_all(%x: tensor<3x5xf32>) -> tensor<f32> {
  %y = nn.reduce_sum %x axes = [0, 1] : (tensor<3x5xf32>) -> tensor<f32>
  return %y : tensor<f32>
}
func.func @mean(%x: tensor<3x5x7xf32>) -> (tensor<3x1x7xf32>, tensor<3x5xf32>) {
  %y = nn.reduce_mean %x axes = [1] {keepdims} : (tensor<3x5x7xf32>) -> tensor<3x1x7xf32>
  %z = nn.reduce_mean %x axes = [2] : (tensor<3x5x7xf32>) -> tensor<3x5xf32>
  return %y, %z : tensor<3x1x7xf32>, tensor<3x5xf32>
}
func.func @max(%x: tensor<3x5x7xf32>) -> (tensor<3x1x1xf32>, tensor<5x7xf32>) {
  %y = nn.reduce_max %x axes = [1, 2] {keepdims} : (tensor<3x5x7xf32>) -> tensor<3x1x1xf32>
  %z = nn.reduce_max %x axes = [0] : (tensor<3x5x7xf32>) -> tensor<5x7xf32>
  return %y, %z : tensor<3x1x1xf32>, tensor<5x7xf32>
}
func.func @softmax(%x: tensor<3x5x7xf32>) -> (tensor<3x5x7xf32>, tensor<3x5x7xf32>) {
  %y = nn.softmax %x {axis = 2 : i64} : (tensor<3x5x7xf32>) -> tensor<3x5x7xf32>
  %z = nn.softmax %x {axis = 1 : i64} : (tensor<3x5x7xf32>) -> tensor<3x5x7xf32>
  return %y, %z : tensor<3x5x7xf32>, tensor<3x5x7xf32>
}
