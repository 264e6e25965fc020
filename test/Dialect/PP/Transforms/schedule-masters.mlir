// The search counts what a parameter of bf16 costs: 2 bytes an element, 4 of its
// accumulator, 8 of its moments and 4 of its master; here for 1024 elements.
// RUN: pp-opt --pp-partition=stages=1 --pp-differentiate --pp-split-backward %s -o %t.mlir
// RUN: not pp-opt --pp-schedule="schedule=search microbatches=1 memory=1" --mlir-print-op-on-diagnostic=false %t.mlir 2>&1 | FileCheck %s

// CHECK: expected at least 18432,
pp.layer @one(%x: tensor<4xi32>) params(%w: tensor<256x4xbf16>) -> tensor<f32> {
  %y = nn.embedding %x, %w : (tensor<4xi32>, tensor<256x4xbf16>) -> tensor<4x4xbf16>
  %l = nn.reduce_sum %y axes = [0, 1] : (tensor<4x4xbf16>) -> tensor<bf16>
  %f = arith.extf %l : tensor<bf16> to tensor<f32>
  pp.yield %f : tensor<f32>
}
pp.model @m(%tokens: tensor<4xi32>) -> tensor<f32> {
  %w = pp.param "w" : tensor<256x4xbf16> init(#nn.zeros)
  %l = pp.apply @one(%tokens) params(%w) : (tensor<4xi32>) params(tensor<256x4xbf16>) -> tensor<f32>
  pp.return %l : tensor<f32>
}
