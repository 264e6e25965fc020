// RUN: pp-opt %s --convert-nn-to-linalg --canonicalize --pp-fuse-elementwise \
// RUN:   --canonicalize --pp-fuse-rows --canonicalize --pp-bind-destinations \
// RUN:   --pp-bufferize --cse --canonicalize | FileCheck %s

// Pieces are read from and written to their slices of the whole.
// CHECK-LABEL: func.func @split_concatenate
// CHECK-NOT: memref.alloc
// CHECK-DAG: %[[A:.*]] = memref.subview %arg0[0, 0] [4, 4] [1, 1]
// CHECK-DAG: %[[B:.*]] = memref.subview %arg0[0, 4] [4, 4] [1, 1]
// CHECK-DAG: %[[E:.*]] = memref.subview %arg1[0, 0] [4, 4] [1, 1]
// CHECK: linalg.generic {{.*}} ins(%[[A]] : {{.*}}) outs(%[[E]] :
// CHECK: %[[N:.*]] = memref.subview %arg1[0, 4] [4, 4] [1, 1]
// CHECK: linalg.generic {{.*}} ins(%[[B]] : {{.*}}) outs(%[[N]] :
// CHECK-NOT: memref.alloc
// CHECK-NOT: linalg.copy
// CHECK: return
func.func @split_concatenate(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %a, %b = nn.split %x sizes = [4, 4] {axis = 1 : i64} : (tensor<4x8xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>)
  %e = math.exp %a : tensor<4x4xf32>
  %n = arith.negf %b : tensor<4x4xf32>
  %y = nn.concatenate %e, %n {axis = 1 : i64} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// A product reads and writes columns of a matrix.
// CHECK-LABEL: func.func @product_of_slices
// CHECK-NOT: memref.alloc
// CHECK: %[[SCRATCH:.*]] = memref.alloc() {{.*}} : memref<176xf32>
// CHECK-NOT: memref.alloc
// CHECK: kernel.gemm %{{.*}}, %arg1 into %{{.*}}, %[[SCRATCH]] : (memref<4x8xf32, strided<[16, 1], offset: 8>>, memref<8x8xf32>, memref<4x8xf32, strided<[16, 1]>>, memref<176xf32>)
// CHECK-NOT: memref.alloc
// CHECK: return
func.func @product_of_slices(%x: tensor<4x16xf32>, %w: tensor<8x8xf32>) -> tensor<4x16xf32> {
  %a, %b = nn.split %x sizes = [8, 8] {axis = 1 : i64} : (tensor<4x16xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>)
  %h = nn.linear %b, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %y = nn.concatenate %h, %a {axis = 1 : i64} : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x16xf32>
  return %y : tensor<4x16xf32>
}

// A transposition is one pass, fused with what is made of it.
// CHECK-LABEL: func.func @transpose
// CHECK-NOT: memref.alloc
// CHECK: linalg.generic {{.*}} ins(%arg0 : memref<4x8xf32>) outs(%arg1 : memref<8x4xf32>)
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @transpose(%x: tensor<4x8xf32>) -> tensor<8x4xf32> {
  %t = nn.transpose %x permutation = [1, 0] : (tensor<4x8xf32>) -> tensor<8x4xf32>
  %y = math.exp %t : tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// Every second column is copied: kernels want contiguous rows.
// CHECK-LABEL: func.func @strided
// CHECK: memref.subview %arg0[0, 0] [4, 8] [1, 2]
// CHECK: %[[COPY:.*]] = memref.alloc() {{.*}} : memref<4x8xf32>
// CHECK: kernel.gemm %[[COPY]], %arg1 into %arg2
func.func @strided(%x: tensor<4x16xf32>, %w: tensor<8x8xf32>) -> tensor<4x8xf32> {
  %s = nn.slice %x offsets = [0, 0] sizes = [4, 8] strides = [1, 2] : (tensor<4x16xf32>) -> tensor<4x8xf32>
  %y = nn.linear %s, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// A gradient is added to where it lies; other results are arguments behind.
// CHECK-LABEL: func.func @accumulate
// CHECK-SAME: (%arg0: memref<4x8xf32>, %[[SUM:.*]]: memref<8xf32>, %[[OUT:.*]]: memref<4x8xf32>)
// CHECK-NOT: memref.alloc
// CHECK: return
func.func @accumulate(%x: tensor<4x8xf32>, %sum: tensor<8xf32>) -> (tensor<4x8xf32>, tensor<8xf32> {pp.accumulates = 1 : i64}) {
  %y = arith.negf %x : tensor<4x8xf32>
  %s = nn.reduce_sum %x init(%sum) axes = [0] : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return %y, %s : tensor<4x8xf32>, tensor<8xf32>
}
