// RUN: pp-opt %s -split-input-file -pp-plan-memory -pp-verify-memory -verify-diagnostics | FileCheck %s

// An evaluation has the parameters of the step, all of them, where that has
// them; what else it needs lies where the step has accumulators and the like.
func.func private @f(%v: tensor<32xf32> {pp.param = "v"}) -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
func.func private @b(%w: tensor<64xf32> {pp.param = "w"}, %y: tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
pp.parameter @w : tensor<64xf32> init(#nn.zeros)
pp.parameter @v : tensor<32xf32> init(#nn.zeros)
// CHECK-LABEL: pp.program @pipe0 pipe(0)
// CHECK-SAME: arena = 640 : i64
// CHECK-NOT: needed
// CHECK-SAME: pp.parameters = {v = 0 : i64, w = 128 : i64}
pp.program @pipe0 pipe(0) {
  pp.zero_gradient @v use(0)
  %y = pp.run F stage(0) mb(0) @f() : () -> tensor<32xf32>
  pp.run B stage(0) mb(0) @b(%y) : (tensor<32xf32>) -> ()
  pp.return
}
// CHECK-LABEL: pp.program @pipe0.evaluation pipe(0) evaluates([@v, @w])
// CHECK-SAME: arena = 640 : i64
// CHECK-SAME: gradients = 0 : i64
// CHECK-SAME: needed = 512 : i64
// CHECK-SAME: pp.parameters = {v = 0 : i64, w = 128 : i64}
pp.program @pipe0.evaluation pipe(0) evaluates([@v, @w]) {
  // CHECK: pp.offsets = array<i64: 384>
  %y = pp.run F stage(0) mb(0) @f() : () -> tensor<32xf32>
  pp.return
}

// -----

// The arena is that of the larger one.
func.func private @f() -> (tensor<64xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
func.func private @g(%y: tensor<64xf32> {pp.value = "y"}) -> (tensor<64xf32> {pp.value = "z"}) attributes {pp.workspace = 0 : i64}
// CHECK-LABEL: pp.program @pipe0 pipe(0)
// CHECK-SAME: arena = 512 : i64
// CHECK-SAME: lower_bound = 256 : i64
pp.program @pipe0 pipe(0) {
  %y = pp.run F stage(0) mb(0) @f() : () -> tensor<64xf32>
  pp.return
}
// CHECK-LABEL: pp.program @pipe0.evaluation pipe(0)
// CHECK-SAME: arena = 512 : i64
// CHECK-SAME: needed = 512 : i64
pp.program @pipe0.evaluation pipe(0) evaluates([]) {
  %y = pp.run F stage(0) mb(0) @f() : () -> tensor<64xf32>
  %z = pp.run F stage(1) mb(0) @g(%y) : (tensor<64xf32>) -> tensor<64xf32>
  pp.return
}
