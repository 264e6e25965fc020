// RUN: pp-opt %s --pp-bufferize | FileCheck %s

// Constants are numbered and sorted by their first use, whatever order upstream
// meets functions in; equal ones are one. What is there already stays.

// CHECK: memref.global "private" constant @constant : memref<2xf32> = dense<[1.000000e+00, 2.000000e+00]>
// CHECK: memref.global "private" constant @constant_0 : memref<2xf32> = dense<[3.000000e+00, 4.000000e+00]>
// CHECK: memref.global "private" constant @constant_1 : memref<2xf32> = dense<[5.000000e+00, 6.000000e+00]>
// CHECK: memref.global "private" constant @constant_2 : memref<2xf32> = dense<[7.000000e+00, 8.000000e+00]>
// CHECK: memref.global "private" constant @table
memref.global "private" constant @table : memref<2xf32> = dense<[9.0, 9.0]>

// CHECK-LABEL: func.func @a
// CHECK: memref.get_global @constant :
func.func @a(%x: tensor<2xf32>) -> tensor<2xf32> {
  %c = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %y = linalg.add ins(%x, %c : tensor<2xf32>, tensor<2xf32>) outs(%x : tensor<2xf32>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// CHECK-LABEL: func.func @b
// CHECK: memref.get_global @constant_0
// CHECK: memref.get_global @constant :
func.func @b(%x: tensor<2xf32>) -> tensor<2xf32> {
  %c = arith.constant dense<[3.0, 4.0]> : tensor<2xf32>
  %d = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %y = linalg.add ins(%c, %d : tensor<2xf32>, tensor<2xf32>) outs(%x : tensor<2xf32>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// CHECK-LABEL: func.func @c
// CHECK: memref.get_global @constant_1
func.func @c(%x: tensor<2xf32>) -> tensor<2xf32> {
  %c = arith.constant dense<[5.0, 6.0]> : tensor<2xf32>
  %y = linalg.add ins(%x, %c : tensor<2xf32>, tensor<2xf32>) outs(%x : tensor<2xf32>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// CHECK-LABEL: func.func @d
// CHECK: memref.get_global @constant_2
func.func @d(%x: tensor<2xf32>) -> tensor<2xf32> {
  %c = arith.constant dense<[7.0, 8.0]> : tensor<2xf32>
  %y = linalg.add ins(%x, %c : tensor<2xf32>, tensor<2xf32>) outs(%x : tensor<2xf32>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}
