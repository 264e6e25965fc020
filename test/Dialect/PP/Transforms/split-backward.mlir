// RUN: pp-opt %s -pp-split-backward -split-input-file | FileCheck %s
// RUN: pp-opt %s -pp-split-backward=stages=false -split-input-file | FileCheck %s --check-prefix=LAYERS

// The gradient before the activation (%0) is computed in B and handed over; the
// reshape is cheap and done again; the accumulator belongs to W alone.
// CHECK: func.func private @block.backward_input(%[[X:.*]]: tensor<2x3x8xf32>, %[[W:.*]]: tensor<8x8xf32>, %[[DY:.*]]: tensor<2x3x8xf32>)
// CHECK-SAME: -> (tensor<2x3x8xf32>, tensor<2x3x8xf32>)
// CHECK: %[[G:.*]] = nn.gelu_grad %[[X]], %[[DY]]
// CHECK: %[[DX:.*]] = nn.linear %[[G]], %[[W]]
// CHECK: return %[[DX]], %[[G]]
// CHECK: func.func private @block.backward_weight(%[[X:.*]]: tensor<2x3x8xf32>, %[[ACC:.*]]: tensor<8x8xf32>, %[[G:.*]]: tensor<2x3x8xf32>)
// CHECK-SAME: -> (tensor<8x8xf32> {pp.accumulates = 1 : i64})
// CHECK: nn.matmul %{{.*}}, %{{.*}} init(%[[ACC]])
// CHECK-NOT: @block.backward(

// A stage's halves; its whole backward stays, with B then W of each layer.
// CHECK: func.func private @stage1.backward_input(%[[X:.*]]: tensor<2x3x8xf32> {pp.value = "x1"}, %[[W:.*]]: tensor<8x8xf32> {pp.param = "w"}, %[[D:.*]]: tensor<2x3x8xf32> {pp.value = "x2.grad.stage2"})
// CHECK-SAME: -> (tensor<2x3x8xf32> {pp.value = "x1.grad.stage1"}, tensor<2x3x8xf32> {pp.value = "stage1.handed0"}, tensor<2x3x8xf32> {pp.value = "stage1.handed1"}, tensor<2x3x8xf32> {pp.value = "stage1.handed2"})
// CHECK: %[[B2:.*]]:2 = call @block.backward_input(%[[X]], %[[W]], %[[D]])
// CHECK: %[[B1:.*]]:2 = call @block.backward_input(%[[X]], %[[W]], %[[B2]]#0)
// CHECK: %[[N:.*]] = call @neg.backward_input(%[[B1]]#0)
// CHECK: return %[[N]], %[[B2]]#1, %[[B1]]#0, %[[B1]]#1
// CHECK: func.func private @stage1.backward_weight(%[[X:.*]]: tensor<2x3x8xf32> {pp.value = "x1"}, %[[A1:.*]]: tensor<8x8xf32> {pp.grad = "w", pp.use = 1 : i64}, %[[A0:.*]]: tensor<8x8xf32> {pp.grad = "w", pp.use = 0 : i64}, %[[AB:.*]]: tensor<2x3x8xf32> {pp.grad = "b", pp.use = 0 : i64}, %[[H0:.*]]: tensor<2x3x8xf32> {pp.value = "stage1.handed0"}, %[[H1:.*]]: tensor<2x3x8xf32> {pp.value = "stage1.handed1"}, %[[H2:.*]]: tensor<2x3x8xf32> {pp.value = "stage1.handed2"})
// CHECK-SAME: -> (tensor<8x8xf32> {pp.accumulates = 1 : i64}, tensor<8x8xf32> {pp.accumulates = 2 : i64}, tensor<2x3x8xf32> {pp.accumulates = 3 : i64})
// CHECK: call @block.backward_weight(%[[X]], %[[A1]], %[[H0]])
// CHECK: call @block.backward_weight(%[[X]], %[[A0]], %[[H2]])
// CHECK: call @bias.backward_weight(%[[H1]], %[[AB]])
// CHECK: func.func private @stage1.backward(
// CHECK: call @block.backward_input
// CHECK: call @block.backward_weight
// CHECK: call @block.backward_input
// CHECK: call @block.backward_weight
// CHECK: call @bias.backward_weight
// CHECK: call @neg.backward_input
// CHECK: pp.stage 1 forward(@stage1.forward) backward(@stage1.backward) input(@stage1.backward_input) weight(@stage1.backward_weight)

