// RUN: pp-opt %s --pp-carry-bfloat16 --split-input-file --verify-diagnostics | FileCheck %s

// CHECK: llvm.mlir.global private constant @numbers(dense<[16256, -16384]> : tensor<2xi16>) {{.*}} : !llvm.array<2 x i16>
llvm.mlir.global private constant @numbers(dense<[1.0, -2.0]> : tensor<2xbf16>) : !llvm.array<2 x bf16>

// CHECK-LABEL: llvm.func @choose(%arg0: !llvm.ptr, %arg1: i1) -> i16
// CHECK-NOT: bf16
// CHECK: llvm.getelementptr %arg0[1] : (!llvm.ptr) -> !llvm.ptr, i16
// CHECK: llvm.mlir.constant(16256 : i16) : i16
// CHECK: llvm.select {{.*}} : i1, i16
// CHECK: llvm.mlir.constant(dense<0> : vector<4xi16>) : vector<4xi16>
llvm.func @choose(%p: !llvm.ptr, %c: i1) -> bf16 {
  %q = llvm.getelementptr %p[1] : (!llvm.ptr) -> !llvm.ptr, bf16
  %a = llvm.load %q : !llvm.ptr -> bf16
  %b = llvm.mlir.constant(1.0 : bf16) : bf16
  %y = llvm.select %c, %a, %b : i1, bf16
  %v = llvm.mlir.constant(dense<0.0> : vector<4xbf16>) : vector<4xbf16>
  llvm.store %v, %p : vector<4xbf16>, !llvm.ptr
  llvm.return %y : bf16
}

// -----

llvm.func @rounds(%x: f32) -> bf16 {
  // expected-error@+1 {{found arithmetic on bf16, expected it as arithmetic on f32: run pp-expand-bfloat16 before}}
  %y = llvm.fptrunc %x : f32 to bf16
  llvm.return %y : bf16
}

// -----

llvm.func @negates(%x: bf16) -> bf16 {
  // expected-error@+1 {{found arithmetic on bf16, expected it as arithmetic on f32}}
  %y = llvm.fneg %x : bf16
  llvm.return %y : bf16
}

// -----

llvm.func @converts(%x: i32) -> bf16 {
  // expected-error@+1 {{found arithmetic on bf16, expected it as arithmetic on f32}}
  %y = llvm.sitofp %x : i32 to bf16
  llvm.return %y : bf16
}
