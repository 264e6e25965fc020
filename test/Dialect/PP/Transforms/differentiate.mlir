// RUN: pp-opt %s -pp-differentiate -split-input-file | FileCheck %s

// A skip over a stage, a tied parameter, a recomputed layer with dropout.

// Layer functions, once for both applies of @block. The accumulating results
// name the argument that they update.
// CHECK: module @tied
// CHECK: func.func private @embed.backward(%{{.*}}) -> (tensor<11x8xf32> {pp.accumulates = 2 : i64, pp.grad = "param"}) attributes {pp.layer_function}
// CHECK-COUNT-1: func.func private @block.forward(%{{.*}}: i64)
// CHECK-NOT: func.func private @block.forward
// CHECK: func.func private @block.backward(
// CHECK-SAME: -> (tensor<2x3x8xf32> {pp.grad = "input"}, tensor<8x8xf32> {pp.accumulates = [[#]] : i64, pp.grad = "param"})
// CHECK: func.func private @head.backward(
// CHECK-SAME: -> (tensor<2x3x8xf32> {pp.grad = "input"}, tensor<2x3x8xf32> {pp.grad = "input"}, tensor<11x8xf32> {pp.accumulates = [[#]] : i64, pp.grad = "param"})

// CHECK: pp.input @tokens : tensor<2x3xi32>
// CHECK: pp.input @targets : tensor<2x3xi32>
// CHECK: pp.parameter @wte : tensor<11x8xf32>
// CHECK: pp.parameter @w : tensor<8x8xf32>

// CHECK: func.func private @stage0.forward(%{{.*}}: tensor<2x3xi32> {pp.data = "tokens"}, %{{.*}}: tensor<11x8xf32> {pp.param = "wte"}) -> (tensor<2x3x8xf32> {pp.value = "x0"})
// CHECK: func.func private @stage0.backward(%{{.*}}: tensor<2x3x8xf32> {pp.value = "x0.grad.stage1"}, %{{.*}}: tensor<2x3xi32> {pp.data = "tokens"}, %{{.*}}: tensor<11x8xf32> {pp.grad = "wte", pp.use = 0 : i64})
// CHECK-SAME: -> (tensor<11x8xf32> {pp.accumulates = 2 : i64, pp.grad = "param"})
// CHECK: pp.stage 0 forward(@stage0.forward) backward(@stage0.backward) {applies = ["embed"]}

// Each apply has its own key; of the recomputed one only the input is kept.
// CHECK: func.func private @stage1.forward(%[[X0:.*]]: tensor<2x3x8xf32> {pp.value = "x0"}, %[[W:.*]]: tensor<8x8xf32> {pp.param = "w"}, %[[KEY:.*]]: i64 {pp.key})
// CHECK-SAME: -> (tensor<2x3x8xf32> {pp.value = "x1"}, tensor<2x3x8xf32> {pp.value = "x2"}, tensor<2x3x8xf32> {pp.value = "x1.residual0"})
// CHECK: %[[K1:.*]] = nn.mix_key %[[KEY]] {salt = 1 : i64}
// CHECK: %[[X1:.*]]:2 = call @block.forward(%[[X0]], %[[W]], %[[K1]])
// CHECK: %[[K2:.*]] = nn.mix_key %[[KEY]] {salt = 2 : i64}
// CHECK: %[[X2:.*]]:2 = call @block.forward(%[[X1]]#0, %[[W]], %[[K2]])
// CHECK: return %[[X1]]#0, %[[X2]]#0, %[[X1]]#1

