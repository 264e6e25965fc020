// RUN: pp-opt %s --pass-pipeline='builtin.module(pp-verify-whole-bytes)' --split-input-file --verify-diagnostics

func.func @vector(%m: memref<48xi1>, %i: index) -> vector<8xi1> {
  // expected-error @below {{found 'memref<48xi1>' in memory, which scalar and vector code lay out differently; expected elements of whole bytes: run pp-store-whole-bytes before}}
  %v = vector.load %m[%i] : memref<48xi1>, vector<8xi1>
  return %v : vector<8xi1>
}

// -----

func.func @scalar(%m: memref<4xi4>, %i: index) -> i4 {
  // expected-error @below {{found 'memref<4xi4>' in memory}}
  %v = memref.load %m[%i] : memref<4xi4>
  return %v : i4
}

// -----

func.func @pointer(%p: !llvm.ptr, %v: vector<4xi1>) {
  // expected-error @below {{found 'vector<4xi1>' in memory}}
  llvm.store %v, %p : vector<4xi1>, !llvm.ptr
  return
}

// -----

// expected-error @below {{in memory}}
memref.global "private" constant @c : memref<3xi1> = dense<[true, false, true]>

// -----

func.func @whole(%p: !llvm.ptr, %v: vector<4xi8>, %m: memref<48xbf16>) {
  llvm.store %v, %p : vector<4xi8>, !llvm.ptr
  return
}
