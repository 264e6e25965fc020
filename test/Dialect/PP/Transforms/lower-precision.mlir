// RUN: pp-opt %s --pp-lower-precision | FileCheck %s
// RUN: pp-opt %s --pp-lower-precision=type=f32 | FileCheck %s --check-prefix=SAME
// RUN: pp-opt %s --pp-to-plan="ranks=2 microbatches=2 precision=bf16" | FileCheck %s --check-prefix=PLAN

// SAME-NOT: bf16 {{.*}}params
// SAME: pp.layer @embed(%{{.*}}: tensor<2x4xi32>) params(%{{.*}}: tensor<16x8xf32>) -> tensor<2x4x8xf32>

// CHECK: pp.layer @embed(%{{.*}}: tensor<2x4xi32>) params(%{{.*}}: tensor<16x8xbf16>) -> tensor<2x4x8xbf16>
// CHECK: nn.embedding {{.*}} -> tensor<2x4x8xbf16>
pp.layer @embed(%t: tensor<2x4xi32>) params(%w: tensor<16x8xf32>) -> tensor<2x4x8xf32> {
  %x = nn.embedding %t, %w : (tensor<2x4xi32>, tensor<16x8xf32>) -> tensor<2x4x8xf32>
  pp.yield %x : tensor<2x4x8xf32>
}

// Bits of an f32, and of a bf16 that the model has made of one.
// CHECK-LABEL: pp.layer @bits(%{{.*}}: tensor<8xbf16>)
pp.layer @bits(%x: tensor<8xf32>) -> tensor<8xf32> {
  // CHECK: %[[WIDE:.*]] = nn.cast %{{.*}} : (tensor<8xbf16>) -> tensor<8xf32>
  // CHECK: arith.bitcast %[[WIDE]] : tensor<8xf32> to tensor<8xi32>
  %0 = arith.bitcast %x : tensor<8xf32> to tensor<8xi32>
  // CHECK-NOT: nn.cast
  // CHECK: %[[BITS:.*]] = arith.bitcast %{{.*}} : tensor<8xbf16> to tensor<8xi16>
  %1 = arith.truncf %x : tensor<8xf32> to tensor<8xbf16>
  %2 = arith.bitcast %1 : tensor<8xbf16> to tensor<8xi16>
  // CHECK: arith.bitcast %[[BITS]] : tensor<8xi16> to tensor<8xbf16>
  %3 = arith.bitcast %2 : tensor<8xi16> to tensor<8xbf16>
  %4 = arith.extf %3 : tensor<8xbf16> to tensor<8xf32>
  %5 = arith.sitofp %0 : tensor<8xi32> to tensor<8xf32>
  %6 = arith.addf %4, %5 : tensor<8xf32>
  pp.yield %6 : tensor<8xf32>
}

