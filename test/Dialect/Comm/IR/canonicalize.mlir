// RUN: pp-opt %s --canonicalize | FileCheck %s

pp.mesh @mesh <["one" = 1, "data" = 3, "tensor" = 2]>

// On an axis of size 1 nothing moves.
// CHECK-LABEL: func @unit_axes(
// CHECK-SAME: %[[X:.*]]: tensor<4x6xf32>
// CHECK-NOT: comm
// CHECK: return %[[X]], %[[X]], %[[X]], %[[X]], %[[X]], %[[X]], %[[X]]
func.func @unit_axes(%x: tensor<4x6xf32>) -> (tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>) {
  %0 = comm.all_reduce sum %x over ["one"] : tensor<4x6xf32>
  %1 = comm.all_gather %x over ["one"] dim(0) : tensor<4x6xf32> -> tensor<4x6xf32>
  %2 = comm.reduce_scatter sum %x over ["one"] dim(1) : tensor<4x6xf32> -> tensor<4x6xf32>
  %3 = comm.all_to_all %x over ["one"] split(0) concat(1) : tensor<4x6xf32> -> tensor<4x6xf32>
  %4 = comm.permute %x over ["one"] by(0) : tensor<4x6xf32>
  %5 = comm.vary %x over ["one"] : tensor<4x6xf32>
  %6 = comm.slice %x over ["one"] dim(1) : tensor<4x6xf32> -> tensor<4x6xf32>
  return %0, %1, %2, %3, %4, %5, %6 : tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>
}

// CHECK-LABEL: func @one_of_two
// CHECK: comm.all_reduce sum %{{.*}} over ["tensor"]
func.func @one_of_two(%x: tensor<4x6xf32>) -> tensor<4x6xf32> {
  %0 = comm.all_reduce sum %x over ["one", "tensor"] : tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}

// CHECK-LABEL: func @vary_twice
// CHECK: %[[Y:.*]] = comm.vary %{{.*}} over ["data", "tensor"]
// CHECK: return %[[Y]]
func.func @vary_twice(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = comm.vary %x over ["data"] : tensor<4xf32>
  %1 = comm.vary %0 over ["tensor"] : tensor<4xf32>
  return %1 : tensor<4xf32>
}

// The result names axes in the order of the mesh.
// CHECK-LABEL: func @vary_in_order
// CHECK: comm.vary %{{.*}} over ["data", "tensor"]
func.func @vary_in_order(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = comm.vary %x over ["tensor"] : tensor<4xf32>
  %1 = comm.vary %0 over ["data"] : tensor<4xf32>
  return %1 : tensor<4xf32>
}

// Over one axis twice is an error to be found: it stays.
// CHECK-LABEL: func @vary_wrongly
// CHECK-COUNT-2: comm.vary
func.func @vary_wrongly(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = comm.vary %x over ["tensor"] : tensor<4xf32>
  %1 = comm.vary %0 over ["tensor"] : tensor<4xf32>
  return %1 : tensor<4xf32>
}

// Sums stay in the order in which they are written.
// CHECK-LABEL: func @two_sums
// CHECK-COUNT-2: comm.all_reduce
func.func @two_sums(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = comm.all_reduce sum %x over ["data"] : tensor<4xf32>
  %1 = comm.all_reduce sum %0 over ["tensor"] : tensor<4xf32>
  return %1 : tensor<4xf32>
}

// CHECK-LABEL: func @rings(
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>
// CHECK: %[[Y:.*]] = comm.permute %[[X]] over ["data"] by(2)
// CHECK: return %[[X]], %[[Y]]
func.func @rings(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = comm.permute %x over ["data"] by(1) : tensor<4xf32>
  %1 = comm.permute %0 over ["data"] by(-1) : tensor<4xf32>
  %2 = comm.permute %0 over ["data"] by(1) : tensor<4xf32>
  return %1, %2 : tensor<4xf32>, tensor<4xf32>
}

// CHECK-LABEL: func @there_and_back(
// CHECK-SAME: %[[X:.*]]: tensor<4x6xf32>
// CHECK: return %[[X]], %[[X]], %[[X]]
func.func @there_and_back(%x: tensor<4x6xf32>) -> (tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>) {
  %0 = comm.slice %x over ["tensor"] dim(0) : tensor<4x6xf32> -> tensor<2x6xf32>
  %1 = comm.all_gather %0 over ["tensor"] dim(0) invariant : tensor<2x6xf32> -> tensor<4x6xf32>
  %2 = comm.all_gather %x over ["tensor"] dim(1) invariant : tensor<4x6xf32> -> tensor<4x12xf32>
  %3 = comm.slice %2 over ["tensor"] dim(1) : tensor<4x12xf32> -> tensor<4x6xf32>
  %4 = comm.all_to_all %x over ["tensor"] split(0) concat(1) : tensor<4x6xf32> -> tensor<2x12xf32>
  %5 = comm.all_to_all %4 over ["tensor"] split(1) concat(0) : tensor<2x12xf32> -> tensor<4x6xf32>
  return %1, %3, %5 : tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>
}

// A replicated gather is no inverse of a slice: their adjoints are not.
// CHECK-LABEL: func @not_back
// CHECK: comm.slice
// CHECK: comm.all_gather
func.func @not_back(%x: tensor<4x6xf32>) -> tensor<4x6xf32> {
  %0 = comm.slice %x over ["tensor"] dim(0) : tensor<4x6xf32> -> tensor<2x6xf32>
  %1 = comm.all_gather %0 over ["tensor"] dim(0) : tensor<2x6xf32> -> tensor<4x6xf32>
  return %1 : tensor<4x6xf32>
}
