// Library kernels, polynomials and fused loops in f32 against plain loops in f64.
// RUN: pp-check-layers %s | FileCheck %s
// RUN: not pp-check-layers --tolerance=0 %s | FileCheck %s --check-prefix=EXACT
// EXACT: DIFFERENT, error {{.*}} of

// CHECK: resource result 0: equal
func.func @resource(%x: tensor<2xf32>) -> tensor<2xf32> {
  %c = arith.constant dense_resource<two> : tensor<2xf32>
  %y = arith.mulf %x, %c : tensor<2xf32>
  return %y : tensor<2xf32>
}

// CHECK: mlp result 0: equal
// CHECK: mlp result 1: equal
func.func @mlp(%x: tensor<3x5x16xf32>, %g: tensor<16xf32>, %b: tensor<16xf32>, %w: tensor<16x8xf32>) -> (tensor<3x5x8xf32>, tensor<3x5x8xf32>) {
  %n = nn.layer_norm %x, %g, %b : (tensor<3x5x16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<3x5x16xf32>
  %h = nn.linear %n, %w : (tensor<3x5x16xf32>, tensor<16x8xf32>) -> tensor<3x5x8xf32>
  %y = nn.gelu %h {approximate = "tanh"} : (tensor<3x5x8xf32>) -> tensor<3x5x8xf32>
  return %h, %y : tensor<3x5x8xf32>, tensor<3x5x8xf32>
}

// CHECK: loss result 0: equal
// CHECK: loss result 1: equal
func.func @loss(%x: tensor<3x4x7xf32>, %t: tensor<3x4xi32>) -> (tensor<f32>, tensor<3x4xf32>) {
  %loss, %lse = nn.cross_entropy %x, %t : (tensor<3x4x7xf32>, tensor<3x4xi32>) -> (tensor<f32>, tensor<3x4xf32>)
  return %loss, %lse : tensor<f32>, tensor<3x4xf32>
}

// CHECK: sum result 0: equal
func.func @sum(%x: tensor<6x9xf32>, %acc: tensor<9xf32>) -> (tensor<9xf32> {pp.accumulates = 1 : i64}) {
  %s = nn.reduce_sum %x init(%acc) axes = [0] : (tensor<6x9xf32>, tensor<9xf32>) -> tensor<9xf32>
  return %s : tensor<9xf32>
}

// Columns that the matrix product cannot take as they lie.
// CHECK: strided result 0: equal
func.func @strided(%x: tensor<4x16xf32>, %w: tensor<8x8xf32>) -> tensor<4x8xf32> {
  %s = nn.slice %x offsets = [0, 0] sizes = [4, 8] strides = [1, 2] : (tensor<4x16xf32>) -> tensor<4x8xf32>
  %y = nn.linear %s, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// A sum in place of an element of another result, which has a copy meanwhile.
// CHECK: element result 0: equal
// CHECK: element result 1: equal
func.func @element(%x: tensor<1x4xf32>, %w: tensor<1x4xf32>, %y: tensor<1x1xf32>) -> (tensor<1x4xf32>, tensor<f32>) {
  %0 = nn.add %x, %w : (tensor<1x4xf32>, tensor<1x4xf32>) -> tensor<1x4xf32>
  %1 = nn.slice %0 offsets = [0, 1] sizes = [1, 1] : (tensor<1x4xf32>) -> tensor<1x1xf32>
  %2 = nn.reshape %1 : (tensor<1x1xf32>) -> tensor<f32>
  %3 = nn.reduce_sum %y init(%2) axes = [0, 1] : (tensor<1x1xf32>, tensor<f32>) -> tensor<f32>
  return %0, %3 : tensor<1x4xf32>, tensor<f32>
}

// Two loops over rows, of which each would have to come before the other.
// CHECK: crossing result 0: equal
// CHECK: crossing result 1: equal
func.func @crossing(%x: tensor<2x6xf32>, %w: tensor<3x4xf32>) -> (tensor<3x4xf32>, tensor<2x6xf32>) {
  %a = nn.softmax %x {axis = 1 : i64} : (tensor<2x6xf32>) -> tensor<2x6xf32>
  %u = nn.reshape %a : (tensor<2x6xf32>) -> tensor<3x4xf32>
  %0 = nn.add %u, %w : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %b = nn.softmax %0 {axis = 1 : i64} : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %c = nn.softmax %w {axis = 1 : i64} : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %v = nn.reshape %c : (tensor<3x4xf32>) -> tensor<2x6xf32>
  %1 = nn.add %x, %v : (tensor<2x6xf32>, tensor<2x6xf32>) -> tensor<2x6xf32>
  %d = nn.softmax %1 {axis = 1 : i64} : (tensor<2x6xf32>) -> tensor<2x6xf32>
  return %b, %d : tensor<3x4xf32>, tensor<2x6xf32>
}

// CHECK: dropout result 0: equal
func.func @dropout(%x: tensor<5x7xf32>, %key: i64) -> tensor<5x7xf32> {
  %y = nn.dropout %x key(%key) {p = 0.25, site = 1 : i64} : (tensor<5x7xf32>, i64) -> tensor<5x7xf32>
  return %y : tensor<5x7xf32>
}

// Bits of f32 are a number, which f64 has too; a name is not a type.
// CHECK: f32 result 0: equal
func.func @f32(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %c = arith.constant dense<[[0x40490FDB, 0x3F800000], [0xC0000000, 0.1]]> : tensor<2x2xf32>
  %s = arith.constant dense<0x41200000> : tensor<2x2xf32>
  %0 = arith.mulf %x, %c : tensor<2x2xf32>
  %1 = arith.addf %0, %s : tensor<2x2xf32>
  return %1 : tensor<2x2xf32>
}

{-# dialect_resources: { builtin: { two: "0x040000000000803F00000040" } } #-}
