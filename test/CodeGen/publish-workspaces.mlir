// RUN: pp-opt --pp-publish-workspaces %s | FileCheck %s

// CHECK: func.func private @block(tensor<4xf32>) -> tensor<4xf32> attributes {pp.workspace = 64 : i64}
func.func private @block(tensor<4xf32>) -> tensor<4xf32>
// CHECK: func.func private @elsewhere()
// CHECK-NOT: pp.workspace
func.func private @elsewhere()
// CHECK: module @layers
module @layers {
  llvm.func @block(%x: !llvm.ptr, %y: !llvm.ptr, %w: !llvm.ptr) attributes {pp.workspace = 64 : i64} {
    llvm.return
  }
}
