// RUN: pp-opt %s --comm-verify-distribution --pp-differentiate --comm-verify-distribution --pp-split-backward --comm-verify-distribution | FileCheck %s

// A model on two data-parallel and two tensor-parallel coordinates: the
// distributions of layers reach stage functions, forward and backward, whole
// and split, and each of these is proven. A loss of each coordinate's own is
// seeded with 1 on each; parameters with a sharding have the type of a part.

// CHECK: func.func private @one() -> (tensor<f32> {comm.distribution = #comm.distribution<{"data" = constant}>})
// CHECK: pp.input @tokens : tensor<2x4xi32> distribution(#comm.distribution<{"data" = varying(0)}>)
// CHECK: func.func private @stage0.forward(
// CHECK-SAME: tensor<2x4xi32> {comm.distribution = #comm.distribution<{"data" = varying(0)}>, pp.data = "tokens"}
// CHECK-SAME: tensor<8x8xf32> {comm.distribution = #comm.distribution<{"data" = replicated, "tensor" = varying(1)}>, pp.param = "w1"}
// CHECK-SAME: -> (tensor<2x4x8xf32> {comm.distribution = #comm.distribution<{"data" = varying(0)}>, pp.value = "x0"}
// CHECK-SAME: tensor<2x4x8xf32> {comm.distribution = #comm.distribution<{"data" = varying(0), "tensor" = replicated}>, pp.value = "x1.residual0"}
// CHECK: func.func private @stage0.backward_weight(
// CHECK-SAME: tensor<2x4x8xf32> {comm.distribution = #comm.distribution<{"data" = varying(0)}>, pp.value = "x1.grad.stage1"}
// CHECK-SAME: tensor<8xf32> {comm.distribution = #comm.distribution<{"data" = partial}>, pp.grad = "g", pp.use = 0 : i64}
// CHECK-SAME: tensor<8x8xf32> {comm.distribution = #comm.distribution<{"data" = partial, "tensor" = varying(1)}>, pp.grad = "w1", pp.use = 0 : i64}
// CHECK-SAME: -> (tensor<8xf32> {comm.distribution = #comm.distribution<{"data" = partial}>, pp.accumulates = 8 : i64}
// CHECK: func.func private @stage1.backward_input(
// CHECK-SAME: -> (tensor<2x4x8xf32> {comm.distribution = #comm.distribution<{"data" = varying(0)}>, pp.value = "x1.grad.stage1"}, tensor<2x4x8xf32> {comm.distribution = #comm.distribution<{"data" = varying(0)}>, pp.value = "stage1.handed0"})

pp.mesh @mesh <["pipe" = 2, "data" = 2, "tensor" = 2]>

#rows = #comm.distribution<{"data" = varying(0)}>
#all = #comm.distribution<{"data" = replicated}>
#own = #comm.distribution<{"data" = varying}>
#columns = #comm.distribution<{"data" = replicated, "tensor" = varying(1)}>
#inner = #comm.distribution<{"data" = replicated, "tensor" = varying(0)}>

pp.layer @embed(%ids: tensor<2x4xi32> {comm.distribution = #rows})
    params(%w: tensor<8x8xf32> {comm.distribution = #all})
    -> (tensor<2x4x8xf32> {comm.distribution = #rows}) {
  %x = nn.embedding %ids, %w : (tensor<2x4xi32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  pp.yield %x : tensor<2x4x8xf32>
}

// Megatron's MLP: column, row, and the residual.
pp.layer @mlp(%x: tensor<2x4x8xf32> {comm.distribution = #rows})
    params(%g: tensor<8xf32> {comm.distribution = #all},
           %w1: tensor<8x8xf32> {comm.distribution = #columns},
           %b1: tensor<8xf32> {comm.distribution = #inner},
           %w2: tensor<8x8xf32> {comm.distribution = #inner},
           %b2: tensor<8xf32> {comm.distribution = #all})
    -> (tensor<2x4x8xf32> {comm.distribution = #rows}) {
  %n = nn.rms_norm %x, %g : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %r = comm.vary %n over ["tensor"] : tensor<2x4x8xf32>
  %h = nn.linear %r, %w1, %b1 : (tensor<2x4x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %a = nn.gelu %h : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %p = nn.linear %a, %w2 : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %s = comm.all_reduce sum %p over ["tensor"] : tensor<2x4x8xf32>
  %b = nn.add %s, %b2 : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %y = nn.add %x, %b : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  pp.yield %y : tensor<2x4x8xf32>
}

// The table of the embedding is used again.
pp.layer @head(%x: tensor<2x4x8xf32> {comm.distribution = #rows},
               %t: tensor<2x4xi32> {comm.distribution = #rows})
    params(%w: tensor<8x8xf32> {comm.distribution = #all})
    -> (tensor<f32> {comm.distribution = #own}) {
  %l = nn.linear %x, %w {transposed} : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %loss, %s = nn.cross_entropy %l, %t : (tensor<2x4x8xf32>, tensor<2x4xi32>) -> (tensor<f32>, tensor<2x4xf32>)
  pp.yield %loss : tensor<f32>
}

pp.model @m(%tokens: tensor<2x4xi32> {comm.distribution = #rows},
            %targets: tensor<2x4xi32> {comm.distribution = #rows})
    -> (tensor<f32> {comm.distribution = #own}) {
  %w = pp.param "w" : tensor<8x8xf32> init(#nn.zeros)
  %g = pp.param "g" : tensor<8xf32> init(#nn.ones)
  %w1 = pp.param "w1" : tensor<8x16xf32> sharding(#pp.sharding<[{}, {"tensor"}]>) init(#nn.zeros)
  %b1 = pp.param "b1" : tensor<16xf32> sharding(#pp.sharding<[{"tensor"}]>) init(#nn.zeros)
  %w2 = pp.param "w2" : tensor<16x8xf32> sharding(#pp.sharding<[{"tensor"}, {}]>) init(#nn.zeros)
  %b2 = pp.param "b2" : tensor<8xf32> init(#nn.zeros)
  %x0 = pp.apply @embed(%tokens) params(%w) {stage = 0 : i64} : (tensor<2x4xi32>) params(tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %x1 = pp.apply @mlp(%x0) params(%g, %w1, %b1, %w2, %b2) {stage = 0 : i64} : (tensor<2x4x8xf32>) params(tensor<8xf32>, tensor<8x16xf32>, tensor<16xf32>, tensor<16x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %loss = pp.apply @head(%x1, %targets) params(%w) {stage = 1 : i64} : (tensor<2x4x8xf32>, tensor<2x4xi32>) params(tensor<8x8xf32>) -> tensor<f32>
  pp.return %loss : tensor<f32>
}
