// RUN: pp-opt %s --pp-store-whole-bytes | FileCheck %s

// Masks are bytes, whoever writes and reads them.
// CHECK-LABEL: func.func @mask(
// CHECK-SAME: %{{.*}}: memref<48xf32>, %[[M:.*]]: memref<48xi8>, %{{.*}}: memref<48xf32>)
// CHECK: linalg.generic
// CHECK-SAME: outs(%[[M]] : memref<48xi8>)
// CHECK: ^bb0(%{{.*}}: f32, %{{.*}}: i8):
// CHECK: %[[C:.*]] = arith.cmpf
// CHECK: %[[E:.*]] = arith.extui %[[C]] : i1 to i8
// CHECK: linalg.yield %[[E]] : i8
// CHECK: linalg.generic
// CHECK-SAME: ins(%[[M]], %{{.*}} : memref<48xi8>, memref<48xf32>)
// CHECK: ^bb0(%[[IN:.*]]: i8,
// CHECK: %[[T:.*]] = arith.trunci %[[IN]] : i8 to i1
// CHECK: arith.select %[[T]]
#id = affine_map<(i) -> (i)>
func.func @mask(%x: memref<48xf32>, %m: memref<48xi1>, %y: memref<48xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : memref<48xf32>) outs(%m : memref<48xi1>) {
  ^bb0(%in: f32, %out: i1):
    %c = arith.cmpf ogt, %in, %zero : f32
    linalg.yield %c : i1
  }
  linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]} ins(%m, %x : memref<48xi1>, memref<48xf32>) outs(%y : memref<48xf32>) {
  ^bb0(%c: i1, %in: f32, %out: f32):
    %s = arith.select %c, %in, %zero : f32
    linalg.yield %s : f32
  }
  return
}

// Views, copies, fills, scalars and temporaries. An output that is not read stays
// unread.
// CHECK-LABEL: func.func @views(
// CHECK-SAME: %[[A:.*]]: memref<6x8xi8>, %[[B:.*]]: memref<48xi8>, %[[I:.*]]: index)
// CHECK: %[[V:.*]] = memref.collapse_shape %[[A]] {{.*}} : memref<6x8xi8> into memref<48xi8>
// CHECK: linalg.copy ins(%[[V]] : memref<48xi8>) outs(%[[B]] : memref<48xi8>)
// CHECK: %[[S:.*]] = memref.subview %[[A]]{{.*}} : memref<6x8xi8> to memref<2x8xi8, strided<[8, 1], offset: 16>>
// CHECK: linalg.copy ins(%{{.*}} : memref<2x8xi8>) outs(%[[S]] : memref<2x8xi8, strided<[8, 1], offset: 16>>)
// CHECK: %[[L:.*]] = memref.load %[[B]][%[[I]]] : memref<48xi8>
// CHECK: %[[N:.*]] = arith.trunci %[[L]] : i8 to i1
// CHECK: %[[W:.*]] = arith.extui %{{.*}} : i1 to i8
// CHECK: memref.store %[[W]], %[[B]][%[[I]]] : memref<48xi8>
func.func @views(%a: memref<6x8xi1>, %b: memref<48xi1>, %i: index) {
  %true = arith.constant true
  %v = memref.collapse_shape %a [[0, 1]] : memref<6x8xi1> into memref<48xi1>
  linalg.copy ins(%v : memref<48xi1>) outs(%b : memref<48xi1>)
  %t = memref.alloc() : memref<2x8xi1>
  linalg.fill ins(%true : i1) outs(%t : memref<2x8xi1>)
  %s = memref.subview %a[2, 0] [2, 8] [1, 1] : memref<6x8xi1> to memref<2x8xi1, strided<[8, 1], offset: 16>>
  linalg.copy ins(%t : memref<2x8xi1>) outs(%s : memref<2x8xi1, strided<[8, 1], offset: 16>>)
  %l = memref.load %b[%i] : memref<48xi1>
  %n = arith.xori %l, %true : i1
  memref.store %n, %b[%i] : memref<48xi1>
  return
}

// Other widths, constants, and indices, which have 32 bits in kernels.
// CHECK: memref.global "private" constant @c : memref<3xi8> = dense<[1, 0, 1]>
memref.global "private" constant @c : memref<3xi1> = dense<[true, false, true]>
// CHECK: memref.global "private" constant @negative : memref<2xi8> = dense<[15, 7]>
memref.global "private" constant @negative : memref<2xi4> = dense<[-1, 7]>
// CHECK-LABEL: func.func @widths(
// CHECK-SAME: memref<4xi8>, %{{.*}}: memref<4xi32>, %{{.*}}: memref<4xi64>, %{{.*}}: memref<4xi64>, %{{.*}}: memref<4xi16>
func.func @widths(%a: memref<4xi4>, %b: memref<4xi17>, %c: memref<4xi40>, %d: memref<4xindex>, %e: memref<4xi16>, %i: index) {
  // CHECK: arith.trunci %{{.*}} : i8 to i4
  %x = memref.load %a[%i] : memref<4xi4>
  %y = arith.extsi %x : i4 to i17
  // CHECK: arith.extui %{{.*}} : i17 to i32
  memref.store %y, %b[%i] : memref<4xi17>
  // CHECK: arith.trunci %{{.*}} : i64 to i40
  %z = memref.load %c[%i] : memref<4xi40>
  memref.store %z, %c[%i] : memref<4xi40>
  // CHECK: arith.index_cast %{{.*}} : i64 to index
  %p = memref.load %d[%i] : memref<4xindex>
  // CHECK: arith.index_cast %{{.*}} : index to i64
  memref.store %p, %d[%i] : memref<4xindex>
  return
}
