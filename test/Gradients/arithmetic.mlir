// RUN: pp-gradcheck %s | FileCheck %s
// CHECK: all gradients agree

func.func @add(%a: tensor<3x5x7xf32>, %b: tensor<5x1xf32>) -> tensor<3x5x7xf32> {
  %y = nn.add %a, %b : (tensor<3x5x7xf32>, tensor<5x1xf32>) -> tensor<3x5x7xf32>
  return %y : tensor<3x5x7xf32>
}
func.func @sub(%a: tensor<3x1x7xf32>, %b: tensor<3x5x1xf32>) -> tensor<3x5x7xf32> {
  %y = nn.sub %a, %b : (tensor<3x1x7xf32>, tensor<3x5x1xf32>) -> tensor<3x5x7xf32>
  return %y : tensor<3x5x7xf32>
}
func.func @mul(%a: tensor<7xf32> {nn.accumulate}, %b: tensor<3x5x7xf32>) -> tensor<3x5x7xf32> {
  %y = nn.mul %a, %b : (tensor<7xf32>, tensor<3x5x7xf32>) -> tensor<3x5x7xf32>
  return %y : tensor<3x5x7xf32>
}
func.func @div(%a: tensor<5x7xf32>, %b: tensor<3x1x7xf32> {nn.range = [0.5, 2.0]}) -> tensor<3x5x7xf32> {
  %y = nn.div %a, %b : (tensor<5x7xf32>, tensor<3x1x7xf32>) -> tensor<3x5x7xf32>
  return %y : tensor<3x5x7xf32>
}
// A scalar with everything, and both operands the same.
func.func @scalar(%a: tensor<f32> {nn.range = [0.5, 1.0]}, %b: tensor<3x5xf32>) -> (tensor<3x5xf32>, tensor<f32>) {
  %y = nn.mul %b, %a : (tensor<3x5xf32>, tensor<f32>) -> tensor<3x5xf32>
  %z = nn.div %y, %a : (tensor<3x5xf32>, tensor<f32>) -> tensor<3x5xf32>
  %u = nn.mul %z, %y : (tensor<3x5xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>
  %v = nn.mul %a, %a : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %u, %v : tensor<3x5xf32>, tensor<f32>
}
