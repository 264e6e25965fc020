// RUN: pp-opt %s --pp-delay-uses | FileCheck %s

!part = tensor<8xf32>
!all = tensor<2x8xf32>
!ws = tensor<1xf32>

// What is made of a gather moves to what needs it, in its order; what needs
// none of it stays.

// CHECK-LABEL: func @uses
// CHECK-NEXT: %[[ALL:.*]]:2 = kernel.collective all_gather
// CHECK-NEXT: %[[B:.*]] = linalg.exp ins(%arg3
// CHECK-NEXT: %[[SUM:.*]] = linalg.reduce {{.*}} ins(%[[B]]
// CHECK-NEXT: %[[FLAT:.*]] = tensor.collapse_shape %[[ALL]]#0
// CHECK-NEXT: %[[E:.*]] = linalg.exp ins(%[[FLAT]]
// CHECK-NEXT: %[[OTHER:.*]] = linalg.reduce {{.*}} ins(%[[E]]
// CHECK-NEXT: return %[[SUM]], %[[OTHER]]
func.func @uses(%x: !part, %all: !all, %w: !ws, %a: tensor<16xf32>, %e: tensor<16xf32>, %z: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %y:2 = kernel.collective all_gather %x into %all, %w over ["tensor"] members(2) : (!part, !all, !ws) -> (!all, !ws)
  %flat = tensor.collapse_shape %y#0 [[0, 1]] : !all into tensor<16xf32>
  %exp = linalg.exp ins(%flat : tensor<16xf32>) outs(%e : tensor<16xf32>) -> tensor<16xf32>
  %b = linalg.exp ins(%a : tensor<16xf32>) outs(%e : tensor<16xf32>) -> tensor<16xf32>
  %sum = linalg.reduce { arith.addf } ins(%b : tensor<16xf32>) outs(%z : tensor<f32>) dimensions = [0]
  %other = linalg.reduce { arith.addf } ins(%exp : tensor<16xf32>) outs(%z : tensor<f32>) dimensions = [0]
  return %sum, %other : tensor<f32>, tensor<f32>
}