// Upstream ops, constants, a scalar parameter, a reduction in between, and what
// the user says in other types.
// CHECK-LABEL: pp.layer @mixed(%{{.*}}: tensor<2x4x8xbf16>) params(%{{.*}}: tensor<8xbf16>, %{{.*}}: tensor<f32>) -> tensor<2x4x8xbf16>
pp.layer @mixed(%x: tensor<2x4x8xf32>) params(%b: tensor<8xf32>, %s: tensor<f32>) -> tensor<2x4x8xf32> {
  // CHECK-DAG: arith.constant dense<1.000980e-01> : tensor<2x4x8xbf16>
  %c = arith.constant dense<0.1> : tensor<2x4x8xf32>
  // CHECK: arith.mulf {{.*}} : tensor<2x4x8xbf16>
  %0 = arith.mulf %x, %c : tensor<2x4x8xf32>
  // CHECK: math.exp {{.*}} : tensor<2x4x8xbf16>
  %1 = math.exp %0 : tensor<2x4x8xf32>
  // CHECK: %[[WIDE:.*]] = nn.cast {{.*}} : (tensor<2x4x8xbf16>) -> tensor<2x4x8xf32>
  // CHECK: %[[SUM:.*]] = nn.reduce_sum %[[WIDE]] axes = [2] {keepdims} : (tensor<2x4x8xf32>) -> tensor<2x4x1xf32>
  %2 = nn.reduce_sum %1 axes = [2] {keepdims} : (tensor<2x4x8xf32>) -> tensor<2x4x1xf32>
  // CHECK: %[[LOG:.*]] = math.log %[[SUM]] : tensor<2x4x1xf32>
  %3 = math.log %2 : tensor<2x4x1xf32>
  // CHECK: %[[SCALED:.*]] = nn.mul %[[LOG]], %{{.*}} : (tensor<2x4x1xf32>, tensor<f32>) -> tensor<2x4x1xf32>
  %4 = nn.mul %3, %s : (tensor<2x4x1xf32>, tensor<f32>) -> tensor<2x4x1xf32>
  // CHECK: %[[ROUNDED:.*]] = nn.cast %[[SCALED]] : (tensor<2x4x1xf32>) -> tensor<2x4x1xbf16>
  // CHECK: nn.sub %{{.*}}, %[[ROUNDED]] : (tensor<2x4x8xbf16>, tensor<2x4x1xbf16>) -> tensor<2x4x8xbf16>
  %5 = nn.sub %1, %4 : (tensor<2x4x8xf32>, tensor<2x4x1xf32>) -> tensor<2x4x8xf32>
  // CHECK: arith.extf {{.*}} : tensor<2x4x8xbf16> to tensor<2x4x8xf64>
  %6 = arith.extf %5 : tensor<2x4x8xf32> to tensor<2x4x8xf64>
  // CHECK: %[[BACK:.*]] = arith.truncf {{.*}} : tensor<2x4x8xf64> to tensor<2x4x8xf32>
  %7 = arith.truncf %6 : tensor<2x4x8xf64> to tensor<2x4x8xf32>
  // CHECK-NOT: arith.truncf
  // CHECK: nn.cast %[[BACK]]
  // CHECK: arith.cmpf ogt, {{.*}} : tensor<2x4x8xbf16>
  %8 = arith.truncf %5 : tensor<2x4x8xf32> to tensor<2x4x8xbf16>
  %9 = arith.extf %8 : tensor<2x4x8xbf16> to tensor<2x4x8xf32>
  %10 = arith.cmpf ogt, %7, %5 : tensor<2x4x8xf32>
  // CHECK: arith.select {{.*}} : tensor<2x4x8xi1>, tensor<2x4x8xbf16>
  %11 = arith.select %10, %9, %5 : tensor<2x4x8xi1>, tensor<2x4x8xf32>
  // CHECK: nn.linear
  // CHECK-SAME: tensor<2x4x8xbf16>
  %w = nn.reshape %b : (tensor<8xf32>) -> tensor<8x1xf32>
  %12 = nn.linear %11, %w : (tensor<2x4x8xf32>, tensor<8x1xf32>) -> tensor<2x4x1xf32>
  %13 = nn.add %x, %12 : (tensor<2x4x8xf32>, tensor<2x4x1xf32>) -> tensor<2x4x8xf32>
  pp.yield %13 : tensor<2x4x8xf32>
}

// No op makes f16 of bf16.
// CHECK-LABEL: pp.layer @half
pp.layer @half(%x: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  // CHECK: %[[WIDE:.*]] = nn.cast %{{.*}} : (tensor<2x4x8xbf16>) -> tensor<2x4x8xf32>
  // CHECK: %[[HALF:.*]] = arith.truncf %[[WIDE]] : tensor<2x4x8xf32> to tensor<2x4x8xf16>
  %h = arith.truncf %x : tensor<2x4x8xf32> to tensor<2x4x8xf16>
  // CHECK: arith.extf %[[HALF]] : tensor<2x4x8xf16> to tensor<2x4x8xf32>
  %y = arith.extf %h : tensor<2x4x8xf16> to tensor<2x4x8xf32>
  pp.yield %y : tensor<2x4x8xf32>
}

