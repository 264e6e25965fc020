// RUN: pp-opt %s --pp-to-llvm="ranks=2 microbatches=2" | FileCheck %s

// Parameters may have the names of what the compiler makes beside them.

// CHECK-DAG: llvm.func internal @pp.step.pipe0
// CHECK-DAG: llvm.func {{.*}}@embed.forward
// CHECK-DAG: llvm.func @pprt_loss(
pp.layer @embed(%t: tensor<4x8xi32>) params(%e: tensor<16x8xf32>) -> tensor<4x8x8xf32> {
  %y = nn.embedding %t, %e : (tensor<4x8xi32>, tensor<16x8xf32>) -> tensor<4x8x8xf32>
  pp.yield %y : tensor<4x8x8xf32>
}
pp.layer @mlp(%x: tensor<4x8x8xf32>) params(%w: tensor<8x8xf32>, %g: tensor<8xf32>, %h: tensor<8xf32>) -> tensor<4x8x8xf32> {
  %a = nn.linear %x, %w : (tensor<4x8x8xf32>, tensor<8x8xf32>) -> tensor<4x8x8xf32>
  %b = nn.mul %a, %g : (tensor<4x8x8xf32>, tensor<8xf32>) -> tensor<4x8x8xf32>
  %c = nn.mul %b, %h : (tensor<4x8x8xf32>, tensor<8xf32>) -> tensor<4x8x8xf32>
  pp.yield %c : tensor<4x8x8xf32>
}
pp.layer @head(%x: tensor<4x8x8xf32>, %t: tensor<4x8xi32>) -> tensor<f32> {
  %loss, %lse = nn.cross_entropy %x, %t : (tensor<4x8x8xf32>, tensor<4x8xi32>) -> (tensor<f32>, tensor<4x8xf32>)
  pp.yield %loss : tensor<f32>
}
pp.model @m(%tokens: tensor<4x8xi32>, %targets: tensor<4x8xi32>) -> tensor<f32> {
  %e = pp.param "stage0.forward" : tensor<16x8xf32> init(#nn.normal<std = 0.02>)
  %w = pp.param "layers" : tensor<8x8xf32> init(#nn.normal<std = 0.02>)
  %g = pp.param "rank0" : tensor<8xf32> init(#nn.ones)
  %h = pp.param "pp.step.pipe0" : tensor<8xf32> init(#nn.ones)
  %x = pp.apply @embed(%tokens) params(%e) : (tensor<4x8xi32>) params(tensor<16x8xf32>) -> tensor<4x8x8xf32>
  %y = pp.apply @mlp(%x) params(%w, %g, %h) : (tensor<4x8x8xf32>) params(tensor<8x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<4x8x8xf32>
  %l = pp.apply @head(%y, %targets) : (tensor<4x8x8xf32>, tensor<4x8xi32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}
