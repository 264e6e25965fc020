// RUN: pp-opt %s --convert-nn-to-linalg --canonicalize --pp-bufferize | FileCheck %s

// Heads of one element, taken out of wider ones: rows of the kernel are heads
// side by side, and there is a gap behind each. They are copied.

// CHECK-LABEL: func @narrow
// CHECK: linalg.copy ins(%{{.*}} : memref<15x2xf32, strided<[4, 2]>>) outs(%[[COPY:.*]] : memref<15x2xf32>)
// CHECK: kernel.attention %[[COPY]],
func.func @narrow(%x: tensor<3x5x2x2xf32>, %k: tensor<3x5x2x1xf32>) -> (tensor<3x5x2x1xf32>, tensor<3x2x5xf32>) {
  %q = nn.slice %x offsets = [0, 0, 0, 0] sizes = [3, 5, 2, 1] : (tensor<3x5x2x2xf32>) -> tensor<3x5x2x1xf32>
  %o, %l = nn.attention %q, %k, %k {causal} : (tensor<3x5x2x1xf32>, tensor<3x5x2x1xf32>, tensor<3x5x2x1xf32>) -> (tensor<3x5x2x1xf32>, tensor<3x2x5xf32>)
  return %o, %l : tensor<3x5x2x1xf32>, tensor<3x2x5xf32>
}
