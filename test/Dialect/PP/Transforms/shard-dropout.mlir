// RUN: pp-opt %s --pp-shard="tensors=2 sequence=off" --pp-partition-shards=tensors=2 --comm-verify-distribution | FileCheck %s
// RUN: pp-opt %s --pp-shard="tensors=2 sequence=on" --pp-partition-shards=tensors=2 --comm-verify-distribution | FileCheck %s --check-prefix=SEQUENCE

// Between products a dropout is cut as they are; behind their sum, too, along
// positions if these may be cut, else along features. A part says which one it is, a whole op
// nothing.

// CHECK-LABEL: pp.layer @mlp
// CHECK: %[[R:.*]] = nn.relu
// CHECK-NEXT: nn.dropout %[[R]] over ["tensor"] dim(1) {p = 1.000000e-01 : f64, site = 0 : i64} : (tensor<64x64xf32>) -> tensor<64x64xf32>
// CHECK-NEXT: nn.linear
// CHECK-NEXT: %[[S:.*]] = comm.reduce_scatter sum
// CHECK-NEXT: nn.dropout %[[S]] over ["tensor"] dim(1) {p = 1.000000e-01 : f64, site = 1 : i64} : (tensor<64x16xf32>) -> tensor<64x16xf32>
// CHECK-NEXT: comm.all_gather {{.*}} invariant
// CHECK-LABEL: pp.layer @odd
// CHECK: nn.dropout %{{.*}} {p = 1.000000e-01 : f64, site = 0 : i64} : (tensor<5x3xf32>) -> tensor<5x3xf32>

// SEQUENCE-LABEL: pp.layer @mlp
// SEQUENCE: nn.dropout {{.*}} over ["tensor"] dim(1) {p = 1.000000e-01 : f64, site = 0 : i64} : (tensor<64x64xf32>) -> tensor<64x64xf32>
// SEQUENCE-NEXT: nn.linear
// SEQUENCE-NEXT: %[[S:.*]] = comm.reduce_scatter sum
// SEQUENCE-NEXT: nn.dropout %[[S]] over ["tensor"] dim(0) {p = 1.000000e-01 : f64, site = 1 : i64} : (tensor<32x32xf32>) -> tensor<32x32xf32>
// SEQUENCE-NEXT: pp.yield
pp.layer @mlp(%x: tensor<64x32xf32>) params(%a: tensor<32x128xf32>, %b: tensor<128x32xf32>) -> tensor<64x32xf32> {
  %h = nn.linear %x, %a : (tensor<64x32xf32>, tensor<32x128xf32>) -> tensor<64x128xf32>
  %r = nn.relu %h : (tensor<64x128xf32>) -> tensor<64x128xf32>
  %d = nn.dropout %r {p = 0.1, site = 0} : (tensor<64x128xf32>) -> tensor<64x128xf32>
  %s = nn.linear %d, %b : (tensor<64x128xf32>, tensor<128x32xf32>) -> tensor<64x32xf32>
  %y = nn.dropout %s {p = 0.1, site = 1} : (tensor<64x32xf32>) -> tensor<64x32xf32>
  pp.yield %y : tensor<64x32xf32>
}
pp.layer @odd(%w: tensor<5x3xf32>) -> tensor<5x3xf32> {
  %y = nn.dropout %w {p = 0.1, site = 0} : (tensor<5x3xf32>) -> tensor<5x3xf32>
  pp.yield %y : tensor<5x3xf32>
}
pp.layer @start(%x: tensor<64xf32>) params(%w: tensor<32xf32>) -> tensor<64x32xf32> {
  %c = nn.reshape %x : (tensor<64xf32>) -> tensor<64x1xf32>
  %y = nn.mul %c, %w : (tensor<64x1xf32>, tensor<32xf32>) -> tensor<64x32xf32>
  pp.yield %y : tensor<64x32xf32>
}
pp.layer @loss(%x: tensor<64x32xf32>, %o: tensor<5x3xf32>) -> tensor<f32> {
  %a = nn.reduce_sum %x axes = [0, 1] : (tensor<64x32xf32>) -> tensor<f32>
  %b = nn.reduce_sum %o axes = [0, 1] : (tensor<5x3xf32>) -> tensor<f32>
  %y = nn.add %a, %b : (tensor<f32>, tensor<f32>) -> tensor<f32>
  pp.yield %y : tensor<f32>
}
pp.model @m(%x: tensor<64xf32> {pp.data = "x"}, %e: tensor<5x3xf32> {pp.data = "e"}) -> tensor<f32> {
  %w = pp.param "w" : tensor<32xf32> init(#nn.ones)
  %a = pp.param "a" : tensor<32x128xf32> init(#nn.ones)
  %b = pp.param "b" : tensor<128x32xf32> init(#nn.ones)
  %s = pp.apply @start(%x) params(%w) : (tensor<64xf32>) params(tensor<32xf32>) -> tensor<64x32xf32>
  %y = pp.apply @mlp(%s) params(%a, %b) : (tensor<64x32xf32>) params(tensor<32x128xf32>, tensor<128x32xf32>) -> tensor<64x32xf32>
  %o = pp.apply @odd(%e) : (tensor<5x3xf32>) -> tensor<5x3xf32>
  %l = pp.apply @loss(%y, %o) : (tensor<64x32xf32>, tensor<5x3xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}
