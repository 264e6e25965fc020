// RUN: pp-check-layers --gpu --same-types --tolerance=0 %s
// RUN: pp-opt %s --pp-lower-layers-gpu | FileCheck %s

// Remainders have the bits of the host's: where the quotient is huge, where the
// numbers are tiny, and where there is none. (Products with 0 keep the constants
// from being folded.)

// No code for it is left to LLVM, whose remainders on GPUs are not exact.
// CHECK-NOT: frem

func.func @large(%x: tensor<8xf32>) -> tensor<8xf32> attributes {pp.layer_function} {
  %zero = arith.constant dense<0.0> : tensor<8xf32>
  %a = arith.constant dense<[3.0e38, -3.0e38, 1.0e30, 1.0e10, 16777217.0, 7.5, -7.5, 1.0e20]> : tensor<8xf32>
  %b = arith.constant dense<[3.0, 7.0, -1.1e-30, 3.0, 1.0e-45, 2.0, 2.0, 1.2e-38]> : tensor<8xf32>
  %none = arith.mulf %x, %zero : tensor<8xf32>
  %c = arith.addf %none, %a : tensor<8xf32>
  %d = arith.addf %none, %b : tensor<8xf32>
  %y = arith.remf %c, %d : tensor<8xf32>
  return %y : tensor<8xf32>
}

func.func @tiny(%x: tensor<8xf32>) -> tensor<8xf32> attributes {pp.layer_function} {
  %zero = arith.constant dense<0.0> : tensor<8xf32>
  %a = arith.constant dense<[1.0e-44, 1.0e-38, -1.0e-40, 0.0, -0.0, 1.5, 2.0, 4.0]> : tensor<8xf32>
  %b = arith.constant dense<[3.0e-45, 3.0e-39, 7.0e-45, 1.0, 1.0, 0x7F800000, 2.0, -1.0]> : tensor<8xf32>
  %none = arith.mulf %x, %zero : tensor<8xf32>
  %c = arith.addf %none, %a : tensor<8xf32>
  %d = arith.addf %none, %b : tensor<8xf32>
  %y = arith.remf %c, %d : tensor<8xf32>
  return %y : tensor<8xf32>
}

func.func @any(%x: tensor<1000xf32>, %y: tensor<1000xf32>) -> tensor<1000xf32> attributes {pp.layer_function} {
  %z = arith.remf %x, %y : tensor<1000xf32>
  return %z : tensor<1000xf32>
}

func.func @wide(%x: tensor<100xf64>, %y: tensor<100xf64>) -> tensor<100xf64> attributes {pp.layer_function} {
  %z = arith.remf %x, %y : tensor<100xf64>
  return %z : tensor<100xf64>
}

// CHECK-LABEL: llvm.func {{.*}}@truncated
func.func @truncated(%x: tensor<100xf32>) -> tensor<100xf32> attributes {pp.layer_function} {
  %c = arith.constant dense<100.0> : tensor<100xf32>
  %y = arith.mulf %x, %c : tensor<100xf32>
  %z = math.trunc %y : tensor<100xf32>
  return %z : tensor<100xf32>
}
