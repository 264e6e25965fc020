// RUN: pp-gradcheck %s | FileCheck %s
// CHECK: all gradients agree

func.func @mean(%x: tensor<3x5x7xf32>, %t: tensor<3x5xi32> {nn.range = [0, 6]}) -> tensor<f32> {
  %loss, %lse = nn.cross_entropy %x, %t : (tensor<3x5x7xf32>, tensor<3x5xi32>) -> (tensor<f32>, tensor<3x5xf32>)
  return %loss : tensor<f32>
}
// Some targets are ignored.
func.func @ignored(%x: tensor<11x5xf32>, %t: tensor<11xi64> {nn.range = [-1, 4]}) -> tensor<f32> {
  %loss, %lse = nn.cross_entropy %x, %t {ignore_index = -1 : i64} : (tensor<11x5xf32>, tensor<11xi64>) -> (tensor<f32>, tensor<11xf32>)
  return %loss : tensor<f32>
}
// All are: loss and gradient are zero, not NaN.
func.func @all_ignored(%x: tensor<3x5xf32>, %t: tensor<3xi32> {nn.range = [-100, -100]}) -> tensor<f32> {
  %loss, %lse = nn.cross_entropy %x, %t : (tensor<3x5xf32>, tensor<3xi32>) -> (tensor<f32>, tensor<3xf32>)
  return %loss : tensor<f32>
}
// A penalty on the log-sum-exp beside the loss.
func.func @log_sum_exp(%x: tensor<3x5xf32>, %t: tensor<3xi32> {nn.range = [0, 4]}) -> (tensor<f32>, tensor<3xf32>) {
  %loss, %lse = nn.cross_entropy %x, %t : (tensor<3x5xf32>, tensor<3xi32>) -> (tensor<f32>, tensor<3xf32>)
  return %loss, %lse : tensor<f32>, tensor<3xf32>
}
// What a cross entropy sums over classes, some of which are ignored.
func.func @sums(%x: tensor<3x5x7xf32>, %t: tensor<3x5xi32> {nn.range = [-1, 6]}) -> (tensor<3x5xf32>, tensor<3x5xf32>) {
  %m = arith.constant dense<0.25> : tensor<3x5xf32>
  %s, %l = nn.class_sums %x, %m, %t {ignore_index = -1 : i64} : (tensor<3x5x7xf32>, tensor<3x5xf32>, tensor<3x5xi32>) -> (tensor<3x5xf32>, tensor<3x5xf32>)
  return %s, %l : tensor<3x5xf32>, tensor<3x5xf32>
}
// Some classes of a vocabulary, of which the last two are padding.
func.func @part(%x: tensor<11x5xf32>, %t: tensor<11xi64> {nn.range = [0, 9]}) -> (tensor<11xf32>, tensor<11xf32>) {
  %m = arith.constant dense<-0.5> : tensor<11xf32>
  %n = arith.constant dense<[7, 8, 9, 10, 11]> : tensor<5xi64>
  %s, %l = nn.class_sums %x, %m, %t numbers(%n) of 10 : (tensor<11x5xf32>, tensor<11xf32>, tensor<11xi64>, tensor<5xi64>) -> (tensor<11xf32>, tensor<11xf32>)
  return %s, %l : tensor<11xf32>, tensor<11xf32>
}
// One of both results.
func.func @sum(%x: tensor<4x5xf32>, %t: tensor<4xi32> {nn.range = [0, 4]}) -> tensor<4xf32> {
  %m = arith.constant dense<0.0> : tensor<4xf32>
  %s, %l = nn.class_sums %x, %m, %t : (tensor<4x5xf32>, tensor<4xf32>, tensor<4xi32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %s : tensor<4xf32>
}
