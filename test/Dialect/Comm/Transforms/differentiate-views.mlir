// RUN: pp-opt %s --nn-differentiate | FileCheck %s
// RUN: pp-opt %s --nn-differentiate --comm-verify-distribution -o /dev/null

// Of a view the types of one coordinate do not always tell along which
// dimension it is cut, when some are of size 1. What a cotangent is a cotangent
// of tells it.

pp.mesh @mesh <["tensor" = 2]>

#partial = #comm.distribution<{"tensor" = partial}>
#first = #comm.distribution<{"tensor" = varying(0)}>
#second = #comm.distribution<{"tensor" = varying(1)}>
#third = #comm.distribution<{"tensor" = varying(2)}>

// Rows as one dimension, in which the last one seems to be lost.
// CHECK-LABEL: func.func private @rows.backward(
// CHECK: nn.reshape %{{.*}} : (tensor<2x1x1xf32>) -> tensor<2x1xf32>
// CHECK: nn.matmul
func.func @rows(%x: tensor<2x1x1xf32> {comm.distribution = #third}, %w: tensor<1x3xf32> {comm.distribution = #first}) -> (tensor<2x1x3xf32> {comm.distribution = #partial}) {
  %y = nn.linear %x, %w : (tensor<2x1x1xf32>, tensor<1x3xf32>) -> tensor<2x1x3xf32>
  return %y : tensor<2x1x3xf32>
}

// The sum over the batch, of size 1, is none over parts.
// CHECK-LABEL: func.func private @flat.backward(
// CHECK: %[[DX:.*]] = nn.reshape %{{.*}} {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>} : (tensor<10xf32>) -> tensor<1x2x5xf32>
// CHECK: nn.reduce_sum %[[DX]] axes = [0]
func.func @flat(%x: tensor<1x2x5xf32> {comm.distribution = #second}, %p: tensor<2x5xf32> {comm.distribution = #first}) -> (tensor<10xf32> {comm.distribution = #first}) {
  %s = nn.sub %x, %p : (tensor<1x2x5xf32>, tensor<2x5xf32>) -> tensor<1x2x5xf32>
  %y = nn.reshape %s : (tensor<1x2x5xf32>) -> tensor<10xf32>
  return %y : tensor<10xf32>
}

// Three readings go through the product with -1.
// CHECK-LABEL: func.func private @between.backward(
// CHECK: %[[SUM:.*]] = nn.reshape %{{.*}} : (tensor<3x2xf32>) -> tensor<3x1x2xf32>
// CHECK: %[[DP:.*]] = nn.mul %[[SUM]], %{{.*}} {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}
// CHECK: arith.addf %{{.*}}, %[[DP]]
func.func @between(%x: tensor<3x4x2xf32> {comm.distribution = #third}, %p: tensor<3x1x2xf32> {comm.distribution = #third, nn.accumulate}) -> (tensor<5x3x4x2xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(3)}>}) {
  %b = nn.broadcast %x : (tensor<3x4x2xf32>) -> tensor<5x3x4x2xf32>
  %y = nn.sub %b, %p : (tensor<5x3x4x2xf32>, tensor<3x1x2xf32>) -> tensor<5x3x4x2xf32>
  return %y : tensor<5x3x4x2xf32>
}
