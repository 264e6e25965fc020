// Constants that are blobs of the file are numbers; one that is missing is an
// error.
// RUN: pp-gradcheck %s | FileCheck %s
// CHECK: all gradients agree
// RUN: sed 's/dense_resource<two>/dense_resource<none>/' %s > %t.mlir
// RUN: not pp-gradcheck %t.mlir 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: error: 'arith.constant' op found 0 bytes in the resource 'none', expected the numbers of 'tensor<2xf32>': write them as dense<...>, or give the resource

func.func @scaled(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %c = arith.constant dense_resource<two> : tensor<2xf32>
  %y = nn.mul %x, %c : (tensor<3x2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}
pp.layer @layer(%x: tensor<3x2xf32>) params(%w: tensor<2xf32>) -> tensor<3x2xf32> {
  %c = arith.constant dense_resource<two> : tensor<2xf32>
  %v = nn.mul %w, %c : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %y = nn.mul %x, %v : (tensor<3x2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  pp.yield %y : tensor<3x2xf32>
}

{-#
  dialect_resources: {
    builtin: {
      two: "0x040000000000803F00000040"
    }
  }
#-}
