// RUN: pp-gradcheck %s | FileCheck %s
// CHECK: all gradients agree

func.func @plain(%a: tensor<3x5xf32>, %b: tensor<5x7xf32>) -> tensor<3x7xf32> {
  %y = nn.matmul %a, %b : (tensor<3x5xf32>, tensor<5x7xf32>) -> tensor<3x7xf32>
  return %y : tensor<3x7xf32>
}
func.func @left(%a: tensor<2x5x3xf32>, %b: tensor<2x5x7xf32>) -> tensor<2x3x7xf32> {
  %y = nn.matmul %a, %b {transpose_a} : (tensor<2x5x3xf32>, tensor<2x5x7xf32>) -> tensor<2x3x7xf32>
  return %y : tensor<2x3x7xf32>
}
func.func @right(%a: tensor<2x3x3x5xf32>, %b: tensor<2x3x7x5xf32>) -> tensor<2x3x3x7xf32> {
  %y = nn.matmul %a, %b {transpose_b} : (tensor<2x3x3x5xf32>, tensor<2x3x7x5xf32>) -> tensor<2x3x3x7xf32>
  return %y : tensor<2x3x3x7xf32>
}
func.func @both(%a: tensor<5x3xf32>, %b: tensor<7x5xf32>, %c: tensor<3x7xf32>) -> tensor<3x7xf32> {
  %y = nn.matmul %a, %b init(%c) {transpose_a, transpose_b} : (tensor<5x3xf32>, tensor<7x5xf32>, tensor<3x7xf32>) -> tensor<3x7xf32>
  return %y : tensor<3x7xf32>
}
func.func @square(%a: tensor<5x5xf32>) -> tensor<5x5xf32> {
  %y = nn.matmul %a, %a {transpose_b} : (tensor<5x5xf32>, tensor<5x5xf32>) -> tensor<5x5xf32>
  return %y : tensor<5x5xf32>
}
