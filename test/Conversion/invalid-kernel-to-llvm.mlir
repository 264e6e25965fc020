// RUN: pp-opt %s --convert-kernel-to-llvm --split-input-file --verify-diagnostics

func.func @f(%a: memref<4x3xf32>, %b: memref<3x8xf32>, %n: memref<8xf32>, %c: memref<4x8xf32>, %ws: memref<1xf32>) {
  // expected-error @below {{found in code for a CPU, whose runtime has no call for it, expected code for a GPU}}
  kernel.fused_gemm bias %a, %b bias(%n) into %c, %ws : (memref<4x3xf32>, memref<3x8xf32>, memref<8xf32>, memref<4x8xf32>, memref<1xf32>) -> ()
  return
}

// -----

// Pieces of layers have no context.
func.func private @piece(%ids: memref<4xi32>) {
  // expected-error @below {{found in a private function, expected a public one, which has the runtime's context as an argument}}
  kernel.check_ids %ids {reader = "nn.embedding", size = 8 : i64} : memref<4xi32>
  return
}