// The last use of x0 is in stage 2: its contribution comes first in the sum,
// then that of the block here; the sum goes on to stage 0.
// CHECK: func.func private @stage1.backward(
// CHECK-SAME: %[[D2:[a-z0-9]+]]: tensor<2x3x8xf32> {pp.value = "x2.grad.stage2"}
// CHECK-SAME: %[[A1:[a-z0-9]+]]: tensor<8x8xf32> {pp.grad = "w", pp.use = 1 : i64}
// CHECK-SAME: %[[A0:[a-z0-9]+]]: tensor<8x8xf32> {pp.grad = "w", pp.use = 0 : i64}
// CHECK-SAME: %[[D0:[a-z0-9]+]]: tensor<2x3x8xf32> {pp.value = "x0.grad.stage2"}
// CHECK-SAME: -> (tensor<2x3x8xf32> {pp.grad = "input", pp.value = "x0.grad.stage1"},
// CHECK: call @block.forward
// CHECK: %[[B2:.*]]:2 = call @block.backward({{.*}}, %[[D2]], %[[A1]])
// CHECK-NOT: call @block.forward
// CHECK: %[[B1:.*]]:2 = call @block.backward({{.*}}, %[[B2]]#0, %[[A0]])
// CHECK: %[[SUM:.*]] = call @add.2x3x8.f32(%[[D0]], %[[B1]]#0)
// CHECK: return %[[SUM]], %[[B2]]#1, %[[B1]]#1

