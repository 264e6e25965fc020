// RUN: pp-opt %s -pp-shard="tensors=2 sequence=off" -pp-partition-shards=tensors=2 -comm-verify-distribution | FileCheck %s

// Queries, keys and values of one product, which the next layer takes apart: the
// product alone would be cut in one block. A pin says in which blocks it is.
// CHECK: pp.layer @project(
// CHECK-SAME: tensor<16x24xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1, 3)}>}
// CHECK-SAME: -> (tensor<4x8x24xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2, 3)}>})
// CHECK-NOT: comm.all_gather
// CHECK: pp.layer @attend(%{{.*}}: tensor<4x8x24xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2, 3)}>}
// CHECK-NEXT: nn.split %{{.*}} sizes = [8, 8, 8]
// CHECK-NOT: comm.all_gather
// CHECK: pp.layer @loss(
pp.layer @embed(%ids: tensor<4x8xi32>) params(%t: tensor<16x16xf32>) -> tensor<4x8x16xf32> {
  %y = nn.embedding %ids, %t : (tensor<4x8xi32>, tensor<16x16xf32>) -> tensor<4x8x16xf32>
  pp.yield %y : tensor<4x8x16xf32>
}
pp.layer @project(%x: tensor<4x8x16xf32>) params(%w: tensor<16x48xf32>) -> tensor<4x8x48xf32> {
  %y = nn.linear %x, %w : (tensor<4x8x16xf32>, tensor<16x48xf32>) -> tensor<4x8x48xf32>
  pp.yield %y : tensor<4x8x48xf32>
}
pp.layer @attend(%x: tensor<4x8x48xf32>) params(%w: tensor<16x16xf32>) -> tensor<4x8x16xf32> {
  %q0, %k0, %v0 = nn.split %x sizes = [16, 16, 16] {axis = 2 : i64} : (tensor<4x8x48xf32>) -> (tensor<4x8x16xf32>, tensor<4x8x16xf32>, tensor<4x8x16xf32>)
  %q = nn.reshape %q0 : (tensor<4x8x16xf32>) -> tensor<4x8x4x4xf32>
  %k = nn.reshape %k0 : (tensor<4x8x16xf32>) -> tensor<4x8x4x4xf32>
  %v = nn.reshape %v0 : (tensor<4x8x16xf32>) -> tensor<4x8x4x4xf32>
  %a, %lse = nn.attention %q, %k, %v {causal} : (tensor<4x8x4x4xf32>, tensor<4x8x4x4xf32>, tensor<4x8x4x4xf32>) -> (tensor<4x8x4x4xf32>, tensor<4x4x8xf32>)
  %m = nn.reshape %a : (tensor<4x8x4x4xf32>) -> tensor<4x8x16xf32>
  %y = nn.linear %m, %w : (tensor<4x8x16xf32>, tensor<16x16xf32>) -> tensor<4x8x16xf32>
  pp.yield %y : tensor<4x8x16xf32>
}
pp.layer @loss(%x: tensor<4x8x16xf32>) -> tensor<f32> {
  %l = nn.reduce_sum %x axes = [0, 1, 2] : (tensor<4x8x16xf32>) -> tensor<f32>
  pp.yield %l : tensor<f32>
}
pp.model @m(%ids: tensor<4x8xi32>) -> tensor<f32> {
  %t = pp.param "t" : tensor<16x16xf32> init(#nn.ones)
  %w = pp.param "w" : tensor<16x48xf32> init(#nn.ones)
  %o = pp.param "o" : tensor<16x16xf32> init(#nn.ones)
  %x = pp.apply @embed(%ids) params(%t) : (tensor<4x8xi32>) params(tensor<16x16xf32>) -> tensor<4x8x16xf32>
  // CHECK: pp.apply @project({{.*}}) params({{.*}}) sharding(#pp.sharding<[{}, {}, {"tensor"} blocks(3)]>) : (tensor<4x8x16xf32>) params(tensor<16x48xf32>) -> tensor<4x8x24xf32>
  %p = pp.apply @project(%x) params(%w) sharding(#pp.sharding<[{}, {}, {"tensor"} blocks(3)]>) : (tensor<4x8x16xf32>) params(tensor<16x48xf32>) -> tensor<4x8x48xf32>
  %y = pp.apply @attend(%p) params(%o) : (tensor<4x8x48xf32>) params(tensor<16x16xf32>) -> tensor<4x8x16xf32>
  %l = pp.apply @loss(%y) : (tensor<4x8x16xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}