// The loss and statistics are f32.
// CHECK-LABEL: pp.layer @head(%{{.*}}: tensor<2x4x8xbf16>, %{{.*}}: tensor<2x4xi32>) params(%{{.*}}: tensor<16x8xbf16>) -> tensor<f32>
pp.layer @head(%x: tensor<2x4x8xf32>, %t: tensor<2x4xi32>) params(%w: tensor<16x8xf32>) -> tensor<f32> {
  %y = nn.linear %x, %w {transposed} : (tensor<2x4x8xf32>, tensor<16x8xf32>) -> tensor<2x4x16xf32>
  // CHECK: %[[LOSS:.*]], %[[LSE:.*]] = nn.cross_entropy {{.*}} -> (tensor<f32>, tensor<2x4xf32>)
  %loss, %lse = nn.cross_entropy %y, %t : (tensor<2x4x16xf32>, tensor<2x4xi32>) -> (tensor<f32>, tensor<2x4xf32>)
  // CHECK: arith.mulf %[[LSE]], %[[LSE]] : tensor<2x4xf32>
  %s = arith.mulf %lse, %lse : tensor<2x4xf32>
  %m = nn.reduce_mean %s axes = [0, 1] : (tensor<2x4xf32>) -> tensor<f32>
  // CHECK: %[[TOTAL:.*]] = arith.addf {{.*}} : tensor<f32>
  // CHECK: pp.yield %[[TOTAL]] : tensor<f32>
  %total = arith.addf %loss, %m : tensor<f32>
  pp.yield %total : tensor<f32>
}

// A parameter is read as bf16 and its gradient is f32, without a conversion on
// the way into the accumulator where the op can add to it.
// PLAN: func.func private @head.backward_weight({{.*}}, %[[ACC:[a-z0-9]+]]: tensor<16x8xf32>, %{{.*}}: tensor<2x4x16xbf16>) -> (tensor<16x8xf32>
// PLAN: nn.matmul {{.*}} init(%[[ACC]]) {transpose_a} : (tensor<8x16xbf16>, tensor<8x8xbf16>, tensor<16x8xf32>) -> tensor<16x8xf32>
// PLAN: pp.parameter @table : tensor<16x8xbf16>
// PLAN: pp.parameter @scale : tensor<f32>

// CHECK-LABEL: pp.model @m
// CHECK-SAME: -> tensor<f32>
// CHECK: pp.param "table" : tensor<16x8xbf16>
// CHECK: pp.param "scale" : tensor<f32>
// CHECK: pp.apply @mixed({{.*}}) params({{.*}}) : (tensor<2x4x8xbf16>) params(tensor<8xbf16>, tensor<f32>) -> tensor<2x4x8xbf16>
pp.model @m(%tokens: tensor<2x4xi32>, %targets: tensor<2x4xi32>) -> tensor<f32> {
  %w = pp.param "table" : tensor<16x8xf32> init(#nn.normal<std = 0.02>)
  %b = pp.param "bias" : tensor<8xf32> init(#nn.zeros)
  %s = pp.param "scale" : tensor<f32> init(#nn.ones)
  %x = pp.apply @embed(%tokens) params(%w) : (tensor<2x4xi32>) params(tensor<16x8xf32>) -> tensor<2x4x8xf32>
  %y = pp.apply @mixed(%x) params(%b, %s) : (tensor<2x4x8xf32>) params(tensor<8xf32>, tensor<f32>) -> tensor<2x4x8xf32>
  %loss = pp.apply @head(%y, %targets) params(%w) : (tensor<2x4x8xf32>, tensor<2x4xi32>) params(tensor<16x8xf32>) -> tensor<f32>
  pp.return %loss : tensor<f32>
}
