// RUN: pp-opt %s | pp-opt | FileCheck %s
// RUN: pp-opt %s --mlir-print-op-generic | pp-opt | FileCheck %s

// CHECK-LABEL: @cross_entropy
func.func @cross_entropy(%x: tensor<2x3x11xf32>, %t: tensor<2x3xi32>) -> tensor<2x3x11xf32> {
  // The default ignore_index is not printed.
  // CHECK: %[[LOSS:.*]], %[[LSE:.*]] = nn.cross_entropy %{{.*}}, %{{.*}} : (tensor<2x3x11xf32>, tensor<2x3xi32>) -> (tensor<f32>, tensor<2x3xf32>)
  %loss, %lse = nn.cross_entropy %x, %t {ignore_index = -100} : (tensor<2x3x11xf32>, tensor<2x3xi32>) -> (tensor<f32>, tensor<2x3xf32>)
  // CHECK: nn.cross_entropy_grad %{{.*}}, %{{.*}}, %[[LSE]], %[[LOSS]] {ignore_index = -1 : i64} : (tensor<2x3x11xf32>, tensor<2x3xi32>, tensor<2x3xf32>, tensor<f32>) -> tensor<2x3x11xf32>
  %dx = nn.cross_entropy_grad %x, %t, %lse, %loss {ignore_index = -1} : (tensor<2x3x11xf32>, tensor<2x3xi32>, tensor<2x3xf32>, tensor<f32>) -> tensor<2x3x11xf32>
  return %dx : tensor<2x3x11xf32>
}

// One row; statistics of bf16 are f32, those of f64 are f64.
// CHECK-LABEL: @types
func.func @types(%x: tensor<11xbf16>, %y: tensor<1xf64>, %t: tensor<i64>) -> (tensor<f32>, tensor<f64>) {
  // CHECK: nn.cross_entropy %{{.*}}, %{{.*}} : (tensor<11xbf16>, tensor<i64>) -> (tensor<f32>, tensor<f32>)
  %0:2 = nn.cross_entropy %x, %t : (tensor<11xbf16>, tensor<i64>) -> (tensor<f32>, tensor<f32>)
  // CHECK: nn.cross_entropy %{{.*}}, %{{.*}} : (tensor<1xf64>, tensor<i64>) -> (tensor<f64>, tensor<f64>)
  %1:2 = nn.cross_entropy %y, %t : (tensor<1xf64>, tensor<i64>) -> (tensor<f64>, tensor<f64>)
  return %0#0, %1#0 : tensor<f32>, tensor<f64>
}

// CHECK-LABEL: @class_sums
func.func @class_sums(%x: tensor<2x3x11xbf16>, %m: tensor<2x3xbf16>, %t: tensor<2x3xi64>, %n: tensor<11xi64>) -> tensor<2x3x11xbf16> {
  // CHECK: %[[SUM:.*]], %[[LOGIT:.*]] = nn.class_sums %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2x3x11xbf16>, tensor<2x3xbf16>, tensor<2x3xi64>) -> (tensor<2x3xf32>, tensor<2x3xf32>)
  %s, %l = nn.class_sums %x, %m, %t : (tensor<2x3x11xbf16>, tensor<2x3xbf16>, tensor<2x3xi64>) -> (tensor<2x3xf32>, tensor<2x3xf32>)
  // CHECK: nn.class_sums %{{.*}}, %{{.*}}, %{{.*}} numbers(%{{.*}}) of 21 {ignore_index = -1 : i64} : (tensor<2x3x11xbf16>, tensor<2x3xbf16>, tensor<2x3xi64>, tensor<11xi64>) -> (tensor<2x3xf32>, tensor<2x3xf32>)
  %p, %q = nn.class_sums %x, %m, %t numbers(%n) of 21 {ignore_index = -1 : i64} : (tensor<2x3x11xbf16>, tensor<2x3xbf16>, tensor<2x3xi64>, tensor<11xi64>) -> (tensor<2x3xf32>, tensor<2x3xf32>)
  // CHECK: nn.class_sums_grad %{{.*}}, %{{.*}}, %{{.*}}, %[[SUM]], %[[LOGIT]] numbers(%{{.*}}) of 21 : (tensor<2x3x11xbf16>, tensor<2x3xbf16>, tensor<2x3xi64>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<11xi64>) -> tensor<2x3x11xbf16>
  %d = nn.class_sums_grad %x, %m, %t, %s, %l numbers(%n) of 21 : (tensor<2x3x11xbf16>, tensor<2x3xbf16>, tensor<2x3xi64>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<11xi64>) -> tensor<2x3x11xbf16>
  return %d : tensor<2x3x11xbf16>
}
