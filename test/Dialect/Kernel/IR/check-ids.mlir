// RUN: pp-opt %s --canonicalize --cse --split-input-file --verify-diagnostics | FileCheck %s

// It is not dead, though it gives nothing.
// CHECK-LABEL: func.func @kept
// CHECK: kernel.check_ids %{{.*}} {ignored = -1 : i64, reader = "nn.cross_entropy at m.mlir:1:2", size = 9 : i64} : tensor<4xi32>
func.func @kept(%i: tensor<4xi32>) {
  kernel.check_ids %i {ignored = -1 : i64, reader = "nn.cross_entropy at m.mlir:1:2", size = 9 : i64} : tensor<4xi32>
  return
}

// -----

func.func @empty(%i: tensor<4xi64>) {
  // expected-error @below {{found size = 0, expected a positive size}}
  kernel.check_ids %i {reader = "nn.embedding", size = 0 : i64} : tensor<4xi64>
  return
}
