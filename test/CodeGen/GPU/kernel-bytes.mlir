// RUN: pp-opt %s --pp-layers-to-gpu-kernels --pp-gpu-lower-calls | FileCheck %s

// What a kernel reads and writes, for reports of bandwidth: 64 numbers twice and
// once; sums are set to zero, and then read, too, where they are added to.
// CHECK: bytes = 768 : i64, name = "elementwise_{{[0-9]+}}"
// CHECK-SAME: bytes = 32 : i64, name = "elementwise_{{[0-9]+}}"
// CHECK-SAME: bytes = 2112 : i64, name = "row_sums_{{[0-9]+}}"
// CHECK-SAME: bytes = 256 : i64, name = "elementwise_{{[0-9]+}}"
func.func @add(%x: tensor<64xf32>, %y: tensor<64xf32>) -> tensor<64xf32> {
  %r = nn.add %x, %y : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
  return %r : tensor<64xf32>
}
func.func @sum(%x: tensor<8x64xf32>, %b: tensor<32xf32>) -> (tensor<8xf32>, tensor<32xf32>) {
  %r = nn.reduce_sum %x axes = [1] : (tensor<8x64xf32>) -> tensor<8xf32>
  %s = nn.relu %b : (tensor<32xf32>) -> tensor<32xf32>
  return %r, %s : tensor<8xf32>, tensor<32xf32>
}