// CHECK: func.func private @stage2.forward(
// CHECK-SAME: -> (tensor<f32> {pp.loss, pp.value = "x3"}
// CHECK: func.func private @stage2.backward(
// CHECK-SAME: {pp.grad = "wte", pp.use = 1 : i64}
// CHECK: %[[ONE:.*]] = call @one()
// CHECK: call @head.backward(%{{.*}}, %[[ONE]], %{{.*}})
// CHECK-NOT: pp.layer @
// CHECK-NOT: pp.model
pp.layer @embed(%t: tensor<2x3xi32>) params(%w: tensor<11x8xf32>) -> tensor<2x3x8xf32> {
  %y = nn.embedding %t, %w : (tensor<2x3xi32>, tensor<11x8xf32>) -> tensor<2x3x8xf32>
  pp.yield %y : tensor<2x3x8xf32>
}
pp.layer @block(%x: tensor<2x3x8xf32>) params(%w: tensor<8x8xf32>) -> tensor<2x3x8xf32> {
  %y = nn.linear %x, %w : (tensor<2x3x8xf32>, tensor<8x8xf32>) -> tensor<2x3x8xf32>
  %a = nn.gelu %y : (tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %d = nn.dropout %a {p = 0.1, site = 0 : i64} : (tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %r = nn.add %x, %d : (tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  pp.yield %r : tensor<2x3x8xf32>
}
pp.layer @head(%x: tensor<2x3x8xf32>, %x0: tensor<2x3x8xf32>, %t: tensor<2x3xi32>) params(%w: tensor<11x8xf32>) -> tensor<f32> {
  %h = nn.add %x, %x0 : (tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %y = nn.linear %h, %w {transposed} : (tensor<2x3x8xf32>, tensor<11x8xf32>) -> tensor<2x3x11xf32>
  %loss, %lse = nn.cross_entropy %y, %t : (tensor<2x3x11xf32>, tensor<2x3xi32>) -> (tensor<f32>, tensor<2x3xf32>)
  pp.yield %loss : tensor<f32>
}
pp.model @tied(%tokens: tensor<2x3xi32>, %targets: tensor<2x3xi32>) -> tensor<f32> {
  %wte = pp.param "wte" : tensor<11x8xf32> init(#nn.zeros)
  %w = pp.param "w" : tensor<8x8xf32> init(#nn.zeros)
  %x0 = pp.apply @embed(%tokens) params(%wte) {stage = 0 : i64} : (tensor<2x3xi32>) params(tensor<11x8xf32>) -> tensor<2x3x8xf32>
  %x1 = pp.apply @block(%x0) params(%w) {stage = 1 : i64} : (tensor<2x3x8xf32>) params(tensor<8x8xf32>) -> tensor<2x3x8xf32>
  %x2 = pp.apply @block(%x1) params(%w) {stage = 1 : i64, recompute = "full"} : (tensor<2x3x8xf32>) params(tensor<8x8xf32>) -> tensor<2x3x8xf32>
  %loss = pp.apply @head(%x2, %x0, %targets) params(%wte) {stage = 2 : i64} : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3xi32>) params(tensor<11x8xf32>) -> tensor<f32>
  pp.return %loss : tensor<f32>
}

// -----

// One value used by three stages: the sum runs 3, 2, 1, 0 whatever is between.
// Data that is a float has no cotangent; so the first layer is a variant
// without input gradients. Stage 2 has no parameters.
// CHECK: module @chain
// CHECK: func.func private @stage0.backward(%{{.*}}: tensor<4xf32> {pp.value = "x0.grad.stage1"}
// CHECK: func.func private @stage1.backward(
// CHECK-SAME: {pp.value = "x0.grad.stage2"}
// CHECK-SAME: {pp.grad = "input", pp.value = "x0.grad.stage1"}
// CHECK: func.func private @stage2.backward(
// CHECK-SAME: {pp.value = "x0.grad.stage3"}
// CHECK-SAME: -> (tensor<4xf32> {pp.grad = "input", pp.value = "x0.grad.stage2"}, tensor<4xf32> {pp.grad = "input", pp.value = "x1.grad.stage2"})
// CHECK: pp.stage 2
// CHECK: func.func private @stage3.backward(
// CHECK-SAME: -> (tensor<4xf32> {pp.grad = "input", pp.value = "x0.grad.stage3"}, tensor<4xf32> {pp.grad = "input", pp.value = "x2.grad.stage3"})
pp.layer @scale(%x: tensor<4xf32>) params(%w: tensor<4xf32>) -> tensor<4xf32> {
  %y = arith.mulf %x, %w : tensor<4xf32>
  pp.yield %y : tensor<4xf32>
}
pp.layer @join(%x: tensor<4xf32>, %s: tensor<4xf32>) -> tensor<4xf32> {
  %e = math.exp %x : tensor<4xf32>
  %y = arith.mulf %e, %s : tensor<4xf32>
  pp.yield %y : tensor<4xf32>
}
pp.layer @loss(%x: tensor<4xf32>, %s: tensor<4xf32>) -> tensor<f32> {
  %y = arith.mulf %x, %s : tensor<4xf32>
  %l = nn.reduce_sum %y axes = [0] : (tensor<4xf32>) -> tensor<f32>
  pp.yield %l : tensor<f32>
}
pp.model @chain(%data: tensor<4xf32> {pp.data = "tokens"}) -> tensor<f32> {
  %w = pp.param "w" : tensor<4xf32> init(#nn.zeros)
  %u = pp.param "u" : tensor<4xf32> init(#nn.zeros)
  %x0 = pp.apply @scale(%data) params(%w) {stage = 0 : i64} : (tensor<4xf32>) params(tensor<4xf32>) -> tensor<4xf32>
  %x1 = pp.apply @scale(%x0) params(%u) {stage = 1 : i64} : (tensor<4xf32>) params(tensor<4xf32>) -> tensor<4xf32>
  %x2 = pp.apply @join(%x1, %x0) {stage = 2 : i64} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %l = pp.apply @loss(%x2, %x0) {stage = 3 : i64} : (tensor<4xf32>, tensor<4xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}

// -----

// The same model in one stage: the additions are the same ones.
// CHECK: module @whole
// CHECK: func.func private @stage0.backward(
// CHECK: %[[L:.*]]:2 = call @loss.backward
// CHECK: %[[J:.*]]:2 = call @join.backward({{.*}}, %[[L]]#0)
// CHECK: %[[S:.*]] = call @add.4.f32(%[[L]]#1, %[[J]]#1)
// CHECK: %[[B:.*]]:2 = call @scale.backward({{.*}}, %[[J]]#0, %{{.*}})
// CHECK: %[[T:.*]] = call @add.4.f32(%[[S]], %[[B]]#0)
// CHECK: call @scale.backward.1({{.*}}, %[[T]], %{{.*}})
pp.layer @scale(%x: tensor<4xf32>) params(%w: tensor<4xf32>) -> tensor<4xf32> {
  %y = arith.mulf %x, %w : tensor<4xf32>
  pp.yield %y : tensor<4xf32>
}
pp.layer @join(%x: tensor<4xf32>, %s: tensor<4xf32>) -> tensor<4xf32> {
  %e = math.exp %x : tensor<4xf32>
  %y = arith.mulf %e, %s : tensor<4xf32>
  pp.yield %y : tensor<4xf32>
}
pp.layer @loss(%x: tensor<4xf32>, %s: tensor<4xf32>) -> tensor<f32> {
  %y = arith.mulf %x, %s : tensor<4xf32>
  %l = nn.reduce_sum %y axes = [0] : (tensor<4xf32>) -> tensor<f32>
  pp.yield %l : tensor<f32>
}
pp.model @whole(%data: tensor<4xf32> {pp.data = "tokens"}) -> tensor<f32> {
  %w = pp.param "w" : tensor<4xf32> init(#nn.zeros)
  %u = pp.param "u" : tensor<4xf32> init(#nn.zeros)
  %x0 = pp.apply @scale(%data) params(%w) {stage = 0 : i64} : (tensor<4xf32>) params(tensor<4xf32>) -> tensor<4xf32>
  %x1 = pp.apply @scale(%x0) params(%u) {stage = 0 : i64} : (tensor<4xf32>) params(tensor<4xf32>) -> tensor<4xf32>
  %x2 = pp.apply @join(%x1, %x0) {stage = 0 : i64} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %l = pp.apply @loss(%x2, %x0) {stage = 0 : i64} : (tensor<4xf32>, tensor<4xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}

// -----

// A stage whose result does not reach the loss has no backward, a layer with
// an unused result takes no cotangent for it.
// CHECK: module @dead
// CHECK: func.func private @two.backward(%[[A:[a-z0-9]+]]: tensor<4xf32>, %[[D:[a-z0-9]+]]: tensor<4xf32>, %[[ACC:[a-z0-9]+]]: tensor<4xf32>)
// CHECK: pp.stage 0 forward(@stage0.forward) backward(@stage0.backward)
// CHECK: pp.stage 1 forward(@stage1.forward) {applies = ["side"]}
// CHECK: pp.stage 2 forward(@stage2.forward) backward(@stage2.backward)
pp.layer @two(%x: tensor<4xf32>) params(%w: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %a = arith.mulf %x, %w : tensor<4xf32>
  %b = arith.divf %x, %w : tensor<4xf32>
  pp.yield %a, %b : tensor<4xf32>, tensor<4xf32>
}
pp.layer @side(%x: tensor<4xf32>) params(%w: tensor<4xf32>) -> tensor<4xf32> {
  %a = arith.mulf %x, %w : tensor<4xf32>
  pp.yield %a : tensor<4xf32>
}
pp.layer @loss(%x: tensor<4xf32>) -> tensor<f32> {
  %l = nn.reduce_sum %x axes = [0] : (tensor<4xf32>) -> tensor<f32>
  pp.yield %l : tensor<f32>
}
pp.model @dead(%data: tensor<4xf32> {pp.data = "tokens"}) -> tensor<f32> {
  %w = pp.param "w" : tensor<4xf32> init(#nn.zeros)
  %a, %b = pp.apply @two(%data) params(%w) {stage = 0 : i64} : (tensor<4xf32>) params(tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  %s = pp.apply @side(%b) params(%w) {stage = 1 : i64} : (tensor<4xf32>) params(tensor<4xf32>) -> tensor<4xf32>
  %l = pp.apply @loss(%a) {stage = 2 : i64} : (tensor<4xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}
