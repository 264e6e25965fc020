// RUN: pp-opt %s --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: @sum
// CHECK: kernel.sum_of_squares %{{.*}} into %{{.*}}, %{{.*}} : (tensor<4097xf32>, tensor<f64>, tensor<5xf64>) -> (tensor<f64>, tensor<5xf64>)
func.func @sum(%x: tensor<4097xf32>, %s: tensor<f64>, %p: tensor<5xf64>) -> tensor<f64> {
  %0:2 = kernel.sum_of_squares %x into %s, %p : (tensor<4097xf32>, tensor<f64>, tensor<5xf64>) -> (tensor<f64>, tensor<5xf64>)
  return %0#0 : tensor<f64>
}

// -----

func.func @f(%x: tensor<4x6xf32>, %s: tensor<f64>, %p: tensor<1xf64>) {
  // expected-error @below {{found operands of type 'tensor<4x6xf32>' and 'tensor<f64>', expected a vector of f32 and a sum of f64 without dimensions}}
  %0:2 = kernel.sum_of_squares %x into %s, %p : (tensor<4x6xf32>, tensor<f64>, tensor<1xf64>) -> (tensor<f64>, tensor<1xf64>)
  return
}

// -----

func.func @f(%x: tensor<4097xf32>, %s: tensor<f64>, %p: tensor<4xf64>) {
  // expected-error @below {{found partials of type 'tensor<4xf64>', expected 5 elements of f64}}
  %0:2 = kernel.sum_of_squares %x into %s, %p : (tensor<4097xf32>, tensor<f64>, tensor<4xf64>) -> (tensor<f64>, tensor<4xf64>)
  return
}
