// RUN: pp-gradcheck %s | FileCheck %s
// CHECK: all gradients agree

func.func @binary(%a: tensor<3x5xf32>, %b: tensor<3x5xf32> {nn.range = [0.5, 2.0]}) -> (tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>) {
  %0 = arith.addf %a, %b : tensor<3x5xf32>
  %1 = arith.subf %a, %b : tensor<3x5xf32>
  %2 = arith.mulf %a, %b : tensor<3x5xf32>
  %3 = arith.divf %a, %b : tensor<3x5xf32>
  %4 = arith.negf %a : tensor<3x5xf32>
  return %0, %1, %2, %3, %4 : tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>
}
func.func @extrema(%a: tensor<7xf32>, %b: tensor<7xf32>) -> (tensor<7xf32>, tensor<7xf32>, tensor<7xf32>, tensor<7xf32>) {
  %0 = arith.maximumf %a, %b : tensor<7xf32>
  %1 = arith.minimumf %a, %b : tensor<7xf32>
  %2 = arith.maxnumf %a, %b : tensor<7xf32>
  %3 = arith.minnumf %a, %b : tensor<7xf32>
  return %0, %1, %2, %3 : tensor<7xf32>, tensor<7xf32>, tensor<7xf32>, tensor<7xf32>
}
func.func @select(%a: tensor<3x5xf32>, %b: tensor<3x5xf32>) -> tensor<3x5xf32> {
  %c = arith.cmpf olt, %a, %b : tensor<3x5xf32>
  %0 = arith.mulf %a, %a : tensor<3x5xf32>
  %y = arith.select %c, %0, %b : tensor<3x5xi1>, tensor<3x5xf32>
  return %y : tensor<3x5xf32>
}
func.func @remainder(%a: tensor<5xf32> {nn.range = [5.2, 5.8]}, %b: tensor<5xf32> {nn.range = [2.0, 2.5]}) -> tensor<5xf32> {
  %y = arith.remf %a, %b : tensor<5xf32>
  return %y : tensor<5xf32>
}
func.func @polynomial(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %c = arith.constant dense<[[1.0, -2.0, 0.5], [0.25, 3.0, -1.5]]> : tensor<2x3xf32>
  %0 = arith.mulf %x, %c : tensor<2x3xf32>
  %1 = arith.addf %0, %c : tensor<2x3xf32>
  %2 = arith.mulf %1, %x : tensor<2x3xf32>
  return %2 : tensor<2x3xf32>
}
