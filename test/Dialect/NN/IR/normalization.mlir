// RUN: pp-opt %s | pp-opt | FileCheck %s
// RUN: pp-opt %s --mlir-print-op-generic | pp-opt | FileCheck %s

// CHECK-LABEL: @layer_norm
func.func @layer_norm(%x: tensor<3x5xf32>, %g: tensor<5xf32>, %b: tensor<5xf32>) -> tensor<5xf32> {
  // The default eps is not printed.
  // CHECK: nn.layer_norm %{{.*}}, %{{.*}}, %{{.*}} : (tensor<3x5xf32>, tensor<5xf32>, tensor<5xf32>) -> tensor<3x5xf32>
  %0 = nn.layer_norm %x, %g, %b {eps = 1.0e-5} : (tensor<3x5xf32>, tensor<5xf32>, tensor<5xf32>) -> tensor<3x5xf32>
  // CHECK: nn.layer_norm_grad_input %{{.*}}, %{{.*}}, %{{.*}} {eps = 2.500000e-01 : f64} : (tensor<3x5xf32>, tensor<5xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>
  %1 = nn.layer_norm_grad_input %x, %g, %0 {eps = 0.25} : (tensor<3x5xf32>, tensor<5xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>
  // CHECK: nn.layer_norm_grad_scale %{{.*}}, %{{.*}} : (tensor<3x5xf32>, tensor<3x5xf32>) -> tensor<5xf32>
  %2 = nn.layer_norm_grad_scale %x, %1 : (tensor<3x5xf32>, tensor<3x5xf32>) -> tensor<5xf32>
  // CHECK: nn.layer_norm_grad_scale %{{.*}}, %{{.*}} init(%{{.*}}) : (tensor<3x5xf32>, tensor<3x5xf32>, tensor<5xf32>) -> tensor<5xf32>
  %3 = nn.layer_norm_grad_scale %x, %1 init(%2) : (tensor<3x5xf32>, tensor<3x5xf32>, tensor<5xf32>) -> tensor<5xf32>
  // CHECK: %[[M:.*]], %[[S:.*]] = nn.layer_norm_statistics %{{.*}} {eps = 2.500000e-01 : f64} : (tensor<3x5xf32>) -> (tensor<3xf32>, tensor<3xf32>)
  %mean, %scale = nn.layer_norm_statistics %x {eps = 0.25} : (tensor<3x5xf32>) -> (tensor<3xf32>, tensor<3xf32>)
  // CHECK: nn.layer_norm_grad_input %{{.*}}, %{{.*}}, %{{.*}} statistics(%[[M]], %[[S]]) {eps = 2.500000e-01 : f64} : (tensor<3x5xf32>, tensor<5xf32>, tensor<3x5xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<3x5xf32>
  %4 = nn.layer_norm_grad_input %x, %g, %0 statistics(%mean, %scale) {eps = 0.25} : (tensor<3x5xf32>, tensor<5xf32>, tensor<3x5xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<3x5xf32>
  // CHECK: nn.layer_norm_grad_scale %{{.*}}, %{{.*}} statistics(%[[M]], %[[S]]) init(%{{.*}}) {{.*}} -> tensor<5xf32>
  %5 = nn.layer_norm_grad_scale %x, %4 statistics(%mean, %scale) init(%3) {eps = 0.25} : (tensor<3x5xf32>, tensor<3x5xf32>, tensor<3xf32>, tensor<3xf32>, tensor<5xf32>) -> tensor<5xf32>
  return %5 : tensor<5xf32>
}

// CHECK-LABEL: @rms_norm
func.func @rms_norm(%x: tensor<2x3x5xf64>, %g: tensor<5xf64>, %row: tensor<5xf64>) -> tensor<5xf64> {
  // CHECK: nn.rms_norm %{{.*}}, %{{.*}} {eps = 0.000000e+00 : f64} : (tensor<2x3x5xf64>, tensor<5xf64>) -> tensor<2x3x5xf64>
  %0 = nn.rms_norm %x, %g {eps = 0.0} : (tensor<2x3x5xf64>, tensor<5xf64>) -> tensor<2x3x5xf64>
  // CHECK: nn.rms_norm %{{.*}}, %{{.*}} : (tensor<5xf64>, tensor<5xf64>) -> tensor<5xf64>
  %1 = nn.rms_norm %row, %g : (tensor<5xf64>, tensor<5xf64>) -> tensor<5xf64>
  // CHECK: nn.rms_norm_grad_input %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2x3x5xf64>, tensor<5xf64>, tensor<2x3x5xf64>) -> tensor<2x3x5xf64>
  %2 = nn.rms_norm_grad_input %x, %g, %0 : (tensor<2x3x5xf64>, tensor<5xf64>, tensor<2x3x5xf64>) -> tensor<2x3x5xf64>
  // CHECK: nn.rms_norm_grad_scale %{{.*}}, %{{.*}} init(%{{.*}}) : (tensor<2x3x5xf64>, tensor<2x3x5xf64>, tensor<5xf64>) -> tensor<5xf64>
  %3 = nn.rms_norm_grad_scale %x, %2 init(%1) : (tensor<2x3x5xf64>, tensor<2x3x5xf64>, tensor<5xf64>) -> tensor<5xf64>
  return %3 : tensor<5xf64>
}

// Statistics of bf16 are f32.
// CHECK-LABEL: @statistics
func.func @statistics(%x: tensor<2x3x5xbf16>, %g: tensor<5xbf16>, %row: tensor<5xf64>) -> tensor<5xbf16> {
  // CHECK: %[[S:.*]] = nn.rms_norm_statistics %{{.*}} : (tensor<2x3x5xbf16>) -> tensor<6xf32>
  %s = nn.rms_norm_statistics %x : (tensor<2x3x5xbf16>) -> tensor<6xf32>
  // CHECK: nn.rms_norm_grad_input %{{.*}}, %{{.*}}, %{{.*}} statistics(%[[S]])
  %dx = nn.rms_norm_grad_input %x, %g, %x statistics(%s) : (tensor<2x3x5xbf16>, tensor<5xbf16>, tensor<2x3x5xbf16>, tensor<6xf32>) -> tensor<2x3x5xbf16>
  // CHECK: nn.rms_norm_grad_scale %{{.*}}, %{{.*}} statistics(%[[S]]) :
  %dg = nn.rms_norm_grad_scale %dx, %x statistics(%s) : (tensor<2x3x5xbf16>, tensor<2x3x5xbf16>, tensor<6xf32>) -> tensor<5xbf16>
  // CHECK: nn.rms_norm_statistics %{{.*}} : (tensor<5xf64>) -> tensor<1xf64>
  %one = nn.rms_norm_statistics %row : (tensor<5xf64>) -> tensor<1xf64>
  return %dg : tensor<5xbf16>
}
