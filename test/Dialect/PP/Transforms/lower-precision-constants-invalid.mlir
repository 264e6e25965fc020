// RUN: pp-opt %s --pp-lower-precision --split-input-file --verify-diagnostics

// The largest number of f32, a usual mask, is not one of bf16.
pp.layer @mask(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{found the constant -3.402823e+38 that becomes infinite in bf16, expected at most 3.38e38 and, but for 0, at least 1e-40 in size: correct it, or compile with --precision=f32}}
  %c = arith.constant dense<-3.40282347E+38> : tensor<4xf32>
  %y = arith.addf %x, %c : tensor<4xf32>
  pp.yield %y : tensor<4xf32>
}

// -----

pp.layer @small(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{found the constant 1.401298e-45 that becomes 0 in bf16}}
  %c = arith.constant dense<1.4012985E-45> : tensor<4xf32>
  %y = arith.addf %x, %c : tensor<4xf32>
  pp.yield %y : tensor<4xf32>
}

// -----

// What is not a finite number stays what it is.
pp.layer @infinite(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = arith.constant dense<[0xFF800000, 0.0, -0.0, 0x7FC00000]> : tensor<4xf32>
  %y = arith.addf %x, %c : tensor<4xf32>
  pp.yield %y : tensor<4xf32>
}
