// RUN: pp-opt %s -pp-differentiate | FileCheck %s

// The weight of the loss is its cotangent, from the forward of whatever stage,
// and has none.

pp.layer @weights(%t: tensor<8xi32>) -> tensor<f32> {
  %f = arith.sitofp %t : tensor<8xi32> to tensor<8xf32>
  %w = nn.reduce_mean %f axes = [0] : (tensor<8xf32>) -> tensor<f32>
  pp.yield %w : tensor<f32>
}
pp.layer @head(%w: tensor<8xf32>) -> tensor<f32> {
  %y = nn.reduce_mean %w axes = [0] : (tensor<8xf32>) -> tensor<f32>
  pp.yield %y : tensor<f32>
}
pp.layer @scale(%t: tensor<8xi32>) params(%w: tensor<8xf32>) -> tensor<8xf32> {
  %y = arith.negf %w : tensor<8xf32>
  pp.yield %y : tensor<8xf32>
}
// CHECK-LABEL: @stage0.forward
// CHECK-SAME: -> (tensor<f32> {pp.loss_weight, pp.value = "x0"}
// CHECK-LABEL: @stage1.forward
// CHECK-SAME: -> (tensor<f32> {pp.loss, pp.value = "x2"})
// CHECK-LABEL: @stage1.backward
// CHECK-SAME: (%[[W:.*]]: tensor<f32> {pp.value = "x0"})
// CHECK-NOT: call @one
// CHECK: call @head.backward(%[[W]])
pp.model @m(%t: tensor<8xi32> {pp.data = "tokens"}) -> (tensor<f32>, tensor<f32>) {
  %p = pp.param "p" : tensor<8xf32> init(#nn.zeros)
  %w = pp.apply @weights(%t) {stage = 0} : (tensor<8xi32>) -> tensor<f32>
  %x = pp.apply @scale(%t) params(%p) {stage = 0} : (tensor<8xi32>) params(tensor<8xf32>) -> tensor<8xf32>
  %l = pp.apply @head(%x) {stage = 1} : (tensor<8xf32>) -> tensor<f32>
  pp.return %l, %w : tensor<f32>, tensor<f32>
}
