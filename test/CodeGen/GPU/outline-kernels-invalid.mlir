// RUN: pp-opt %s --pp-gpu-outline-kernels --split-input-file --verify-diagnostics

func.func @dependent(%x: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  // expected-error @below {{found without pp.rows, expected loops whose iterations are independent only}}
  scf.for %i = %c0 to %c8 step %c1 {
    %v = memref.load %x[%c0] : memref<8xf32>
    memref.store %v, %x[%i] : memref<8xf32>
  }
  return
}

// -----

func.func @store(%x: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %v = arith.constant 1.0 : f32
  scf.for %i = %c0 to %c8 step %c1 {
    // expected-error @below {{found in a loop over rows, expected linalg ops, views and scalars}}
    memref.store %v, %x[%i] : memref<8xf32>
  } {pp.rows}
  return
}

// -----

func.func @strided(%x: memref<8x?xf32>, %y: memref<8xf32>) {
  // expected-error @below {{found loops of unknown size, expected static shapes}}
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]} ins(%x : memref<8x?xf32>) outs(%y : memref<8xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// A sum is counted in 32 bits, also where its terms have no buffer.
func.func @summed(%x: memref<65536xf32>, %y: memref<65536xf32>, %z: memref<f32>) {
  // expected-error @below {{found a sum over 2^31 elements or more, expected fewer in a program for GPUs; sum in parts}}
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> ()>], iterator_types = ["reduction", "reduction"]} ins(%x, %y : memref<65536xf32>, memref<65536xf32>) outs(%z : memref<f32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  }
  return
}
