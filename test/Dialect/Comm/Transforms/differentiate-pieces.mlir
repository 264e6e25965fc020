// RUN: pp-opt %s --nn-differentiate | FileCheck %s
// RUN: pp-opt %s --nn-differentiate --comm-verify-distribution -o /dev/null

// Of equal pieces each coordinate has a part of each, in adjoints, too.

pp.mesh @mesh <["tensor" = 2]>

#second = #comm.distribution<{"tensor" = varying(1)}>
#pieces = #comm.distribution<{"tensor" = varying(1, 2)}>

// The adjoint of a concatenation takes pieces out of it, that of a slice puts
// one into zeros.
// CHECK-LABEL: func.func private @pieces.backward(
// CHECK: nn.slice %{{.*}} offsets = [0, 0] sizes = [3, 4]
// CHECK: nn.slice %{{.*}} offsets = [0, 4] sizes = [3, 4]
func.func @pieces(%a: tensor<3x4xf32> {comm.distribution = #second}, %b: tensor<3x4xf32> {comm.distribution = #second}) -> (tensor<3x8xf32> {comm.distribution = #pieces}) {
  %y = nn.concatenate %a, %b {axis = 1 : i64} : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x8xf32>
  return %y : tensor<3x8xf32>
}

// CHECK-LABEL: func.func private @piece.backward(
// CHECK: nn.pad %{{.*}} low = [0, 4] high = [0, 0]
func.func @piece(%x: tensor<3x8xf32> {comm.distribution = #pieces}) -> (tensor<3x4xf32> {comm.distribution = #second}) {
  %y = nn.slice %x offsets = [0, 4] sizes = [3, 4] : (tensor<3x8xf32>) -> tensor<3x4xf32>
  return %y : tensor<3x4xf32>
}
