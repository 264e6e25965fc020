// RUN: pp-opt %s --nn-differentiate | FileCheck %s
// RUN: pp-opt %s --nn-differentiate | FileCheck %s --check-prefix=COUNT
// RUN: pp-opt %s --pp-split-backward=stages=false | FileCheck %s --check-prefix=SPLIT
// RUN: pp-opt %s --pp-split-backward=stages=false --comm-verify-distribution -o /dev/null

// No backward function repeats a collective of the forward, however small its
// operand is beside its result; nor do both halves of a split backward have one.
// What sends nothing is repeated.

pp.mesh @mesh <["tensor" = 4]>

// A gather computes nothing and has a smaller operand: it is saved all the same.
// CHECK-LABEL: func.func private @gather.forward
// CHECK: %[[Y:.*]] = comm.all_gather
// CHECK: return %{{.*}}, %[[Y]]
// CHECK-LABEL: func.func private @gather.backward
// CHECK-NOT: comm.all_gather
// CHECK: comm.reduce_scatter
// CHECK-NOT: comm.all_gather
// CHECK: return
func.func @gather(%x: tensor<4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>},
    %w: tensor<8x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>})
    -> (tensor<16x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  %y = comm.all_gather %x over ["tensor"] dim(0) : tensor<4x8xf32> -> tensor<16x8xf32>
  %z = nn.linear %y, %w : (tensor<16x8xf32>, tensor<8x8xf32>) -> tensor<16x8xf32>
  return %z : tensor<16x8xf32>
}

// So is an all-reduce of few numbers, and an exchange of dimensions.
// COUNT-LABEL: func.func private @exchange.backward
// COUNT-COUNT-1: comm.all_to_all
// COUNT-NOT: comm.all_to_all
// COUNT: return
func.func @exchange(%x: tensor<4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>})
    -> (tensor<16x2xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  %y = comm.all_to_all %x over ["tensor"] split(1) concat(0) : tensor<4x8xf32> -> tensor<16x2xf32>
  %z = math.sin %y : tensor<16x2xf32>
  return %z : tensor<16x2xf32>
}

// COUNT-LABEL: func.func private @reduce.backward
// COUNT-NOT: comm.all_reduce
// COUNT: return
func.func @reduce(%x: tensor<4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> tensor<4x8xf32> {
  %y = comm.all_reduce sum %x over ["tensor"] : tensor<4x8xf32>
  %z = math.sin %y : tensor<4x8xf32>
  return %z : tensor<4x8xf32>
}

// comm.vary is free: the backward takes the argument and repeats it.
// COUNT-LABEL: func.func private @vary.forward
// COUNT-SAME: -> (tensor<4x8xf32> {{[^,]*}}) {
// COUNT-LABEL: func.func private @vary.backward
// COUNT: comm.vary
// COUNT: return
func.func @vary(%x: tensor<4x8xf32>, %w: tensor<8x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>})
    -> (tensor<4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  %y = comm.vary %x over ["tensor"] : tensor<4x8xf32>
  %z = nn.linear %y, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  return %z : tensor<4x8xf32>
}

// A backward whose gather both halves read: B makes it, and hands it to W with
// its distribution.
// SPLIT-LABEL: func.func private @backward_input
// SPLIT-SAME: -> (tensor<16x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, tensor<16x8xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>})
// SPLIT: comm.all_gather
// SPLIT-LABEL: func.func private @backward_weight
// SPLIT-SAME: tensor<16x8xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}
// SPLIT-NOT: comm.all_gather
// SPLIT: return
func.func private @backward(%x: tensor<16x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>},
    %w: tensor<8x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>},
    %dy: tensor<4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>},
    %acc: tensor<8x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>})
    -> (tensor<16x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>, pp.grad = "input"},
        tensor<8x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>, pp.grad = "param", pp.accumulates = 3}) {
  %g = comm.all_gather %dy over ["tensor"] dim(0) : tensor<4x8xf32> -> tensor<16x8xf32>
  %dx = nn.linear %g, %w {transposed} : (tensor<16x8xf32>, tensor<8x8xf32>) -> tensor<16x8xf32>
  %dw = nn.matmul %x, %g init(%acc) {transpose_a} : (tensor<16x8xf32>, tensor<16x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  return %dx, %dw : tensor<16x8xf32>, tensor<8x8xf32>
}
