// RUN: pp-opt %s --nn-differentiate | FileCheck %s
// RUN: pp-opt %s --nn-differentiate --comm-verify-distribution -o /dev/null

// Each collective has the adjoint of docs/Comm.md, and cotangents have the dual
// distributions.

pp.mesh @mesh <["tensor" = 2]>

#partial = #comm.distribution<{"tensor" = partial}>
#replicated = #comm.distribution<{"tensor" = replicated}>
#rows = #comm.distribution<{"tensor" = varying(0)}>
#columns = #comm.distribution<{"tensor" = varying(1)}>

// CHECK-LABEL: func.func private @all_reduce.backward(
// CHECK-SAME: %[[DY:[^:]*]]: tensor<4x6xf32>)
// CHECK-SAME: -> (tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>})
// CHECK: %[[DX:.*]] = comm.vary %[[DY]] over ["tensor"]
// CHECK: return %[[DX]]
func.func @all_reduce(%x: tensor<4x6xf32> {comm.distribution = #partial}) -> tensor<4x6xf32> {
  %y = comm.all_reduce sum %x over ["tensor"] : tensor<4x6xf32>
  return %y : tensor<4x6xf32>
}

// CHECK-LABEL: func.func private @vary.backward(
// CHECK-SAME: %[[DY:[^:]*]]: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>})
// CHECK-SAME: -> tensor<4x6xf32>
// CHECK: %[[DX:.*]] = comm.all_reduce sum %[[DY]] over ["tensor"]
// CHECK: return %[[DX]]
func.func @vary(%x: tensor<4x6xf32>) -> (tensor<4x6xf32> {comm.distribution = #replicated}) {
  %y = comm.vary %x over ["tensor"] : tensor<4x6xf32>
  return %y : tensor<4x6xf32>
}

// CHECK-LABEL: func.func private @all_gather.backward(
// CHECK-SAME: %[[DY:[^:]*]]: tensor<8x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>})
// CHECK: %[[DX:.*]] = comm.reduce_scatter sum %[[DY]] over ["tensor"] dim(0)
// CHECK: return %[[DX]]
func.func @all_gather(%x: tensor<4x6xf32> {comm.distribution = #rows}) -> (tensor<8x6xf32> {comm.distribution = #replicated}) {
  %y = comm.all_gather %x over ["tensor"] dim(0) : tensor<4x6xf32> -> tensor<8x6xf32>
  return %y : tensor<8x6xf32>
}

// CHECK-LABEL: func.func private @all_gather_invariant.backward(
// CHECK: %[[DX:.*]] = comm.slice %{{.*}} over ["tensor"] dim(0)
// CHECK: return %[[DX]]
func.func @all_gather_invariant(%x: tensor<4x6xf32> {comm.distribution = #rows}) -> tensor<8x6xf32> {
  %y = comm.all_gather %x over ["tensor"] dim(0) invariant : tensor<4x6xf32> -> tensor<8x6xf32>
  return %y : tensor<8x6xf32>
}

// CHECK-LABEL: func.func private @slice.backward(
// CHECK: %[[DX:.*]] = comm.all_gather %{{.*}} over ["tensor"] dim(1) invariant
// CHECK: return %[[DX]]
func.func @slice(%x: tensor<4x6xf32>) -> (tensor<4x3xf32> {comm.distribution = #columns}) {
  %y = comm.slice %x over ["tensor"] dim(1) : tensor<4x6xf32> -> tensor<4x3xf32>
  return %y : tensor<4x3xf32>
}

// CHECK-LABEL: func.func private @reduce_scatter.backward(
// CHECK: %[[DX:.*]] = comm.all_gather %{{.*}} over ["tensor"] dim(1) : tensor<4x3xf32> -> tensor<4x6xf32>
// CHECK: return %[[DX]]
func.func @reduce_scatter(%x: tensor<4x6xf32> {comm.distribution = #partial}) -> (tensor<4x3xf32> {comm.distribution = #columns}) {
  %y = comm.reduce_scatter sum %x over ["tensor"] dim(1) : tensor<4x6xf32> -> tensor<4x3xf32>
  return %y : tensor<4x3xf32>
}

// CHECK-LABEL: func.func private @all_to_all.backward(
// CHECK: %[[DX:.*]] = comm.all_to_all %{{.*}} over ["tensor"] split(0) concat(1) : tensor<8x3xf32> -> tensor<4x6xf32>
// CHECK: return %[[DX]]
func.func @all_to_all(%x: tensor<4x6xf32> {comm.distribution = #rows}) -> (tensor<8x3xf32> {comm.distribution = #columns}) {
  %y = comm.all_to_all %x over ["tensor"] split(1) concat(0) : tensor<4x6xf32> -> tensor<8x3xf32>
  return %y : tensor<8x3xf32>
}

// CHECK-LABEL: func.func private @permute.backward(
// CHECK: %[[DX:.*]] = comm.permute %{{.*}} over ["tensor"] by(-1)
// CHECK: return %[[DX]]
func.func @permute(%x: tensor<4x6xf32> {comm.distribution = #rows}) -> (tensor<4x6xf32> {comm.distribution = #rows}) {
  %y = comm.permute %x over ["tensor"] by(1) : tensor<4x6xf32>
  return %y : tensor<4x6xf32>
}

// Nothing flows through the maximum: the backward reads it, and no more.
// CHECK-LABEL: func.func private @log_sum_exp.backward(
// CHECK-NOT: comm.all_reduce
// CHECK: return
func.func @log_sum_exp(%x: tensor<4x6xf32> {comm.distribution = #columns}) -> tensor<4xf32> {
  %m = nn.reduce_max %x axes = [1] : (tensor<4x6xf32>) -> tensor<4xf32>
  %all = comm.all_reduce max %m over ["tensor"] : tensor<4xf32>
  %c = comm.detach %all : tensor<4xf32>
  %column = nn.reshape %c : (tensor<4xf32>) -> tensor<4x1xf32>
  %z = nn.sub %x, %column : (tensor<4x6xf32>, tensor<4x1xf32>) -> tensor<4x6xf32>
  %e = math.exp %z : tensor<4x6xf32>
  %p = nn.reduce_sum %e axes = [1] : (tensor<4x6xf32>) -> tensor<4xf32>
  %s = comm.all_reduce sum %p over ["tensor"] : tensor<4xf32>
  %l = math.log %s : tensor<4xf32>
  %lse = nn.add %l, %c : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %lse : tensor<4xf32>
}
