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
  return %3 : tensor<5xf32>
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
