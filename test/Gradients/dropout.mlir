// RUN: pp-gradcheck %s | FileCheck %s
// CHECK: all gradients agree

func.func @dropout(%x: tensor<5x7xf32>, %key: i64 {nn.range = [123456789, 987654321]}) -> tensor<5x7xf32> {
  %y = nn.dropout %x key(%key) {p = 0.4, site = 0 : i64} : (tensor<5x7xf32>, i64) -> tensor<5x7xf32>
  %z = nn.mul %y, %x : (tensor<5x7xf32>, tensor<5x7xf32>) -> tensor<5x7xf32>
  %u = nn.dropout %z key(%key) {p = 0.1, site = 1 : i64} : (tensor<5x7xf32>, i64) -> tensor<5x7xf32>
  return %u : tensor<5x7xf32>
}
