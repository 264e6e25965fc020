// RUN: pp-opt %s --convert-nn-to-linalg --canonicalize --pp-fuse-elementwise \
// RUN:   --canonicalize --pp-fuse-rows --canonicalize --cse | FileCheck %s

// Five loops of a norm are one; statistics shrink to numbers.
// CHECK-LABEL: func.func @norm
// CHECK: scf.for %[[ROW:.*]] = {{.*}} iter_args(%[[Y:.*]] = %{{.*}}) -> (tensor<8x16xf32>) {
// CHECK: %[[X:.*]] = tensor.extract_slice %arg0[%[[ROW]], 0] [1, 16] [1, 1] : tensor<8x16xf32> to tensor<16xf32>
// CHECK: linalg.generic {{.*}}["reduction"]} ins(%[[X]] : tensor<16xf32>) outs(%{{.*}} : tensor<f32>)
// CHECK: linalg.generic {{.*}}["parallel"]} ins(%[[X]], {{.*}}) outs(%{{.*}} : tensor<16xf32>)
// CHECK: tensor.insert_slice %{{.*}} into %[[Y]][%[[ROW]], 0]
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @norm(%x: tensor<8x16xf32>, %g: tensor<16xf32>, %b: tensor<16xf32>) -> tensor<8x16xf32> {
  %y = nn.layer_norm %x, %g, %b : (tensor<8x16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<8x16xf32>
  return %y : tensor<8x16xf32>
}

// A sum over rows that reads the same rows is carried whole by their loop.
// CHECK-LABEL: func.func @sum_over_rows
// CHECK: scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}, %[[SUM:.*]] = %arg3) -> (tensor<8x16xf32>, tensor<16xf32>) {
// CHECK: linalg.generic {{.*}} outs(%[[SUM]] : tensor<16xf32>)
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @sum_over_rows(%x: tensor<8x16xf32>, %g: tensor<16xf32>, %dy: tensor<8x16xf32>, %db: tensor<16xf32>) -> (tensor<8x16xf32>, tensor<16xf32>) {
  %dx = nn.layer_norm_grad_input %x, %g, %dy : (tensor<8x16xf32>, tensor<16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
  %s = nn.reduce_sum %dy init(%db) axes = [0] : (tensor<8x16xf32>, tensor<16xf32>) -> tensor<16xf32>
  return %dx, %s : tensor<8x16xf32>, tensor<16xf32>
}

// The number of a row is the loop's, also where the body asks for it.
// CHECK-LABEL: func.func @loss
// CHECK: scf.for %[[ROW:.*]] = %c0 to %c8
// CHECK: tensor.extract %arg0[%[[ROW]], %{{.*}}] : tensor<8x16xf32>
// CHECK-NOT: linalg.index
// CHECK: return
func.func @loss(%x: tensor<8x16xf32>, %t: tensor<8xi32>) -> tensor<f32> {
  %loss, %lse = nn.cross_entropy %x, %t : (tensor<8x16xf32>, tensor<8xi32>) -> (tensor<f32>, tensor<8xf32>)
  return %loss : tensor<f32>
}

// A value leaves for the product and comes back: no common loop.
// CHECK-LABEL: func.func @detour
// CHECK-NOT: scf.for
// CHECK: return
func.func @detour(%x: tensor<8x16xf32>, %w: tensor<16x16xf32>) -> tensor<8x16xf32> {
  %e = math.exp %x : tensor<8x16xf32>
  %h = nn.linear %e, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  %y = arith.addf %e, %h : tensor<8x16xf32>
  return %y : tensor<8x16xf32>
}

// What needs the whole sum stays behind it.
// CHECK-LABEL: func.func @after_sum
// CHECK-NOT: scf.for
// CHECK: return
func.func @after_sum(%x: tensor<8x16xf32>) -> tensor<8x16xf32> {
  %s = nn.reduce_sum %x axes = [0] : (tensor<8x16xf32>) -> tensor<16xf32>
  %y = arith.negf %s : tensor<16xf32>
  %b = nn.broadcast %y : (tensor<16xf32>) -> tensor<8x16xf32>
  return %b : tensor<8x16xf32>
}
