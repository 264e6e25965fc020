// A mask that one kernel writes and another reads, each as wide as its other
// buffers let it be: a byte an element in both.
// RUN: pp-opt --pp-layers-to-gpu-kernels %s -o %t
// RUN: FileCheck %s --input-file=%t --implicit-check-not="xi1>" --check-prefix=LOAD
// RUN: FileCheck %s --input-file=%t --check-prefix=STORE
// RUN: FileCheck %s --input-file=%t --check-prefix=EIGHT
// RUN: pp-check-layers --gpu %s | FileCheck %s --check-prefix=EQUAL
// RUN: env PPRT_EMULATED_ORDER=reverse pp-check-layers --gpu %s | FileCheck %s --check-prefix=EQUAL
// RUN: pp-check-layers %s | FileCheck %s --check-prefix=EQUAL
// EQUAL-NOT: DIFFERENT
// EQUAL: narrow result 2: equal

// LOAD: vector.load {{.*}} {alignment = 4 : i64} : memref<48xi8>, vector<4xi8>
// STORE: vector.store {{.*}} {alignment = 4 : i64} : memref<48xi8>, vector<4xi8>
// EIGHT: vector.store {{.*}} {alignment = 8 : i64} : memref<48xi8>, vector<8xi8>
func.func @write(%x: tensor<6x8xf32>, %y: tensor<6x8xf32>) -> (tensor<6x8xi1>, tensor<6x8xf32>) {
  %c = arith.cmpf ogt, %x, %y : tensor<6x8xf32>
  %s = arith.select %c, %x, %y : tensor<6x8xi1>, tensor<6x8xf32>
  return %c, %s : tensor<6x8xi1>, tensor<6x8xf32>
}
func.func @read(%m: tensor<6x8xi1>, %x: tensor<6x8xf32>, %y: tensor<6x8xf32>) -> tensor<6x8xf32> {
  %s = arith.select %m, %x, %y : tensor<6x8xi1>, tensor<6x8xf32>
  return %s : tensor<6x8xf32>
}
// Of nothing else, so that 8 elements are moved at once; and of what is wider.
func.func @invert(%m: tensor<6x8xi1>) -> tensor<6x8xi1> {
  %true = arith.constant dense<true> : tensor<6x8xi1>
  %n = arith.xori %m, %true : tensor<6x8xi1>
  return %n : tensor<6x8xi1>
}
func.func @wide(%m: tensor<48xi1>, %x: tensor<48xf64>, %y: tensor<48xf64>) -> tensor<48xf64> {
  %s = arith.select %m, %x, %y : tensor<48xi1>, tensor<48xf64>
  return %s : tensor<48xf64>
}
// Sizes that no vector divides.
func.func @odd7(%x: tensor<3x7xf32>, %y: tensor<3x7xf32>) -> (tensor<3x7xi1>, tensor<3x7xf32>) {
  %c = arith.cmpf ogt, %x, %y : tensor<3x7xf32>
  %e = math.exp %x : tensor<3x7xf32>
  %t = nn.transpose %e permutation = [1, 0] : (tensor<3x7xf32>) -> tensor<7x3xf32>
  %u = nn.transpose %t permutation = [1, 0] : (tensor<7x3xf32>) -> tensor<3x7xf32>
  %s = arith.select %c, %u, %y : tensor<3x7xi1>, tensor<3x7xf32>
  return %c, %s : tensor<3x7xi1>, tensor<3x7xf32>
}
func.func @odd33(%x: tensor<33xf32>, %y: tensor<33xf32>) -> (tensor<33xi1>, tensor<33xf32>) {
  %c = arith.cmpf ogt, %x, %y : tensor<33xf32>
  %s = arith.select %c, %x, %y : tensor<33xi1>, tensor<33xf32>
  return %c, %s : tensor<33xi1>, tensor<33xf32>
}
func.func @one(%x: tensor<1xf32>, %y: tensor<1xf32>) -> (tensor<1xi1>, tensor<1xf32>) {
  %c = arith.cmpf ogt, %x, %y : tensor<1xf32>
  %s = arith.select %c, %x, %y : tensor<1xi1>, tensor<1xf32>
  return %c, %s : tensor<1xi1>, tensor<1xf32>
}
// A constant mask.
func.func @constant(%x: tensor<8xf32>, %y: tensor<8xf32>) -> tensor<8xf32> {
  %m = arith.constant dense<[true, false, false, true, true, true, false, true]> : tensor<8xi1>
  %s = arith.select %m, %x, %y : tensor<8xi1>, tensor<8xf32>
  return %s : tensor<8xf32>
}
// The mask beside a norm, whose kernel has a row of other width, and behind it.
func.func @rows(%x: tensor<6x8xf32>, %g: tensor<8xf32>, %b: tensor<8xf32>, %d: tensor<6x8xf32>) -> (tensor<6x8xf32>, tensor<6x8xf32>, tensor<6x8xi1>) {
  %n = nn.layer_norm %x, %g, %b {eps = 0.1} : (tensor<6x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<6x8xf32>
  %half = arith.constant dense<0.5> : tensor<6x8xf32>
  %c = arith.cmpf ogt, %x, %half : tensor<6x8xf32>
  %s = arith.select %c, %x, %n : tensor<6x8xi1>, tensor<6x8xf32>
  %r = nn.layer_norm_grad_input %s, %g, %d {eps = 0.1} : (tensor<6x8xf32>, tensor<8xf32>, tensor<6x8xf32>) -> tensor<6x8xf32>
  %z = arith.constant dense<0.0> : tensor<6x8xf32>
  %t = arith.select %c, %r, %z : tensor<6x8xi1>, tensor<6x8xf32>
  return %s, %t, %c : tensor<6x8xf32>, tensor<6x8xf32>, tensor<6x8xi1>
}
// Integers of other widths.
func.func @narrow(%x: tensor<6x8xf32>, %y: tensor<6x8xf32>) -> (tensor<6x8xi8>, tensor<6x8xi8>, tensor<6x8xf32>) {
  %c = arith.cmpf ogt, %x, %y : tensor<6x8xf32>
  %i = arith.extui %c : tensor<6x8xi1> to tensor<6x8xi4>
  %j = arith.addi %i, %i : tensor<6x8xi4>
  %t = nn.reshape %x : (tensor<6x8xf32>) -> tensor<48xf32>
  %a = arith.extsi %i : tensor<6x8xi4> to tensor<6x8xi8>
  %b = arith.extsi %j : tensor<6x8xi4> to tensor<6x8xi8>
  %f = arith.sitofp %b : tensor<6x8xi8> to tensor<6x8xf32>
  return %a, %b, %f : tensor<6x8xi8>, tensor<6x8xi8>, tensor<6x8xf32>
}
