// RUN: pp-opt %s --convert-nn-to-linalg --canonicalize --pp-fuse-elementwise \
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
