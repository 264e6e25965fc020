// The end of a collective sinks to the first use of what it makes.
// RUN: pp-opt %s -pp-place-communication | FileCheck %s

func.func private @make() -> (tensor<8xf32> {pp.value = "g"})
func.func private @use(tensor<4xf32> {pp.value = "s"})
pp.mesh @mesh <["pipe" = 1, "data" = 2]>
// CHECK-LABEL: pp.program @pipe0
// CHECK: pp.start reduce_scatter
// CHECK-NEXT: pp.run F stage(0) mb(1) @make
// CHECK-NEXT: pp.finish
// CHECK-NEXT: pp.run F stage(1) mb(0) @use
pp.program @pipe0 pipe(0) {
  %g = pp.run F stage(0) mb(0) @make() : () -> tensor<8xf32>
  %b, %t = pp.start reduce_scatter %g over ["data"] value("s") : tensor<8xf32> -> tensor<4xf32>
  %s = pp.finish %t, %g, %b : tensor<8xf32> -> tensor<4xf32>
  %h = pp.run F stage(0) mb(1) @make() : () -> tensor<8xf32>
  pp.run F stage(1) mb(0) @use(%s) : (tensor<4xf32>) -> ()
  pp.return
}