// LAYERS: @block.backward_input
// LAYERS-NOT: @stage1.backward_input
// LAYERS: pp.stage 1 forward(@stage1.forward) backward(@stage1.backward){{$}}
pp.parameter @w : tensor<8x8xf32> init(#nn.zeros)
pp.parameter @b : tensor<2x3x8xf32> init(#nn.zeros)
func.func private @block.backward(%x: tensor<2x3x8xf32>, %w: tensor<8x8xf32>, %dy: tensor<2x3x8xf32>, %acc: tensor<8x8xf32>)
    -> (tensor<2x3x8xf32> {pp.grad = "input"}, tensor<8x8xf32> {pp.accumulates = 3 : i64, pp.grad = "param"}) attributes {pp.layer_function} {
  %0 = nn.gelu_grad %x, %dy : (tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %1 = nn.reshape %x : (tensor<2x3x8xf32>) -> tensor<6x8xf32>
  %2 = nn.reshape %0 : (tensor<2x3x8xf32>) -> tensor<6x8xf32>
  %3 = nn.matmul %1, %2 init(%acc) {transpose_a} : (tensor<6x8xf32>, tensor<6x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %4 = nn.linear %0, %w {transposed} : (tensor<2x3x8xf32>, tensor<8x8xf32>) -> tensor<2x3x8xf32>
  return %4, %3 : tensor<2x3x8xf32>, tensor<8x8xf32>
}
func.func private @bias.backward(%dy: tensor<2x3x8xf32>, %acc: tensor<2x3x8xf32>)
    -> (tensor<2x3x8xf32> {pp.accumulates = 1 : i64, pp.grad = "param"}) attributes {pp.layer_function} {
  %0 = arith.addf %acc, %dy : tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}
func.func private @neg.backward(%dy: tensor<2x3x8xf32>) -> (tensor<2x3x8xf32> {pp.grad = "input"}) attributes {pp.layer_function} {
  %0 = arith.negf %dy : tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}
func.func private @stage1.forward() -> () {
  return
}
func.func private @stage1.backward(%x: tensor<2x3x8xf32> {pp.value = "x1"}, %w: tensor<8x8xf32> {pp.param = "w"}, %d: tensor<2x3x8xf32> {pp.value = "x2.grad.stage2"}, %a1: tensor<8x8xf32> {pp.grad = "w", pp.use = 1 : i64}, %a0: tensor<8x8xf32> {pp.grad = "w", pp.use = 0 : i64}, %ab: tensor<2x3x8xf32> {pp.grad = "b", pp.use = 0 : i64})
    -> (tensor<2x3x8xf32> {pp.grad = "input", pp.value = "x1.grad.stage1"}, tensor<8x8xf32> {pp.accumulates = 3 : i64, pp.grad = "param"}, tensor<8x8xf32> {pp.accumulates = 4 : i64, pp.grad = "param"}, tensor<2x3x8xf32> {pp.accumulates = 5 : i64, pp.grad = "param"}) {
  %0:2 = call @block.backward(%x, %w, %d, %a1) : (tensor<2x3x8xf32>, tensor<8x8xf32>, tensor<2x3x8xf32>, tensor<8x8xf32>) -> (tensor<2x3x8xf32>, tensor<8x8xf32>)
  %1:2 = call @block.backward(%x, %w, %0#0, %a0) : (tensor<2x3x8xf32>, tensor<8x8xf32>, tensor<2x3x8xf32>, tensor<8x8xf32>) -> (tensor<2x3x8xf32>, tensor<8x8xf32>)
  %2 = call @bias.backward(%1#0, %ab) : (tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %3 = call @neg.backward(%1#0) : (tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  return %3, %0#1, %1#1, %2 : tensor<2x3x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<2x3x8xf32>
}
pp.stage 1 forward(@stage1.forward) backward(@stage1.backward)

// -----

// A stage without input gradient: B is empty and W the whole backward. What
// the other stage lacks is a parameter.
// CHECK: pp.stage 0 forward(@nothing) backward(@stage0.backward) weight(@stage0.backward_weight)
// CHECK: pp.stage 1 forward(@nothing) backward(@stage1.backward) input(@stage1.backward_input)
pp.parameter @b : tensor<4xf32> init(#nn.zeros)
func.func private @nothing() -> () {
  return
}
func.func private @bias.backward(%dy: tensor<4xf32>, %acc: tensor<4xf32>)
    -> (tensor<4xf32> {pp.accumulates = 1 : i64, pp.grad = "param"}) attributes {pp.layer_function} {
  %0 = arith.addf %acc, %dy : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @neg.backward(%dy: tensor<4xf32>) -> (tensor<4xf32> {pp.grad = "input"}) attributes {pp.layer_function} {
  %0 = arith.negf %dy : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @stage0.backward(%d: tensor<4xf32> {pp.value = "x0.grad.stage1"}, %acc: tensor<4xf32> {pp.grad = "b", pp.use = 0 : i64}) -> (tensor<4xf32> {pp.accumulates = 1 : i64, pp.grad = "param"}) {
  %0 = call @bias.backward(%d, %acc) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
pp.stage 0 forward(@nothing) backward(@stage0.backward)
func.func private @stage1.backward(%d: tensor<4xf32> {pp.value = "x1.grad.stage2"}) -> (tensor<4xf32> {pp.grad = "input", pp.value = "x0.grad.stage1"}) {
  %0 = call @neg.backward(%d) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
pp.stage 1 forward(@nothing) backward(@stage1.backward)

// -----

// The statistics of a norm are computed once, in B, for both of its adjoints:
// a number a row is handed over, not computed again.
// CHECK: func.func private @norm.backward_input(
// CHECK-SAME: -> (tensor<6x8xbf16>, tensor<6xf32>)
// CHECK: %[[S:.*]] = nn.rms_norm_statistics
// CHECK: %[[DX:.*]] = nn.rms_norm_grad_input {{.*}} statistics(%[[S]])
// CHECK: return %[[DX]], %[[S]]
// CHECK: func.func private @norm.backward_weight({{.*}}, %[[S:[a-z0-9]*]]: tensor<6xf32>)
// CHECK-NOT: nn.rms_norm_statistics
// CHECK: nn.rms_norm_grad_scale {{.*}} statistics(%[[S]]) init(
func.func private @norm.backward(%x: tensor<6x8xbf16>, %g: tensor<8xbf16>, %dy: tensor<6x8xbf16>, %acc: tensor<8xf32>) -> (tensor<6x8xbf16> {pp.grad = "input"}, tensor<8xf32> {pp.accumulates = 3 : i64, pp.grad = "param"}) attributes {pp.layer_function} {
  %s = nn.rms_norm_statistics %x : (tensor<6x8xbf16>) -> tensor<6xf32>
  %dx = nn.rms_norm_grad_input %x, %g, %dy statistics(%s) : (tensor<6x8xbf16>, tensor<8xbf16>, tensor<6x8xbf16>, tensor<6xf32>) -> tensor<6x8xbf16>
  %dg = nn.rms_norm_grad_scale %x, %dy statistics(%s) init(%acc) : (tensor<6x8xbf16>, tensor<6x8xbf16>, tensor<6xf32>, tensor<8xf32>) -> tensor<8xf32>
  return %dx, %dg : tensor<6x8xbf16>, tensor<8xf32>
}
