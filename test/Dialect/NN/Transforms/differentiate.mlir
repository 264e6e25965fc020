// RUN: pp-opt %s -nn-differentiate -split-input-file | FileCheck %s

// The example of the pass: an output is handed over, not saved twice.
// CHECK-LABEL: func.func @output(
// CHECK: func.func private @output.forward(%[[X:.*]]: tensor<5xf32>) -> tensor<5xf32> {
// CHECK-NEXT: %[[Y:.*]] = math.exp %[[X]]
// CHECK-NEXT: return %[[Y]]
// CHECK: func.func private @output.backward(%[[Y:.*]]: tensor<5xf32>, %[[DY:.*]]: tensor<5xf32>) -> tensor<5xf32> {
// CHECK-NEXT: %[[DX:.*]] = arith.mulf %[[DY]], %[[Y]]
// CHECK-NEXT: return %[[DX]]
func.func @output(%x: tensor<5xf32>) -> tensor<5xf32> {
  %y = math.exp %x : tensor<5xf32>
  return %y : tensor<5xf32>
}

// -----

// A linear layer: its input is an argument; the products land on the
// accumulators in one go.
// CHECK: func.func private @linear.forward(%{{.*}}) -> tensor<2x3x4xf32>
// CHECK: func.func private @linear.backward(%[[X:.*]]: tensor<2x3x5xf32>, %[[W:.*]]: tensor<5x4xf32>, %[[DY:.*]]: tensor<2x3x4xf32>, %[[AW:.*]]: tensor<5x4xf32>, %[[AB:.*]]: tensor<4xf32>)
// CHECK-SAME: -> (tensor<2x3x5xf32>, tensor<5x4xf32>, tensor<4xf32>)
// CHECK: %[[DX:.*]] = nn.linear %[[DY]], %[[W]] {transposed}
// CHECK: %[[X2:.*]] = nn.reshape %[[X]]
// CHECK: %[[DY2:.*]] = nn.reshape %[[DY]]
// CHECK: %[[DW:.*]] = nn.matmul %[[X2]], %[[DY2]] init(%[[AW]]) {transpose_a}
// CHECK: %[[DB:.*]] = nn.reduce_sum %[[DY]] init(%[[AB]]) axes = [0, 1]
// CHECK: return %[[DX]], %[[DW]], %[[DB]]
func.func @linear(%x: tensor<2x3x5xf32>, %w: tensor<5x4xf32> {nn.accumulate}, %b: tensor<4xf32> {nn.accumulate}) -> tensor<2x3x4xf32> {
  %y = nn.linear %x, %w, %b : (tensor<2x3x5xf32>, tensor<5x4xf32>, tensor<4xf32>) -> tensor<2x3x4xf32>
  return %y : tensor<2x3x4xf32>
}

// -----

// Uses of a value are added from the last to the first.
// CHECK: func.func private @order.backward(%[[X:.*]]: tensor<5xf32>, %[[D0:.*]]: tensor<5xf32>, %[[D1:.*]]: tensor<5xf32>, %[[D2:.*]]: tensor<5xf32>)
// CHECK-DAG: %[[COS:.*]] = math.cos %[[X]]
// CHECK-DAG: %[[T2:.*]] = arith.mulf %[[D2]], %[[COS]]
// CHECK-DAG: %[[T1:.*]] = arith.negf %[[D1]]
// CHECK: %[[S1:.*]] = arith.addf %[[T2]], %[[T1]]
// CHECK: %[[S0:.*]] = arith.addf %[[S1]], %[[D0]]
// CHECK: return %[[S0]]
func.func @order(%x: tensor<5xf32>, %c: tensor<5xf32> {nn.constant}) -> (tensor<5xf32>, tensor<5xf32>, tensor<5xf32>) {
  %a = arith.addf %x, %c : tensor<5xf32>
  %b = arith.negf %x : tensor<5xf32>
  %d = math.sin %x : tensor<5xf32>
  return %a, %b, %d : tensor<5xf32>, tensor<5xf32>, tensor<5xf32>
}

// -----

// A parameter used twice: both gradients chain onto one accumulator.
// CHECK: func.func private @twice.backward(
// CHECK-SAME: %[[ACC:[a-z0-9]+]]: tensor<4x4xf32>) -> (tensor<3x4xf32>, tensor<4x4xf32>)
// CHECK: %[[S1:.*]] = nn.matmul {{.*}} init(%[[ACC]])
// CHECK: %[[S2:.*]] = nn.matmul {{.*}} init(%[[S1]])
// CHECK: return %{{.*}}, %[[S2]]
func.func @twice(%x: tensor<3x4xf32>, %w: tensor<4x4xf32> {nn.accumulate}) -> tensor<3x4xf32> {
  %y = nn.linear %x, %w : (tensor<3x4xf32>, tensor<4x4xf32>) -> tensor<3x4xf32>
  %z = nn.linear %y, %w : (tensor<3x4xf32>, tensor<4x4xf32>) -> tensor<3x4xf32>
  return %z : tensor<3x4xf32>
}

