// RUN: pp-opt %s --split-input-file --convert-nn-to-linalg --canonicalize --pp-fuse-elementwise \
// RUN:   --canonicalize --pp-bind-destinations --pp-bufferize --canonicalize \
// RUN:   | FileCheck %s

// One counter gives four elements; the last counter of 35 elements gives one
// too many. Only the bytes are stored; the select fuses with its neighbours.
// CHECK-LABEL: func.func @dropout
// CHECK: %[[KEPT:.*]] = memref.alloc() {{.*}} : memref<9x4xi8>
// CHECK-NOT: memref.alloc
// CHECK: scf.for %[[COUNTER:.*]] = %c0 to %c9
// CHECK: memref.store %{{.*}}, %[[KEPT]][%[[COUNTER]], %c0]
// CHECK: memref.store %{{.*}}, %[[KEPT]][%[[COUNTER]], %c3]
// CHECK-NOT: memref.alloc
// CHECK: linalg.generic
// CHECK: math.exp
// CHECK: arith.select
// CHECK: arith.negf
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @dropout(%x: tensor<5x7xf32>, %key: i64) -> tensor<5x7xf32> {
  %e = math.exp %x : tensor<5x7xf32>
  %d = nn.dropout %e key(%key) {p = 0.4, site = 0 : i64} : (tensor<5x7xf32>, i64) -> tensor<5x7xf32>
  %y = arith.negf %d : tensor<5x7xf32>
  return %y : tensor<5x7xf32>
}

// -----

// A part of rows of 2 x 24 elements: 6 of the 12 counters of each row, from the
// coordinate's on.
// CHECK-LABEL: func.func @part
// CHECK: kernel.coordinate into %{{.*}} over ["tensor"]
// CHECK: %[[KEPT:.*]] = memref.alloc() {{.*}} : memref<30x4xi8>
// CHECK: scf.for %[[INDEX:.*]] = %c0 to %c30
// CHECK: %[[I:.*]] = arith.index_cast %[[INDEX]] : index to i64
// CHECK: %[[ROW:.*]] = arith.divui %[[I]], %c6_i64
// CHECK: %[[BEFORE:.*]] = arith.muli %[[ROW]], %c6_i64
// CHECK: %[[IN_ROW:.*]] = arith.addi %[[I]], %[[BEFORE]]
// CHECK: %[[BEGIN:.*]] = arith.muli %{{.*}}, %c6_i64
// CHECK: arith.addi %[[IN_ROW]], %[[BEGIN]]
// CHECK: memref.store %{{.*}}, %[[KEPT]][%[[INDEX]], %c0]
pp.mesh @mesh <["tensor" = 2]>
func.func @part(%x: tensor<5x3x8xf32>, %key: i64) -> tensor<5x3x8xf32> {
  %d = nn.dropout %x key(%key) over ["tensor"] dim(1) {p = 0.4, site = 0 : i64} : (tensor<5x3x8xf32>, i64) -> tensor<5x3x8xf32>
  return %d : tensor<5x3x8xf32>
}

// Rows of 2 x 7 elements begin within a counter: each element draws its own, and
// takes the word that is its number modulo 4.
// CHECK-LABEL: func.func @within
// CHECK: kernel.coordinate into %{{.*}} over ["tensor"]
// CHECK-NOT: scf.for
// CHECK: linalg.generic
// CHECK: arith.shrui %[[E:.*]], %c2_i64
// CHECK: %[[LOW:.*]] = arith.trunci %[[E]] : i64 to i32
// CHECK: arith.andi %[[LOW]], %c3_i32
func.func @within(%x: tensor<5x7xf32>, %key: i64) -> tensor<5x7xf32> {
  %d = nn.dropout %x key(%key) over ["tensor"] dim(1) {p = 0.4, site = 0 : i64} : (tensor<5x7xf32>, i64) -> tensor<5x7xf32>
  return %d : tensor<5x7xf32>
}
