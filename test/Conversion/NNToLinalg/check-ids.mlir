// RUN: pp-opt %s --convert-nn-to-linalg | FileCheck %s
// RUN: pp-opt %s --convert-nn-to-linalg=parallel=true | FileCheck %s

// Ids that may be anything: the runtime looks at them, and the op uses none that
// is out of range.
// CHECK-LABEL: func.func @embedding(
// CHECK-SAME: %[[I:.*]]: tensor<6xi32>
// CHECK: kernel.check_ids %[[I]] {reader = "nn.embedding at {{.*}}check-ids.mlir:[[# @LINE + 6]]:8", size = 9 : i64} : tensor<6xi32>
// CHECK: %[[S:.*]] = linalg.generic {{.*}} ins(%[[I]] : tensor<6xi32>)
// CHECK: %[[C:.*]] = arith.cmpi ult, %[[ID:.*]], %{{.*}} : i32
// CHECK: arith.select %[[C]], %[[ID]], %{{.*}} : i32
// CHECK: linalg.generic {{.*}} ins(%[[S]] : tensor<6xi32>)
func.func @embedding(%i: tensor<6xi32>, %w: tensor<9x5xf32>) -> tensor<6x5xf32> {
  %y = nn.embedding %i, %w : (tensor<6xi32>, tensor<9x5xf32>) -> tensor<6x5xf32>
  return %y : tensor<6x5xf32>
}

// CHECK-LABEL: func.func @embedding_grad(
// CHECK-SAME: %[[I:.*]]: tensor<2x3xi64>
// CHECK: %[[F:.*]] = tensor.collapse_shape %[[I]]
// CHECK: kernel.check_ids %[[F]] {reader = "nn.embedding_grad at {{.*}}", size = 9 : i64} : tensor<6xi64>
func.func @embedding_grad(%i: tensor<2x3xi64>, %d: tensor<2x3x5xf32>) -> tensor<9x5xf32> {
  %y = nn.embedding_grad %i, %d : (tensor<2x3xi64>, tensor<2x3x5xf32>) -> tensor<9x5xf32>
  return %y : tensor<9x5xf32>
}

// CHECK-LABEL: func.func @loss(
// CHECK: kernel.check_ids %{{.*}} {ignored = -1 : i64, reader = "nn.cross_entropy at {{.*}}", size = 10 : i64} : tensor<4xi32>
// CHECK: %[[A:.*]] = arith.cmpi ult
// CHECK: %[[B:.*]] = arith.cmpi eq
// CHECK: arith.ori %[[A]], %[[B]]
// CHECK: kernel.check_ids %{{.*}} {ignored = -1 : i64, reader = "nn.cross_entropy_grad at {{.*}}", size = 10 : i64} : tensor<4xi32>
func.func @loss(%l: tensor<4x10xf32>, %t: tensor<4xi32>, %d: tensor<f32>) -> (tensor<f32>, tensor<4x10xf32>) {
  %x, %lse = nn.cross_entropy %l, %t {ignore_index = -1 : i64} : (tensor<4x10xf32>, tensor<4xi32>) -> (tensor<f32>, tensor<4xf32>)
  %g = nn.cross_entropy_grad %l, %t, %lse, %d {ignore_index = -1 : i64} : (tensor<4x10xf32>, tensor<4xi32>, tensor<4xf32>, tensor<f32>) -> tensor<4x10xf32>
  return %x, %g : tensor<f32>, tensor<4x10xf32>
}

// An ignored id that i32 does not have is none.
// CHECK-LABEL: func.func @wide(
// CHECK: kernel.check_ids %{{.*}} {ignored = 4294967295 : i64,
// CHECK-NOT: arith.ori
func.func @wide(%l: tensor<4x10xf32>, %t: tensor<4xi32>) -> tensor<f32> {
  %x, %lse = nn.cross_entropy %l, %t {ignore_index = 4294967295 : i64} : (tensor<4x10xf32>, tensor<4xi32>) -> (tensor<f32>, tensor<4xf32>)
  return %x : tensor<f32>
}

// What the runtime has checked with the data.
// CHECK-LABEL: func.func @data(
// CHECK-NOT: check_ids
// CHECK-NOT: ult
func.func @data(%i: tensor<6xi32>, %w: tensor<9x5xf32>, %l: tensor<6x10xf32>) -> (tensor<6x5xf32>, tensor<f32>) {
  %y = nn.embedding %i, %w {nn.ids_in_range} : (tensor<6xi32>, tensor<9x5xf32>) -> tensor<6x5xf32>
  %x, %lse = nn.cross_entropy %l, %i {nn.ids_in_range} : (tensor<6x10xf32>, tensor<6xi32>) -> (tensor<f32>, tensor<6xf32>)
  return %y, %x : tensor<6x5xf32>, tensor<f32>
}
