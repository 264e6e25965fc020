// RUN: pp-compile %s --precision=bf16 --pp=1 --microbatches=1 --emit=llvm -q -o - | FileCheck %s

// The edges of a pad are choices between numbers of bf16, and between ways
// through the code: LLVM gets integers.

// CHECK: define
// CHECK-NOT: bfloat
pp.layer @embed(%a0: tensor<2x3xi32>) params(%p0: tensor<7x1xf32>) -> tensor<2x3x8xf32> {
  %v0 = nn.embedding %a0, %p0 : (tensor<2x3xi32>, tensor<7x1xf32>) -> tensor<2x3x1xf32>
  %v1 = math.tanh %v0 : tensor<2x3x1xf32>
  %v5 = nn.reshape %v1 : (tensor<2x3x1xf32>) -> tensor<6xf32>
  %v6 = nn.pad %v5 low = [40] high = [2] : (tensor<6xf32>) -> tensor<48xf32>
  %v7 = nn.reshape %v6 : (tensor<48xf32>) -> tensor<2x3x8xf32>
  %v11 = nn.cast %v0 : (tensor<2x3x1xf32>) -> tensor<2x3x1xf64>
  %v12 = nn.cast %v11 : (tensor<2x3x1xf64>) -> tensor<2x3x1xf32>
  %v13 = nn.reshape %v12 : (tensor<2x3x1xf32>) -> tensor<6xf32>
  %v14 = nn.pad %v13 low = [4] high = [38] : (tensor<6xf32>) -> tensor<48xf32>
  %v15 = nn.reshape %v14 : (tensor<48xf32>) -> tensor<2x3x8xf32>
  %v16 = arith.addf %v7, %v15 : tensor<2x3x8xf32>
  pp.yield %v16 : tensor<2x3x8xf32>
}
pp.layer @head(%x: tensor<2x3x8xf32>, %t: tensor<2x3xi32>) params(%p0: tensor<7x8xf32>) -> tensor<f32> {
  %v0 = nn.linear %x, %p0 {transposed} : (tensor<2x3x8xf32>, tensor<7x8xf32>) -> tensor<2x3x7xf32>
  %v1, %v2 = nn.cross_entropy %v0, %t : (tensor<2x3x7xf32>, tensor<2x3xi32>) -> (tensor<f32>, tensor<2x3xf32>)
  pp.yield %v1 : tensor<f32>
}
pp.model @m(%tokens: tensor<2x3xi32>, %targets: tensor<2x3xi32>) -> tensor<f32> {
  %w0 = pp.param "w0" : tensor<7x1xf32> init(#nn.uniform<low = -0.8, high = 0.8>)
  %w2 = pp.param "w2" : tensor<7x8xf32> init(#nn.uniform<low = -0.8, high = 0.8>)
  %x0 = pp.apply @embed(%tokens) params(%w0) : (tensor<2x3xi32>) params(tensor<7x1xf32>) -> tensor<2x3x8xf32>
  %x11 = pp.apply @head(%x0, %targets) params(%w2) : (tensor<2x3x8xf32>, tensor<2x3xi32>) params(tensor<7x8xf32>) -> tensor<f32>
  pp.return %x11 : tensor<f32>
}
