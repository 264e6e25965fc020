// RUN: pp-opt %s | pp-opt | FileCheck %s
// RUN: pp-opt %s --mlir-print-op-generic | pp-opt | FileCheck %s

// CHECK-LABEL: @arithmetic
func.func @arithmetic(%x: tensor<4x1x6xf32>, %y: tensor<5x1xf32>, %s: tensor<f32>) -> tensor<4x5x6xf32> {
  // CHECK: nn.add %{{.*}}, %{{.*}} : (tensor<4x1x6xf32>, tensor<5x1xf32>) -> tensor<4x5x6xf32>
  %0 = nn.add %x, %y : (tensor<4x1x6xf32>, tensor<5x1xf32>) -> tensor<4x5x6xf32>
  // CHECK: nn.sub %{{.*}}, %{{.*}} : (tensor<f32>, tensor<4x5x6xf32>) -> tensor<4x5x6xf32>
  %1 = nn.sub %s, %0 : (tensor<f32>, tensor<4x5x6xf32>) -> tensor<4x5x6xf32>
  // CHECK: nn.mul %{{.*}}, %{{.*}} : (tensor<4x5x6xf32>, tensor<f32>) -> tensor<4x5x6xf32>
  %2 = nn.mul %1, %s : (tensor<4x5x6xf32>, tensor<f32>) -> tensor<4x5x6xf32>
  // CHECK: nn.div %{{.*}}, %{{.*}} : (tensor<4x5x6xf32>, tensor<5x1xf32>) -> tensor<4x5x6xf32>
  %3 = nn.div %2, %y : (tensor<4x5x6xf32>, tensor<5x1xf32>) -> tensor<4x5x6xf32>
  return %3 : tensor<4x5x6xf32>
}

// Scalars, and the other types.
// CHECK-LABEL: @types
func.func @types(%a: tensor<f64>, %b: tensor<3xbf16>) -> (tensor<f64>, tensor<3xbf16>) {
  // CHECK: nn.add %{{.*}}, %{{.*}} : (tensor<f64>, tensor<f64>) -> tensor<f64>
  %0 = nn.add %a, %a : (tensor<f64>, tensor<f64>) -> tensor<f64>
  // CHECK: nn.mul %{{.*}}, %{{.*}} : (tensor<3xbf16>, tensor<3xbf16>) -> tensor<3xbf16>
  %1 = nn.mul %b, %b : (tensor<3xbf16>, tensor<3xbf16>) -> tensor<3xbf16>
  return %0, %1 : tensor<f64>, tensor<3xbf16>
}

// CHECK-LABEL: @activations
func.func @activations(%x: tensor<8x16xf32>, %dy: tensor<8x16xf32>) -> tensor<8x16xf32> {
  // CHECK: nn.gelu %{{.*}} : (tensor<8x16xf32>) -> tensor<8x16xf32>
  %0 = nn.gelu %x {approximate = "none"} : (tensor<8x16xf32>) -> tensor<8x16xf32>
  // CHECK: nn.gelu %{{.*}} {approximate = "tanh"} : (tensor<8x16xf32>) -> tensor<8x16xf32>
  %1 = nn.gelu %0 {approximate = "tanh"} : (tensor<8x16xf32>) -> tensor<8x16xf32>
  // CHECK: nn.silu %{{.*}} : (tensor<8x16xf32>) -> tensor<8x16xf32>
  %2 = nn.silu %1 : (tensor<8x16xf32>) -> tensor<8x16xf32>
  // CHECK: nn.relu %{{.*}} : (tensor<8x16xf32>) -> tensor<8x16xf32>
  %3 = nn.relu %2 : (tensor<8x16xf32>) -> tensor<8x16xf32>
  // CHECK: nn.gelu_grad %{{.*}}, %{{.*}} {approximate = "tanh"} : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
  %4 = nn.gelu_grad %3, %dy {approximate = "tanh"} : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
  // CHECK: nn.silu_grad %{{.*}}, %{{.*}} : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
  %5 = nn.silu_grad %4, %dy : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
  // CHECK: nn.relu_grad %{{.*}}, %{{.*}} : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
  %6 = nn.relu_grad %5, %dy : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
  return %6 : tensor<8x16xf32>
}

// CHECK-LABEL: @cast
func.func @cast(%x: tensor<2x3xf32>) -> tensor<2x3xf64> {
  // CHECK: nn.cast %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3xbf16>
  %0 = nn.cast %x : (tensor<2x3xf32>) -> tensor<2x3xbf16>
  // CHECK: nn.cast %{{.*}} : (tensor<2x3xbf16>) -> tensor<2x3xi32>
  %1 = nn.cast %0 : (tensor<2x3xbf16>) -> tensor<2x3xi32>
  // CHECK: nn.cast %{{.*}} : (tensor<2x3xi32>) -> tensor<2x3xi64>
  %2 = nn.cast %1 : (tensor<2x3xi32>) -> tensor<2x3xi64>
  // CHECK: nn.cast %{{.*}} : (tensor<2x3xi64>) -> tensor<2x3xf64>
  %3 = nn.cast %2 : (tensor<2x3xi64>) -> tensor<2x3xf64>
  return %3 : tensor<2x3xf64>
}