// -----

// Nothing flows to %u, to integers, or through a comparison, which is repeated
// from the argument: an unused parameter keeps its accumulator, an unused input
// has no result.
// CHECK: func.func private @unused.backward(%[[U:.*]]: tensor<4xf32>, %[[DY:.*]]: tensor<4xf32>, %[[ACC:.*]]: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
// CHECK: %[[C:.*]] = arith.cmpf ogt, %[[U]], %{{.*}}
// CHECK: %[[DX:.*]] = arith.select %[[C]], %[[DY]], %{{.*}}
// CHECK: return %[[DX]], %[[ACC]]
func.func @unused(%x: tensor<4xf32>, %u: tensor<4xf32>, %i: tensor<4xi32>, %p: tensor<4xf32> {nn.accumulate}, %q: tensor<4xf32> {nn.constant}) -> tensor<4xf32> {
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %c = arith.cmpf ogt, %u, %zero : tensor<4xf32>
  %y = arith.select %c, %x, %q : tensor<4xi1>, tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// Cheap values are recomputed from what is saved anyway: the product from its
// factors, the broadcast from its source, the reshape from the output. The
// transcendental function is saved.
// CHECK: func.func private @cheap.forward(%[[X:.*]]: tensor<3x4xf32>, %[[G:.*]]: tensor<4xf32>, %[[W:.*]]: tensor<4x4xf32>) -> (tensor<3x4xf32>, tensor<3x4xf32>) {
// CHECK: %[[B:.*]] = nn.broadcast %[[G]]
// CHECK: %[[E:.*]] = math.exp
// CHECK: return %{{.*}}, %[[E]]
// CHECK: func.func private @cheap.backward(%[[G:[^:]*]]: tensor<4xf32>, %[[W:[^:]*]]: tensor<4x4xf32>, %[[E:[^:]*]]: tensor<3x4xf32>, %{{[^:]*}}: tensor<3x4xf32>)
// CHECK: nn.broadcast %[[G]]
// CHECK: arith.mulf %[[E]],
func.func @cheap(%x: tensor<3x4xf32>, %g: tensor<4xf32>, %w: tensor<4x4xf32>) -> tensor<3x4xf32> {
  %b = nn.broadcast %g : (tensor<4xf32>) -> tensor<3x4xf32>
  %e = math.exp %x : tensor<3x4xf32>
  %m = arith.mulf %e, %b : tensor<3x4xf32>
  %y = nn.linear %m, %w : (tensor<3x4xf32>, tensor<4x4xf32>) -> tensor<3x4xf32>
  return %y : tensor<3x4xf32>
}

// -----

// An expression that both directions contain is computed once.
// CHECK: func.func private @shared.forward
// CHECK: return %{{.*}}, %{{.*}} : tensor<4xf32>, tensor<4xf32>
// CHECK: func.func private @shared.backward(%[[C:.*]]: tensor<4xf32>, %[[D0:.*]]: tensor<4xf32>)
// CHECK-NOT: math.cos
// CHECK: arith.mulf %{{.*}}, %[[C]]
func.func @shared(%x: tensor<4xf32>) -> tensor<4xf32> {
  %s = math.sin %x : tensor<4xf32>
  %c = math.cos %x {fastmath = #arith.fastmath<none>} : tensor<4xf32>
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %positive = arith.cmpf ogt, %c, %zero : tensor<4xf32>
  %y = arith.select %positive, %s, %zero : tensor<4xi1>, tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// Between float types the cotangent is converted back.
// CHECK: func.func private @narrow.backward(%[[DY:.*]]: tensor<4xbf16>) -> tensor<4xf32>
// CHECK: %[[DX:.*]] = nn.cast %[[DY]] : (tensor<4xbf16>) -> tensor<4xf32>
// CHECK: return %[[DX]]
func.func @narrow(%x: tensor<4xf32>) -> tensor<4xbf16> {
  %y = nn.cast %x : (tensor<4xf32>) -> tensor<4xbf16>
  return %y : tensor<4xbf16>
}

// -----

// A piece of a split that is not used contributes zeros.
// CHECK: func.func private @piece.backward(%[[D:.*]]: tensor<3x2xf32>) -> tensor<3x5xf32>
// CHECK: %[[Z:.*]] = arith.constant dense<0.000000e+00> : tensor<3x3xf32>
// CHECK: nn.concatenate %[[D]], %[[Z]] {axis = 1 : i64}
func.func @piece(%x: tensor<3x5xf32>) -> tensor<3x2xf32> {
  %a, %b = nn.split %x sizes = [2, 3] {axis = 1 : i64} : (tensor<3x5xf32>) -> (tensor<3x2xf32>, tensor<3x3xf32>)
  return %a : tensor<3x2xf32>
}

// -----

// Gradients of bf16 accumulate in f32: an op that can add to the accumulator does
// so unrounded, another one's result is converted.
// CHECK-LABEL: func.func private @mixed.backward
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<4x6xbf16>, %[[DY:[a-z0-9]+]]: tensor<4x3xbf16>, %[[DW:[a-z0-9]+]]: tensor<6x3xf32>, %[[DB:[a-z0-9]+]]: tensor<3x1xf32>) -> (tensor<6x3xf32>, tensor<3x1xf32>)
// CHECK-DAG: %[[W:.*]] = nn.matmul %[[X]], %[[DY]] init(%[[DW]]) {transpose_a} : (tensor<4x6xbf16>, tensor<4x3xbf16>, tensor<6x3xf32>) -> tensor<6x3xf32>
// CHECK-DAG: %[[SUM:.*]] = nn.reduce_sum %[[DY]] axes = [0] : (tensor<4x3xbf16>) -> tensor<3xbf16>
// CHECK-DAG: %[[VIEW:.*]] = nn.reshape %[[SUM]] : (tensor<3xbf16>) -> tensor<3x1xbf16>
// CHECK-DAG: %[[WIDE:.*]] = nn.cast %[[VIEW]] : (tensor<3x1xbf16>) -> tensor<3x1xf32>
// CHECK-DAG: %[[B:.*]] = arith.addf %[[DB]], %[[WIDE]] : tensor<3x1xf32>
// CHECK: return %[[W]], %[[B]]
func.func @mixed(%x: tensor<4x6xbf16> {nn.constant}, %w: tensor<6x3xbf16> {nn.accumulate}, %b: tensor<3x1xbf16> {nn.accumulate}) -> tensor<4x3xbf16> {
  %v = nn.reshape %b : (tensor<3x1xbf16>) -> tensor<3xbf16>
  %y = nn.linear %x, %w, %v : (tensor<4x6xbf16>, tensor<6x3xbf16>, tensor<3xbf16>) -> tensor<4x3xbf16>
  return %y : tensor<4x3xbf16>
}

// -----

// Of views that are as large as their source together, the source is kept, and
// cut again.
// CHECK: func.func private @pieces.forward(%{{.*}}: tensor<3x6xf32>, %{{.*}}: tensor<6x6xf32>) -> (tensor<3x2xf32>, tensor<3x6xf32>,
// CHECK: %[[E:.*]] = nn.matmul
// CHECK: return %{{.*}}, %[[E]],
// CHECK: func.func private @pieces.backward(%{{.*}}: tensor<6x6xf32>, %[[E:[a-z0-9]+]]: tensor<3x6xf32>,
// CHECK: nn.split %[[E]] sizes = [2, 2, 2]
func.func @pieces(%x: tensor<3x6xf32>, %w: tensor<6x6xf32> {nn.constant}) -> tensor<3x2xf32> {
  %e = nn.matmul %x, %w : (tensor<3x6xf32>, tensor<6x6xf32>) -> tensor<3x6xf32>
  %a, %b, %c = nn.split %e sizes = [2, 2, 2] {axis = 1 : i64} : (tensor<3x6xf32>) -> (tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>)
  %sa = math.sin %a : tensor<3x2xf32>
  %sb = math.sin %b : tensor<3x2xf32>
  %sc = math.sin %c : tensor<3x2xf32>
  %p = nn.mul %sa, %sb : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  %y = nn.mul %p, %sc : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// A view that is smaller than its source is kept itself.
// CHECK: func.func private @part.forward(%{{.*}}: tensor<3x6xf32>) -> (tensor<3x2xf32>, tensor<3x2xf32>
// CHECK-NOT: tensor<3x6xf32>
// CHECK: {
func.func @part(%x: tensor<3x6xf32> {nn.constant}, %w: tensor<3x6xf32>) -> tensor<3x2xf32> {
  %e = nn.matmul %x, %w {transpose_b} : (tensor<3x6xf32>, tensor<3x6xf32>) -> tensor<3x3xf32>
  %a = nn.slice %e offsets = [0, 0] sizes = [3, 2] strides = [1, 1] : (tensor<3x3xf32>) -> tensor<3x2xf32>
  %y = math.sin %a : tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}
