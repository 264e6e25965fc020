// RUN: pp-opt %s --split-input-file --verify-diagnostics --pp-read-resources | FileCheck %s

// Numbers of a blob are numbers like others.
// CHECK: arith.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
func.func private @layer(%x: tensor<2xf32>) -> tensor<2xf32> {
  %c = arith.constant dense_resource<two> : tensor<2xf32>
  return %c : tensor<2xf32>
}

{-# dialect_resources: { builtin: { two: "0x040000000000803F00000040" } } #-}

// -----

func.func private @layer(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{found 8 bytes in the resource 'few', expected the numbers of 'tensor<4xf32>': write them as dense<...>, or give the resource}}
  %c = arith.constant dense_resource<few> : tensor<4xf32>
  return %c : tensor<4xf32>
}

{-# dialect_resources: { builtin: { few: "0x040000000000803F00000040" } } #-}
