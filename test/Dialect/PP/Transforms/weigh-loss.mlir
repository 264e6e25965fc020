// RUN: pp-opt %s --split-input-file --pp-weigh-loss | FileCheck %s

// No id of data is negative: nothing is added.

// CHECK-LABEL: pp.layer @never
// CHECK: -> tensor<f32> {
// CHECK: pp.yield %{{.*}} : tensor<f32>
pp.layer @never(%x: tensor<2x3x8xf32>, %t: tensor<2x3xi32>) -> tensor<f32> {
  %u = nn.reshape %t : (tensor<2x3xi32>) -> tensor<6xi32>
  %y = nn.reshape %x : (tensor<2x3x8xf32>) -> tensor<6x8xf32>
  %l, %lse = nn.cross_entropy %y, %u : (tensor<6x8xf32>, tensor<6xi32>) -> (tensor<f32>, tensor<6xf32>)
  pp.yield %l : tensor<f32>
}
// CHECK: pp.model @m({{.*}}) -> tensor<f32>
pp.model @m(%t: tensor<2x3xi32> {pp.data = "targets"}) -> tensor<f32> {
  %x = pp.param "x" : tensor<2x3x8xf32> init(#nn.zeros)
  %l = pp.apply @never(%x, %t) : (tensor<2x3x8xf32>, tensor<2x3xi32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}

// -----

// A class that is ignored may be in the data. An attribute of the other result
// and a pin stay where they are.

// CHECK-LABEL: pp.layer @class
// CHECK: -> (tensor<f32> {{.*}}, tensor<f32>)
// CHECK: %[[L:.*]], %{{.*}} = nn.cross_entropy %{{.*}}, %[[T:.*]] {ignore_index = 0 : i64}
// CHECK: %[[I:.*]] = arith.constant dense<0> : tensor<2x3xi32>
// CHECK: %[[C:.*]] = arith.cmpi ne, %[[T]], %[[I]] : tensor<2x3xi32>
// CHECK: %[[F:.*]] = arith.uitofp %[[C]] : tensor<2x3xi1> to tensor<2x3xf32>
// CHECK: %[[S:.*]] = nn.reduce_sum %[[F]] axes = [0, 1] : (tensor<2x3xf32>) -> tensor<f32>
// CHECK: %[[N:.*]] = arith.constant dense<6.000000e+00> : tensor<f32>
// CHECK: %[[W:.*]] = arith.divf %[[S]], %[[N]] : tensor<f32>
// CHECK: pp.yield %[[L]], %[[W]] : tensor<f32>, tensor<f32>
pp.layer @class(%x: tensor<2x3x8xf32>, %t: tensor<2x3xi32>) -> (tensor<f32> {comm.distribution = #comm.distribution<{}>}) {
  %l, %lse = nn.cross_entropy %x, %t {ignore_index = 0} : (tensor<2x3x8xf32>, tensor<2x3xi32>) -> (tensor<f32>, tensor<2x3xf32>)
  pp.yield %l : tensor<f32>
}
// CHECK: pp.model @m({{.*}}) -> (tensor<f32>, tensor<f32>)
// CHECK: %[[R:.*]]:2 = pp.apply @class(%{{.*}}, %{{.*}}) sharding(#pp.sharding<[]>, any) {stage = 3 : i64}
// CHECK: pp.return %[[R]]#0, %[[R]]#1 : tensor<f32>, tensor<f32>
pp.model @m(%t: tensor<2x3xi32> {pp.data = "targets"}) -> tensor<f32> {
  %x = pp.param "x" : tensor<2x3x8xf32> init(#nn.zeros)
  %l = pp.apply @class(%x, %t) sharding(#pp.sharding<[]>) {stage = 3 : i64} : (tensor<2x3x8xf32>, tensor<2x3xi32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}

// -----

// Targets that a layer computes, of several losses: their counts together.

pp.layer @mask(%t: tensor<3xi32>) -> tensor<3xi32> {
  %c = arith.constant dense<1> : tensor<3xi32>
  %u = arith.subi %t, %c : tensor<3xi32>
  pp.yield %u : tensor<3xi32>
}
// CHECK-LABEL: pp.layer @head
// CHECK: arith.constant dense<-100> : tensor<3xi32>
// CHECK: %[[A:.*]] = nn.reduce_sum
// CHECK: arith.constant dense<-1> : tensor<3xi32>
// CHECK: %[[B:.*]] = nn.reduce_sum
// CHECK: %[[AB:.*]] = arith.addf %[[A]], %[[B]]
// CHECK: pp.yield %{{.*}}, %[[AB]] : tensor<f32>, tensor<f32>
pp.layer @head(%x: tensor<3x8xf32>, %t: tensor<3xi32>, %u: tensor<3xi32>) -> tensor<f32> {
  %l, %lse = nn.cross_entropy %x, %t : (tensor<3x8xf32>, tensor<3xi32>) -> (tensor<f32>, tensor<3xf32>)
  %m, %lsm = nn.cross_entropy %x, %u {ignore_index = -1} : (tensor<3x8xf32>, tensor<3xi32>) -> (tensor<f32>, tensor<3xf32>)
  %s = arith.addf %l, %m : tensor<f32>
  pp.yield %s : tensor<f32>
}
pp.layer @loss_weight(%a: tensor<f32>, %b: tensor<f32>) -> tensor<f32> {
  %s = arith.addf %a, %b : tensor<f32>
  pp.yield %s : tensor<f32>
}
// The name is taken.
// CHECK: pp.layer @loss_weight.0(%[[P:.*]]: tensor<f32>, %[[Q:.*]]: tensor<f32>) -> tensor<f32>
// CHECK: %[[S:.*]] = arith.addf %[[P]], %[[Q]]
// CHECK: arith.constant dense<1.200000e+01> : tensor<f32>
// CHECK: arith.divf %[[S]]
// CHECK: pp.model @m
// CHECK: %[[X:.*]]:2 = pp.apply @head
// CHECK: %[[Y:.*]]:2 = pp.apply @head
// CHECK: %[[L:.*]] = pp.apply @loss_weight(%[[X]]#0, %[[Y]]#0)
// CHECK: %[[W:.*]] = pp.apply @loss_weight.0(%[[X]]#1, %[[Y]]#1)
// CHECK: pp.return %[[L]], %[[W]]
pp.model @m(%t: tensor<3xi32> {pp.data = "targets"}) -> tensor<f32> {
  %x = pp.param "x" : tensor<3x8xf32> init(#nn.zeros)
  %u = pp.apply @mask(%t) : (tensor<3xi32>) -> tensor<3xi32>
  %l = pp.apply @head(%x, %t, %u) : (tensor<3x8xf32>, tensor<3xi32>, tensor<3xi32>) -> tensor<f32>
  %m = pp.apply @head(%x, %u, %t) : (tensor<3x8xf32>, tensor<3xi32>, tensor<3xi32>) -> tensor<f32>
  %s = pp.apply @loss_weight(%l, %m) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  pp.return %s : tensor<f32>
}

// -----

// At the ends of documents targets are ignored, whatever their number is.

// CHECK-LABEL: pp.layer @packed
// CHECK: arith.constant dense<-100> : tensor<3xi32>
// CHECK: pp.model @m({{.*}}) -> (tensor<f32>, tensor<f32>)
pp.layer @packed(%x: tensor<3x8xf32>, %t: tensor<3xi32>) -> tensor<f32> {
  %l, %lse = nn.cross_entropy %x, %t : (tensor<3x8xf32>, tensor<3xi32>) -> (tensor<f32>, tensor<3xf32>)
  pp.yield %l : tensor<f32>
}
pp.model @m(%t: tensor<3xi32> {pp.data = "targets"}, %d: tensor<3xi32> {pp.data = "documents"}) -> tensor<f32> {
  %x = pp.param "x" : tensor<3x8xf32> init(#nn.zeros)
  %l = pp.apply @packed(%x, %t) : (tensor<3x8xf32>, tensor<3xi32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}

// -----

// A weight of the model's own stays.

// CHECK-LABEL: pp.layer @own
// CHECK-NOT: arith.cmpi
// CHECK: pp.model
pp.layer @own(%x: tensor<3x8xf32>, %t: tensor<3xi32>) -> (tensor<f32>, tensor<f32>) {
  %l, %lse = nn.cross_entropy %x, %t {ignore_index = 1} : (tensor<3x8xf32>, tensor<3xi32>) -> (tensor<f32>, tensor<3xf32>)
  %w = arith.constant dense<2.0> : tensor<f32>
  pp.yield %l, %w : tensor<f32>, tensor<f32>
}
pp.model @m(%t: tensor<3xi32> {pp.data = "targets"}) -> (tensor<f32>, tensor<f32>) {
  %x = pp.param "x" : tensor<3x8xf32> init(#nn.zeros)
  %l, %w = pp.apply @own(%x, %t) : (tensor<3x8xf32>, tensor<3xi32>) -> (tensor<f32>, tensor<f32>)
  pp.return %l, %w : tensor<f32>, tensor<f32>
}

// -----

// Coordinates that have parts of the targets count them together.

pp.mesh @mesh <["tensor" = 2]>
// CHECK-LABEL: pp.layer @parts
// CHECK: %[[S:.*]] = nn.reduce_sum
// CHECK: %[[A:.*]] = comm.all_reduce sum %[[S]] over ["tensor"] : tensor<f32>
// CHECK: arith.constant dense<1.200000e+01> : tensor<f32>
// CHECK: arith.divf %[[A]]
pp.layer @parts(%x: tensor<2x3x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %t: tensor<2x6xi32>) -> tensor<f32> {
  %i = comm.slice %t over ["tensor"] dim(1) : tensor<2x6xi32> -> tensor<2x3xi32>
  %l, %lse = nn.cross_entropy %x, %i {ignore_index = 1} : (tensor<2x3x8xf32>, tensor<2x3xi32>) -> (tensor<f32>, tensor<2x3xf32>)
  pp.yield %l : tensor<f32>
}
pp.model @m(%t: tensor<2x6xi32> {pp.data = "targets"}) -> tensor<f32> {
  %x = pp.param "x" : tensor<2x3x8xf32> init(#nn.zeros)
  %l = pp.apply @parts(%x, %t) : (tensor<2x3x8xf32>, tensor<2x6xi32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}
