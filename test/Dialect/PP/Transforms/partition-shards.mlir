// RUN: pp-opt %s -pp-partition-shards=tensors=2 -comm-verify-distribution | FileCheck %s
// RUN: pp-opt %s -pp-partition-shards="tensors=2 order=tensor,data,pipe" | FileCheck %s --check-prefix=ORDER
// RUN: pp-opt %s -pp-partition-shards=tensors=1 | FileCheck %s --check-prefix=NONE

// CHECK: pp.mesh @mesh <["pipe" = 1, "data" = 1, "tensor" = 2]>
// ORDER: pp.mesh @mesh <["tensor" = 2, "data" = 1, "pipe" = 1]>
// NONE-NOT: pp.mesh
#R = #comm.distribution<{"tensor" = replicated}>
#V0 = #comm.distribution<{"tensor" = varying(0)}>
#V1 = #comm.distribution<{"tensor" = varying(1)}>
#P = #comm.distribution<{"tensor" = partial}>

// One step for the two products that take it; a bias behind the sum, which is
// part of its product again where that has one coordinate's rows.
// CHECK: pp.layer @shared(%[[X:.*]]: tensor<4x8xf32>) params(%[[A:.*]]: tensor<8x4xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %[[B:.*]]: tensor<4xf32>
// CHECK-NEXT: %[[V:.*]] = comm.vary %[[X]]
// CHECK-NEXT: %[[H:.*]] = nn.linear %[[V]], %[[A]], %[[B]] :
// CHECK-NEXT: %[[G:.*]] = nn.linear %[[V]], %[[A]] :
// CHECK-NEXT: %[[M:.*]] = nn.mul %[[H]], %[[G]] : (tensor<4x4xf32>, tensor<4x4xf32>)
// CHECK-NEXT: %[[Y:.*]] = comm.all_gather %[[M]] over ["tensor"] dim(1) invariant
// CHECK-NEXT: pp.yield %[[Y]]
pp.layer @shared(%x: tensor<4x8xf32>) params(%a: tensor<8x8xf32> {pp.shard = #V1}, %b: tensor<8xf32> {pp.shard = #V0}) -> tensor<4x8xf32> {
  %p = nn.linear %x, %a {pp.takes = [#R, #V1]} : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %h = nn.add %p, %b {pp.bias, pp.takes = [#V1, #V0]} : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  %g = nn.linear %x, %a {pp.takes = [#R, #V1]} : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %m = nn.mul %h, %g {pp.takes = [#V1, #V1]} : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  pp.yield %m : tensor<4x8xf32>
}

// Parts along one dimension, then the other; a constant has a smaller one; a sum
// in parts that is replicated is invariant first.
// CHECK: pp.layer @steps
// CHECK: %[[X1:.*]] = comm.slice %{{.*}} over ["tensor"] dim(0) : tensor<4x8xf32> -> tensor<2x8xf32>
// CHECK: %[[C:.*]] = arith.constant dense<2.000000e+00> : tensor<2x8xf32>
// CHECK: %[[M:.*]] = arith.mulf %[[X1]], %[[C]] : tensor<2x8xf32>
// CHECK: %[[T:.*]] = comm.all_to_all %[[M]] over ["tensor"] split(1) concat(0) : tensor<2x8xf32> -> tensor<4x4xf32>
// CHECK: %[[S:.*]] = nn.softmax %[[T]] {axis = 0 : i64} : (tensor<4x4xf32>) -> tensor<4x4xf32>
// CHECK: %[[L:.*]] = nn.reduce_sum %[[S]] axes = [1] : (tensor<4x4xf32>) -> tensor<4xf32>
// CHECK: %[[A:.*]] = comm.all_reduce sum %[[L]] over ["tensor"] : tensor<4xf32>
// CHECK: %[[R:.*]] = comm.vary %[[A]]
// CHECK: %[[K:.*]] = comm.slice %[[A]]
// CHECK-NOT: pp.takes
pp.layer @steps(%x: tensor<4x8xf32>) -> tensor<f32> {
  %c = arith.constant dense<2.0> : tensor<4x8xf32>
  %m = arith.mulf %x, %c {pp.takes = [#V0, #V0]} : tensor<4x8xf32>
  %s = nn.softmax %m {axis = 0 : i64, pp.takes = [#V1]} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %l = nn.reduce_sum %s axes = [1] {pp.takes = [#V1]} : (tensor<4x8xf32>) -> tensor<4xf32>
  %r = arith.negf %l {pp.takes = [#R]} : tensor<4xf32>
  %k = arith.negf %l {pp.takes = [#V0]} : tensor<4xf32>
  %q = nn.reduce_sum %r axes = [0] {pp.takes = [#R]} : (tensor<4xf32>) -> tensor<f32>
  %o = nn.mul %k, %q {pp.takes = [#V0, #R]} : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %t = nn.reduce_sum %o axes = [0] {pp.takes = [#V0]} : (tensor<4xf32>) -> tensor<f32>
  pp.yield %t : tensor<f32>
}
// Of equal pieces each coordinate has a part of each.
// CHECK: pp.layer @pieces
// CHECK: nn.slice %{{.*}} offsets = [0, 4] sizes = [4, 4] : (tensor<4x8xf32>) -> tensor<4x4xf32>
// CHECK: nn.pad %{{.*}} low = [0, 4] high = [0, 8] : (tensor<4x4xf32>) -> tensor<4x16xf32>
#B2 = #comm.distribution<{"tensor" = varying(1, 2)}>
#B4 = #comm.distribution<{"tensor" = varying(1, 4)}>
pp.layer @pieces() params(%x: tensor<4x16xf32> {pp.shard = #B2}) -> tensor<f32> {
  %y = nn.slice %x offsets = [0, 8] sizes = [4, 8] {pp.takes = [#B2]} : (tensor<4x16xf32>) -> tensor<4x8xf32>
  %z = nn.pad %y low = [0, 8] high = [0, 16] {pp.takes = [#V1]} : (tensor<4x8xf32>) -> tensor<4x32xf32>
  %s = nn.reduce_sum %z axes = [0, 1] {pp.takes = [#B4]} : (tensor<4x32xf32>) -> tensor<f32>
  pp.yield %s : tensor<f32>
}
// Where parts are of size 1 the view says which dimension is cut: columns, not
// the blocks before them.
// CHECK: pp.layer @view
// CHECK: nn.reshape %{{.*}} {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>} : (tensor<4x3xf32>) -> tensor<4x3x1xf32>
#B3 = #comm.distribution<{"tensor" = varying(1, 3)}>
#V2 = #comm.distribution<{"tensor" = varying(2)}>
pp.layer @view() params(%x: tensor<4x6xf32> {pp.shard = #B3}) -> tensor<f32> {
  %y = nn.reshape %x {pp.takes = [#B3]} : (tensor<4x6xf32>) -> tensor<4x3x2xf32>
  %s = nn.reduce_sum %y axes = [0, 1, 2] {pp.takes = [#V2]} : (tensor<4x3x2xf32>) -> tensor<f32>
  pp.yield %s : tensor<f32>
}
// Nothing applies it: it stays as it is.
// CHECK: pp.layer @unused(%{{.*}}: tensor<4x8xf32>)
pp.layer @unused(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %y = nn.relu %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  pp.yield %y : tensor<4x8xf32>
}
pp.model @m(%x: tensor<4x8xf32> {pp.data = "x"}) -> tensor<f32> {
  %a = pp.param "a" : tensor<8x8xf32> sharding(#pp.sharding<[{}, {"tensor"}]>) init(#nn.ones)
  %b = pp.param "b" : tensor<8xf32> sharding(#pp.sharding<[{"tensor"}]>) init(#nn.ones)
  %y = pp.apply @shared(%x) params(%a, %b) : (tensor<4x8xf32>) params(tensor<8x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  %l = pp.apply @steps(%y) : (tensor<4x8xf32>) -> tensor<f32>
  %c = pp.param "c" : tensor<4x16xf32> sharding(#pp.sharding<[{}, {"tensor"} blocks(2)]>) init(#nn.ones)
  %p = pp.apply @pieces() params(%c) : () params(tensor<4x16xf32>) -> tensor<f32>
  %d = pp.param "d" : tensor<4x6xf32> sharding(#pp.sharding<[{}, {"tensor"} blocks(3)]>) init(#nn.ones)
  %v = pp.apply @view() params(%d) : () params(tensor<4x6xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}
