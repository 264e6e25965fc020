// RUN: pp-opt %s | pp-opt | FileCheck %s
// RUN: pp-opt %s --mlir-print-op-generic | pp-opt | FileCheck %s

// Grouped queries, more keys than queries; statistics of bf16 are f32.
// CHECK-LABEL: @grouped
func.func @grouped(%q: tensor<2x3x4x8xbf16>, %k: tensor<2x5x2x8xbf16>, %v: tensor<2x5x2x8xbf16>) -> tensor<2x3x4x8xbf16> {
  // CHECK: %[[Y:.*]], %[[LSE:.*]] = nn.attention %{{.*}}, %{{.*}}, %{{.*}} {causal} : (tensor<2x3x4x8xbf16>, tensor<2x5x2x8xbf16>, tensor<2x5x2x8xbf16>) -> (tensor<2x3x4x8xbf16>, tensor<2x4x3xf32>)
  %y, %lse = nn.attention %q, %k, %v {causal} : (tensor<2x3x4x8xbf16>, tensor<2x5x2x8xbf16>, tensor<2x5x2x8xbf16>) -> (tensor<2x3x4x8xbf16>, tensor<2x4x3xf32>)
  // CHECK: nn.attention_grad %{{.*}}, %{{.*}}, %{{.*}}, %[[Y]], %[[LSE]], %[[Y]] {causal} : (tensor<2x3x4x8xbf16>, tensor<2x5x2x8xbf16>, tensor<2x5x2x8xbf16>, tensor<2x3x4x8xbf16>, tensor<2x4x3xf32>, tensor<2x3x4x8xbf16>) -> (tensor<2x3x4x8xbf16>, tensor<2x5x2x8xbf16>, tensor<2x5x2x8xbf16>)
  %dq, %dk, %dv = nn.attention_grad %q, %k, %v, %y, %lse, %y {causal} : (tensor<2x3x4x8xbf16>, tensor<2x5x2x8xbf16>, tensor<2x5x2x8xbf16>, tensor<2x3x4x8xbf16>, tensor<2x4x3xf32>, tensor<2x3x4x8xbf16>) -> (tensor<2x3x4x8xbf16>, tensor<2x5x2x8xbf16>, tensor<2x5x2x8xbf16>)
  return %dq : tensor<2x3x4x8xbf16>
}

// Without causal, there may be fewer keys than queries.
// CHECK-LABEL: @cross
func.func @cross(%q: tensor<1x3x1x7xf64>, %k: tensor<1x1x1x7xf64>) -> tensor<1x1x3xf64> {
  // CHECK: nn.attention %{{.*}}, %{{.*}}, %{{.*}} {scale = 1.250000e-01 : f64} : (tensor<1x3x1x7xf64>, tensor<1x1x1x7xf64>, tensor<1x1x1x7xf64>) -> (tensor<1x3x1x7xf64>, tensor<1x1x3xf64>)
  %y, %lse = nn.attention %q, %k, %k {scale = 0.125} : (tensor<1x3x1x7xf64>, tensor<1x1x1x7xf64>, tensor<1x1x1x7xf64>) -> (tensor<1x3x1x7xf64>, tensor<1x1x3xf64>)
  return %lse : tensor<1x1x3xf64>
}

// Positions see those of their own document.
// CHECK-LABEL: @documents
func.func @documents(%q: tensor<2x5x4x8xbf16>, %k: tensor<2x5x2x8xbf16>, %d: tensor<2x5xi32>) -> tensor<2x5x4x8xbf16> {
  // CHECK: %[[Y:.*]], %[[LSE:.*]] = nn.attention %{{.*}}, %{{.*}}, %{{.*}} documents(%[[D:.*]]) {causal} : (tensor<2x5x4x8xbf16>, tensor<2x5x2x8xbf16>, tensor<2x5x2x8xbf16>, tensor<2x5xi32>) -> (tensor<2x5x4x8xbf16>, tensor<2x4x5xf32>)
  %y, %lse = nn.attention %q, %k, %k documents(%d) {causal} : (tensor<2x5x4x8xbf16>, tensor<2x5x2x8xbf16>, tensor<2x5x2x8xbf16>, tensor<2x5xi32>) -> (tensor<2x5x4x8xbf16>, tensor<2x4x5xf32>)
  // CHECK: nn.attention_grad %{{.*}}, %{{.*}}, %{{.*}}, %[[Y]], %[[LSE]], %[[Y]] documents(%[[D]]) {causal} : (tensor<2x5x4x8xbf16>, tensor<2x5x2x8xbf16>, tensor<2x5x2x8xbf16>, tensor<2x5x4x8xbf16>, tensor<2x4x5xf32>, tensor<2x5x4x8xbf16>, tensor<2x5xi32>) -> (tensor<2x5x4x8xbf16>, tensor<2x5x2x8xbf16>, tensor<2x5x2x8xbf16>)
  %dq, %dk, %dv = nn.attention_grad %q, %k, %k, %y, %lse, %y documents(%d) {causal} : (tensor<2x5x4x8xbf16>, tensor<2x5x2x8xbf16>, tensor<2x5x2x8xbf16>, tensor<2x5x4x8xbf16>, tensor<2x4x5xf32>, tensor<2x5x4x8xbf16>, tensor<2x5xi32>) -> (tensor<2x5x4x8xbf16>, tensor<2x5x2x8xbf16>, tensor<2x5x2x8xbf16>)
  return %dq : tensor<2x5x4x8xbf16>
}

// CHECK-LABEL: @rotary
func.func @rotary(%x: tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32> {
  // CHECK: nn.rotary %{{.*}} : (tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  %0 = nn.rotary %x {base = 10000.0} : (tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  // CHECK: nn.rotary %{{.*}} {base = 5.000000e+05 : f64, interleaved, inverse} : (tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  %1 = nn.rotary %0 {base = 500000.0, interleaved, inverse} : (tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  // CHECK: nn.rotary %{{.*}} {scaling = #nn.rotary_scaling<factor = 4.000000e+00>} :
  %2 = nn.rotary %1 {scaling = #nn.rotary_scaling<factor = 4.0>} : (tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  // CHECK: nn.rotary %{{.*}} {scaling = #nn.rotary_scaling<factor = 8.000000e+00, low = 1.000000e+00, high = 4.000000e+00, original = 8.192000e+03>} :
  %3 = nn.rotary %2 {scaling = #nn.rotary_scaling<factor = 8.0, low = 1.0, high = 4.0, original = 8192.0>} : (tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  return %3 : tensor<2x3x4x8xf32>
}
