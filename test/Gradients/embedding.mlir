// RUN: pp-gradcheck %s | FileCheck %s
// CHECK: all gradients agree

// Rows are chosen several times and not at all.
func.func @rows(%ids: tensor<3x5xi32> {nn.range = [0, 6]}, %table: tensor<9x7xf32> {nn.accumulate}) -> tensor<3x5x7xf32> {
  %y = nn.embedding %ids, %table : (tensor<3x5xi32>, tensor<9x7xf32>) -> tensor<3x5x7xf32>
  return %y : tensor<3x5x7xf32>
}
func.func @wide(%ids: tensor<4xi64> {nn.range = [0, 2]}, %table: tensor<3x5xf32>) -> tensor<4x5xf32> {
  %y = nn.embedding %ids, %table : (tensor<4xi64>, tensor<3x5xf32>) -> tensor<4x5xf32>
  return %y : tensor<4x5xf32>
}
// Some of the rows of a table: others give nothing, and get nothing.
func.func @part(%ids: tensor<3x5xi32> {nn.range = [0, 6]}, %table: tensor<3x7xf32> {nn.accumulate}) -> tensor<3x5x7xf32> {
  %n = arith.constant dense<[2, 3, 4]> : tensor<3xi32>
  %y = nn.embedding %ids, %table numbers(%n) of 7 : (tensor<3x5xi32>, tensor<3x7xf32>, tensor<3xi32>) -> tensor<3x5x7xf32>
  return %y : tensor<3x5x7xf32>
}
