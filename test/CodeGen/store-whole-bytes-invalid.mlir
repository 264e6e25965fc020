// RUN: pp-opt %s --pp-store-whole-bytes --split-input-file --verify-diagnostics

func.func @vector(%m: memref<48xi1>, %i: index) -> vector<8xi1> {
  // expected-error @below {{found on elements without whole bytes, expected linalg ops, loads and stores of scalars only}}
  %v = vector.load %m[%i] : memref<48xi1>, vector<8xi1>
  return %v : vector<8xi1>
}

// -----

// expected-error @below {{found a buffer of type 'memref<4xtf32>', expected elements that are integers or floats of whole bytes; cast the tensor}}
func.func @float(%m: memref<4xtf32>) {
  return
}
