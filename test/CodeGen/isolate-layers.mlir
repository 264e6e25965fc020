// RUN: pp-opt %s --pp-isolate-layers | FileCheck %s

// Numbers of a blob are numbers like others.
// CHECK-LABEL: module @layers
// CHECK: arith.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
func.func private @layer(%x: tensor<2xf32>) -> tensor<2xf32> attributes {pp.layer_function} {
  %c = arith.constant dense_resource<two> : tensor<2xf32>
  return %c : tensor<2xf32>
}

{-# dialect_resources: { builtin: { two: "0x040000000000803F00000040" } } #-}
