// RUN: pp-opt %s | pp-opt | FileCheck %s
// RUN: pp-opt %s -mlir-print-op-generic | pp-opt | FileCheck %s

pp.mesh @mesh <["pipe" = 2, "data" = 2, "tensor" = 4]>
func.func private @make() -> (tensor<8x4xf32> {pp.value = "g"}, tensor<2xi32> {pp.value = "i"}, tensor<f64> {pp.value = "n"}, tensor<4x8xi32> {pp.value = "e"})

// CHECK-LABEL: pp.program @pipe0
pp.program @pipe0 pipe(0) {
  %g, %i, %n, %e = pp.run F stage(0) mb(3) @make() : () -> (tensor<8x4xf32>, tensor<2xi32>, tensor<f64>, tensor<4x8xi32>)
  // CHECK: %[[B0:.*]], %[[T0:.*]] = pp.start reduce_scatter %{{.*}} over ["data"] value("w.grad") mb(3) : tensor<8x4xf32> -> tensor<4x4xf32>
  %b0, %t0 = pp.start reduce_scatter %g over ["data"] value("w.grad") mb(3) : tensor<8x4xf32> -> tensor<4x4xf32>
  // CHECK: pp.start all_gather %{{.*}} over ["data", "tensor"] value("ids") : tensor<2xi32> -> tensor<16xi32>
  %b1, %t1 = pp.start all_gather %i over ["data", "tensor"] value("ids") : tensor<2xi32> -> tensor<16xi32>
  // CHECK: pp.start all_reduce %{{.*}} over ["pipe", "data", "tensor"] value("norm") : tensor<f64> -> tensor<f64>
  %b2, %t2 = pp.start all_reduce %n over ["pipe", "data", "tensor"] value("norm") : tensor<f64> -> tensor<f64>
  // CHECK: pp.finish %[[T0]], %{{.*}}, %[[B0]] mb(3) : tensor<8x4xf32> -> tensor<4x4xf32>
  %p = pp.finish %t0, %g, %b0 mb(3) : tensor<8x4xf32> -> tensor<4x4xf32>
  %q = pp.finish %t1, %i, %b1 : tensor<2xi32> -> tensor<16xi32>
  %r = pp.finish %t2, %n, %b2 : tensor<f64> -> tensor<f64>
  // Eight elements of each of four coordinates, and back.
  // CHECK: pp.start all_to_all %{{.*}} over ["tensor"] value("tokens") : tensor<4x8xi32> -> tensor<1x32xi32>
  %b3, %t3 = pp.start all_to_all %e over ["tensor"] value("tokens") : tensor<4x8xi32> -> tensor<1x32xi32>
  %s = pp.finish %t3, %e, %b3 : tensor<4x8xi32> -> tensor<1x32xi32>
  // CHECK: pp.start all_to_all %{{.*}} over ["tensor"] value("answers") : tensor<1x32xi32> -> tensor<4x8xi32>
  %b4, %t4 = pp.start all_to_all %s over ["tensor"] value("answers") : tensor<1x32xi32> -> tensor<4x8xi32>
  %t = pp.finish %t4, %s, %b4 : tensor<1x32xi32> -> tensor<4x8xi32>
  pp.return
}
