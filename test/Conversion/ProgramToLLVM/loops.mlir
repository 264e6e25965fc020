// RUN: pp-opt %s -pp-to-llvm='ranks=2 microbatches=12 schedule=1f1b evaluation=off' -o %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: mlir-translate --mlir-to-llvmir %t.mlir | opt -passes=verify -disable-output
// RUN: pp-opt %s -pp-to-llvm='ranks=2 microbatches=64 schedule=1f1b evaluation=off' | grep -c 'llvm.call' > %t.many
// RUN: grep -c 'llvm.call' %t.mlir > %t.few
// RUN: diff %t.few %t.many

// What repeats with other numbers is a loop over a table of the numbers: the eight
// applications of a layer in each stage, and the steady state of the schedule.
// With more micro-batches the code does not grow.

pp.layer @layer(%x: tensor<4x8xf32>) params(%w: tensor<8x8xf32>) -> tensor<4x8xf32> {
  %h = nn.linear %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  pp.yield %h : tensor<4x8xf32>
}
pp.layer @embed(%tokens: tensor<1x4xi32>) params(%w: tensor<16x8xf32>) -> tensor<4x8xf32> {
  %e = nn.embedding %tokens, %w : (tensor<1x4xi32>, tensor<16x8xf32>) -> tensor<1x4x8xf32>
  %y = nn.reshape %e : (tensor<1x4x8xf32>) -> tensor<4x8xf32>
  pp.yield %y : tensor<4x8xf32>
}
pp.layer @loss(%x: tensor<4x8xf32>, %targets: tensor<1x4xi32>) params(%w: tensor<8x16xf32>) -> tensor<f32> {
  %h = nn.linear %x, %w : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  %l = nn.reshape %h : (tensor<4x16xf32>) -> tensor<1x4x16xf32>
  %y, %lse = nn.cross_entropy %l, %targets : (tensor<1x4x16xf32>, tensor<1x4xi32>) -> (tensor<f32>, tensor<1x4xf32>)
  pp.yield %y : tensor<f32>
}
pp.model @chain(%tokens: tensor<1x4xi32>, %targets: tensor<1x4xi32>) -> tensor<f32> {
  %we = pp.param "we" : tensor<16x8xf32> init(#nn.ones)
  %wl = pp.param "wl" : tensor<8x16xf32> init(#nn.ones)
  %w0 = pp.param "w0" : tensor<8x8xf32> init(#nn.ones)
  %w1 = pp.param "w1" : tensor<8x8xf32> init(#nn.ones)
  %w2 = pp.param "w2" : tensor<8x8xf32> init(#nn.ones)
  %w3 = pp.param "w3" : tensor<8x8xf32> init(#nn.ones)
  %w4 = pp.param "w4" : tensor<8x8xf32> init(#nn.ones)
  %w5 = pp.param "w5" : tensor<8x8xf32> init(#nn.ones)
  %w6 = pp.param "w6" : tensor<8x8xf32> init(#nn.ones)
  %w7 = pp.param "w7" : tensor<8x8xf32> init(#nn.ones)
  %w8 = pp.param "w8" : tensor<8x8xf32> init(#nn.ones)
  %w9 = pp.param "w9" : tensor<8x8xf32> init(#nn.ones)
  %w10 = pp.param "w10" : tensor<8x8xf32> init(#nn.ones)
  %w11 = pp.param "w11" : tensor<8x8xf32> init(#nn.ones)
  %w12 = pp.param "w12" : tensor<8x8xf32> init(#nn.ones)
  %w13 = pp.param "w13" : tensor<8x8xf32> init(#nn.ones)
  %w14 = pp.param "w14" : tensor<8x8xf32> init(#nn.ones)
  %w15 = pp.param "w15" : tensor<8x8xf32> init(#nn.ones)
  %x0 = pp.apply @embed(%tokens) params(%we) {stage = 0 : i64} : (tensor<1x4xi32>) params(tensor<16x8xf32>) -> tensor<4x8xf32>
  %x1 = pp.apply @layer(%x0) params(%w0) {stage = 0 : i64} : (tensor<4x8xf32>) params(tensor<8x8xf32>) -> tensor<4x8xf32>
  %x2 = pp.apply @layer(%x1) params(%w1) {stage = 0 : i64} : (tensor<4x8xf32>) params(tensor<8x8xf32>) -> tensor<4x8xf32>
  %x3 = pp.apply @layer(%x2) params(%w2) {stage = 0 : i64} : (tensor<4x8xf32>) params(tensor<8x8xf32>) -> tensor<4x8xf32>
  %x4 = pp.apply @layer(%x3) params(%w3) {stage = 0 : i64} : (tensor<4x8xf32>) params(tensor<8x8xf32>) -> tensor<4x8xf32>
  %x5 = pp.apply @layer(%x4) params(%w4) {stage = 0 : i64} : (tensor<4x8xf32>) params(tensor<8x8xf32>) -> tensor<4x8xf32>
  %x6 = pp.apply @layer(%x5) params(%w5) {stage = 0 : i64} : (tensor<4x8xf32>) params(tensor<8x8xf32>) -> tensor<4x8xf32>
  %x7 = pp.apply @layer(%x6) params(%w6) {stage = 0 : i64} : (tensor<4x8xf32>) params(tensor<8x8xf32>) -> tensor<4x8xf32>
  %x8 = pp.apply @layer(%x7) params(%w7) {stage = 0 : i64} : (tensor<4x8xf32>) params(tensor<8x8xf32>) -> tensor<4x8xf32>
  %x9 = pp.apply @layer(%x8) params(%w8) {stage = 1 : i64} : (tensor<4x8xf32>) params(tensor<8x8xf32>) -> tensor<4x8xf32>
  %x10 = pp.apply @layer(%x9) params(%w9) {stage = 1 : i64} : (tensor<4x8xf32>) params(tensor<8x8xf32>) -> tensor<4x8xf32>
  %x11 = pp.apply @layer(%x10) params(%w10) {stage = 1 : i64} : (tensor<4x8xf32>) params(tensor<8x8xf32>) -> tensor<4x8xf32>
  %x12 = pp.apply @layer(%x11) params(%w11) {stage = 1 : i64} : (tensor<4x8xf32>) params(tensor<8x8xf32>) -> tensor<4x8xf32>
  %x13 = pp.apply @layer(%x12) params(%w12) {stage = 1 : i64} : (tensor<4x8xf32>) params(tensor<8x8xf32>) -> tensor<4x8xf32>
  %x14 = pp.apply @layer(%x13) params(%w13) {stage = 1 : i64} : (tensor<4x8xf32>) params(tensor<8x8xf32>) -> tensor<4x8xf32>
  %x15 = pp.apply @layer(%x14) params(%w14) {stage = 1 : i64} : (tensor<4x8xf32>) params(tensor<8x8xf32>) -> tensor<4x8xf32>
  %x16 = pp.apply @layer(%x15) params(%w15) {stage = 1 : i64} : (tensor<4x8xf32>) params(tensor<8x8xf32>) -> tensor<4x8xf32>
  %loss = pp.apply @loss(%x16, %targets) params(%wl) {stage = 1 : i64} : (tensor<4x8xf32>, tensor<1x4xi32>) params(tensor<8x16xf32>) -> tensor<f32>
  pp.return %loss : tensor<f32>
}

// CHECK: llvm.mlir.global internal constant @pp.loop.stage0.forward.0
// CHECK-LABEL: llvm.func internal @stage0.forward(
// CHECK: llvm.br ^[[HEAD:.*]](%{{.*}} : i64)
// CHECK: ^[[HEAD]](%[[I:.*]]: i64):
// CHECK: %[[ROWS:.*]] = llvm.mlir.addressof @pp.loop.stage0.forward.0
// CHECK: %[[ROW:.*]] = llvm.getelementptr %[[ROWS]][%[[I]]]
// CHECK: llvm.load
// CHECK: llvm.call @layer.forward(
// CHECK: %[[MORE:.*]] = llvm.icmp "ult"
// CHECK: llvm.cond_br %[[MORE]], ^[[HEAD]](
// CHECK-NOT: llvm.call @layer.forward(
// CHECK: llvm.return
// CHECK-LABEL: llvm.func internal @pp.step.pipe0(
// CHECK: llvm.cond_br
