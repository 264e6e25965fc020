// RUN: pp-gradcheck %s | FileCheck %s
// CHECK: all gradients agree

func.func @causal(%q: tensor<2x5x3x4xf32>, %k: tensor<2x5x3x4xf32>, %v: tensor<2x5x3x4xf32>) -> tensor<2x5x3x4xf32> {
  %y, %lse = nn.attention %q, %k, %v {causal} : (tensor<2x5x3x4xf32>, tensor<2x5x3x4xf32>, tensor<2x5x3x4xf32>) -> (tensor<2x5x3x4xf32>, tensor<2x3x5xf32>)
  return %y : tensor<2x5x3x4xf32>
}
func.func @full(%q: tensor<1x5x1x3xf32>, %k: tensor<1x7x1x3xf32>, %v: tensor<1x7x1x3xf32>) -> tensor<1x5x1x3xf32> {
  %y, %lse = nn.attention %q, %k, %v : (tensor<1x5x1x3xf32>, tensor<1x7x1x3xf32>, tensor<1x7x1x3xf32>) -> (tensor<1x5x1x3xf32>, tensor<1x1x5xf32>)
  return %y : tensor<1x5x1x3xf32>
}
// Grouped queries, more keys than queries, a scale of its own.
func.func @grouped(%q: tensor<2x3x6x5xf32>, %k: tensor<2x7x2x5xf32>, %v: tensor<2x7x2x5xf32>) -> tensor<2x3x6x5xf32> {
  %y, %lse = nn.attention %q, %k, %v {causal, scale = 0.7} : (tensor<2x3x6x5xf32>, tensor<2x7x2x5xf32>, tensor<2x7x2x5xf32>) -> (tensor<2x3x6x5xf32>, tensor<2x6x3xf32>)
  return %y : tensor<2x3x6x5xf32>
}
// Fewer keys than queries needs no mask; one key head for all.
func.func @multi_query(%q: tensor<1x7x3x4xf32>, %k: tensor<1x5x1x4xf32>, %v: tensor<1x5x1x4xf32>) -> tensor<1x7x3x4xf32> {
  %y, %lse = nn.attention %q, %k, %v : (tensor<1x7x3x4xf32>, tensor<1x5x1x4xf32>, tensor<1x5x1x4xf32>) -> (tensor<1x7x3x4xf32>, tensor<1x3x7xf32>)
  return %y : tensor<1x7x3x4xf32>
}
// One tensor in all three places.
func.func @self(%x: tensor<1x5x2x3xf32>) -> tensor<1x5x2x3xf32> {
  %y, %lse = nn.attention %x, %x, %x {causal} : (tensor<1x5x2x3xf32>, tensor<1x5x2x3xf32>, tensor<1x5x2x3xf32>) -> (tensor<1x5x2x3xf32>, tensor<1x2x5xf32>)
  return %y : tensor<1x5x2x3xf32>
}
// Documents that follow each other, and such that take turns.
func.func @documents(%q: tensor<2x6x2x3xf32>, %k: tensor<2x6x1x3xf32>, %v: tensor<2x6x1x3xf32>) -> tensor<2x6x2x3xf32> {
  %d = arith.constant dense<[[0, 0, 1, 1, 1, 2], [0, 0, 0, 0, 0, 0]]> : tensor<2x6xi32>
  %y, %lse = nn.attention %q, %k, %v documents(%d) {causal} : (tensor<2x6x2x3xf32>, tensor<2x6x1x3xf32>, tensor<2x6x1x3xf32>, tensor<2x6xi32>) -> (tensor<2x6x2x3xf32>, tensor<2x2x6xf32>)
  return %y : tensor<2x6x2x3xf32>
}
func.func @turns(%q: tensor<2x5x3x4xf32>, %k: tensor<2x5x3x4xf32>, %v: tensor<2x5x3x4xf32>) -> tensor<2x5x3x4xf32> {
  %d = arith.constant dense<[[7, -1, 7, 0, -1], [3, 2, 2, 3, 3]]> : tensor<2x5xi32>
  %y, %lse = nn.attention %q, %k, %v documents(%d) : (tensor<2x5x3x4xf32>, tensor<2x5x3x4xf32>, tensor<2x5x3x4xf32>, tensor<2x5xi32>) -> (tensor<2x5x3x4xf32>, tensor<2x3x5xf32>)
  return %y : tensor<2x5x3x4xf32>
}
func.func @turns_f64(%q: tensor<1x5x2x4xf64>, %k: tensor<1x5x1x4xf64>, %v: tensor<1x5x1x4xf64>) -> tensor<1x5x2x4xf64> {
  %d = arith.constant dense<[[7, -1, 7, 0, -1]]> : tensor<1x5xi32>
  %y, %lse = nn.attention %q, %k, %v documents(%d) {causal, scale = 0.7 : f64} : (tensor<1x5x2x4xf64>, tensor<1x5x1x4xf64>, tensor<1x5x1x4xf64>, tensor<1x5xi32>) -> (tensor<1x5x2x4xf64>, tensor<1x2x5xf64>)
  return %y : tensor<1x5x2x4xf64>
}
