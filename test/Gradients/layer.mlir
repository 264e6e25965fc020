// RUN: pp-gradcheck %s -elements=7 | FileCheck %s

// A layer as models have it; every other element of the weight is checked.
// CHECK: @block.layer argument 0: error
// CHECK: @block.layer argument 1: error
// CHECK: @block.layer argument 2: error
// CHECK-NOT: argument 3
// CHECK: all gradients agree
pp.layer @block(%x: tensor<2x3x5xf32>) params(%g: tensor<5xf32>, %w: tensor<5x3xf32>) -> tensor<2x3x3xf32> {
  %h = nn.rms_norm %x, %g : (tensor<2x3x5xf32>, tensor<5xf32>) -> tensor<2x3x5xf32>
  %y = nn.linear %h, %w : (tensor<2x3x5xf32>, tensor<5x3xf32>) -> tensor<2x3x3xf32>
  pp.yield %y : tensor<2x3x3xf32>
}
