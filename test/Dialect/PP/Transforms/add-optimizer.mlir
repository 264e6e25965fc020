// RUN: pp-opt %s -split-input-file -pp-add-optimizer | FileCheck %s
// RUN: pp-opt %s -split-input-file -pp-add-optimizer=optimizers=sgd | FileCheck %s --check-prefix=SGD

// Two matrices of as many elements share their functions, whatever their shape;
// a vector of as many has its own update, without decay. One model name is taken.
// CHECK: pp.parameter @a
// CHECK: pp.parameter @c
// CHECK-NEXT: pp.optimizer "adamw" states ["m", "v"]
// CHECK-NEXT: pp.optimizer "sgd" states []
// CHECK-NEXT: pp.optimizer "lion" states ["m"]
// CHECK-NEXT: pp.state @a.m_0 "m" of @a : tensor<4x8xf32> init(#nn.zeros)
// CHECK-NEXT: pp.state @a.v "v" of @a : tensor<4x8xf32> init(#nn.zeros)
// CHECK-NEXT: pp.state @b.m "m" of @b
// CHECK-NEXT: pp.state @b.v "v" of @b
// CHECK-NEXT: pp.state @c.m "m" of @c : tensor<32xf32>
// CHECK-NEXT: pp.state @c.v "v" of @c

// CHECK: func.func private @sum_of_squares.f32_32(%{{.*}}: tensor<32xf32>) -> tensor<f64>
// CHECK-SAME: attributes {pp.layer_function, pp.role = "sum_of_squares"}
// CHECK: nn.sum_of_squares
// CHECK: func.func private @adamw.f32_32.decay(%[[P:.*]]: tensor<32xf32>, %[[G:.*]]: tensor<32xf32>, %[[M:.*]]: tensor<32xf32>, %[[V:.*]]: tensor<32xf32>, %[[S:.*]]: tensor<9xf32>)
// CHECK-SAME: -> (tensor<32xf32> {pp.accumulates = 0 : i64}, tensor<32xf32> {pp.accumulates = 2 : i64}, tensor<32xf32> {pp.accumulates = 3 : i64})
// CHECK-SAME: attributes {pp.decays, pp.layer_function, pp.role = "adamw"}
// CHECK: linalg.generic {{.*}} ins(%[[G]] : tensor<32xf32>) outs(%[[P]], %[[M]], %[[V]] :
// CHECK: math.sqrt
// CHECK: func.func private @sgd.f32_32.decay(
// CHECK: func.func private @lion.f32_32.decay(%{{.*}}: tensor<32xf32>, %{{.*}}: tensor<32xf32>, %{{.*}}: tensor<32xf32>, %{{.*}}: tensor<9xf32>)
// Only @b has two uses; the second is added to the first.
// CHECK: func.func private @add.f32_32(%[[A:.*]]: tensor<32xf32>, %[[B:.*]]: tensor<32xf32>) -> (tensor<32xf32> {pp.accumulates = 0 : i64})
// CHECK: linalg.generic {{.*}} ins(%[[B]] : tensor<32xf32>) outs(%[[A]] : tensor<32xf32>)
// CHECK: arith.addf
// CHECK: func.func private @adamw.f32_32(
// CHECK-NOT: pp.decays
// CHECK: func.func private @sgd.f32_32(
// Losses, norms, and whether an id was out of range.
// CHECK: func.func private @conclude(%{{.*}}: tensor<6xf64>, %{{.*}}: tensor<1xf64>) -> (tensor<2xf64>, tensor<2xf32>)
// CHECK-NOT: func.func

// SGD: pp.optimizer "sgd" states []
// SGD-NOT: pp.state
// SGD-NOT: adamw
// SGD: func.func private @sgd.f32_32.decay(

pp.parameter @a : tensor<4x8xf32> init(#nn.zeros)
pp.parameter @b : tensor<2x16xf32> init(#nn.zeros)
pp.parameter @c : tensor<32xf32> init(#nn.zeros)
func.func private @a.m()
func.func private @stage0.backward(%acc: tensor<2x16xf32> {pp.grad = "b", pp.use = 0 : i64}, %acc1: tensor<2x16xf32> {pp.grad = "b", pp.use = 1 : i64})
pp.schedule "1f1b" microbatches(2) placement [0] rows ["0F0,0F1,0B0,0B1"]

// -----

// A parameter of bf16 is the copy of its master, which any optimizer needs.
// CHECK: pp.state @w.master "master" of @w : tensor<8x8xf32>{{$}}
// CHECK-NEXT: pp.state @w.m "m" of @w : tensor<8x8xf32> init(#nn.zeros)
// CHECK: func.func private @adamw.bf16_64.decay(%[[P:.*]]: tensor<64xf32>, %{{.*}}: tensor<64xf32>, %[[M:.*]]: tensor<64xf32>, %[[V:.*]]: tensor<64xf32>, %{{.*}}: tensor<9xf32>)
// CHECK-SAME: tensor<64xbf16>)
// CHECK: %[[COPY:.*]] = tensor.empty() : tensor<64xbf16>
// CHECK: outs(%[[P]], %[[M]], %[[V]], %[[COPY]] :
// CHECK: arith.truncf %{{.*}} : f32 to bf16

// SGD: pp.state @w.master "master" of @w
// SGD-NOT: pp.state

pp.parameter @w : tensor<8x8xbf16> init(#nn.zeros)
pp.schedule "1f1b" microbatches(2) placement [0] rows ["0F0,0F1,0B0,0B1"]
