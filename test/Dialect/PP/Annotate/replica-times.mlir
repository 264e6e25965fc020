// RUN: pp-opt %s -pp-annotate-times="flops=1e3 bandwidth=1e30 transfer=1e3" -split-input-file | FileCheck %s

// Two replicas of a rank with forwards of 1 s and backwards of 2 s. Each sends
// half of what is gathered and reduced: 512 elements of four bytes in 2.048 s,
// before the forward and behind the backward.
// CHECK-LABEL: pp.mesh @cut
// CHECK: pp.times = {forward = array<f64: 1.000000e+00>, gradient_gather = array<f64: 0.000000e+00>, gradient_reduction = array<f64: 2.048000e+00>, {{.*}} parameter_gather = array<f64: 2.048000e+00>
// CHECK: pp.predicted = {bubble = {{[0-9.e-]+}} : f64, busy = 3.000000e+00 : f64, collectives = 4.096000e+00 : f64, exposed = 4.09600{{[0-9]*}}e+00 : f64, gradients = 2.048000e+00 : f64, makespan = 7.096000e+00 : f64, parameters = 2.048000e+00 : f64}
pp.mesh @cut <["pipe" = 1, "data" = 2, "tensor" = 1]> replicas("data")
func.func private @forward(%x: tensor<1000xf32>) -> tensor<1000xf32> {
  %y = arith.negf %x : tensor<1000xf32>
  return %y : tensor<1000xf32>
}
func.func private @backward(%x: tensor<1000xf32>) -> tensor<1000xf32> {
  %y = arith.negf %x : tensor<1000xf32>
  %z = arith.addf %y, %y : tensor<1000xf32>
  return %z : tensor<1000xf32>
}
func.func private @stage0.forward(%x: tensor<1000xf32> {pp.param = "w"}) -> (tensor<1000xf32> {pp.value = "x"}) {
  %y = func.call @forward(%x) : (tensor<1000xf32>) -> tensor<1000xf32>
  return %y : tensor<1000xf32>
}
func.func private @stage0.backward(%x: tensor<1000xf32> {pp.value = "x"}, %g: tensor<1000xf32> {pp.grad = "w", pp.use = 0 : i64}) -> (tensor<1000xf32> {pp.accumulates = 1 : i64}) {
  %y = func.call @backward(%x) : (tensor<1000xf32>) -> tensor<1000xf32>
  return %y : tensor<1000xf32>
}
pp.parameter @w : tensor<1000xf32> piece(512) cut init(#nn.zeros)
pp.stage 0 forward(@stage0.forward) backward(@stage0.backward)
pp.schedule "1f1b" microbatches(1) placement [0] rows ["0F0,0B0"]
pp.program @pipe0 pipe(0) {
  pp.return
}

// -----

// Where each replica updates all, the sums are gathered again, in f32, and
// parameters are whole.
// CHECK-LABEL: pp.mesh @whole
// CHECK: gradient_gather = array<f64: 2.048000e+00>, gradient_reduction = array<f64: 2.048000e+00>, {{.*}} parameter_gather = array<f64: 0.000000e+00>
// CHECK: gradients = 4.096000e+00 : f64, makespan = 8.096000e+00 : f64, parameters = 0.000000e+00 : f64}
pp.mesh @whole <["pipe" = 1, "data" = 2, "tensor" = 1]> replicas("data")
func.func private @forward(%x: tensor<1000xbf16>) -> tensor<1000xbf16> {
  %y = arith.negf %x : tensor<1000xbf16>
  return %y : tensor<1000xbf16>
}
func.func private @backward(%x: tensor<1000xbf16>) -> tensor<1000xf32> {
  %y = arith.negf %x : tensor<1000xbf16>
  %z = arith.extf %y : tensor<1000xbf16> to tensor<1000xf32>
  %u = arith.addf %z, %z : tensor<1000xf32>
  return %u : tensor<1000xf32>
}
func.func private @stage0.forward(%x: tensor<1000xbf16> {pp.param = "w"}) -> (tensor<1000xbf16> {pp.value = "x"}) {
  %y = func.call @forward(%x) : (tensor<1000xbf16>) -> tensor<1000xbf16>
  return %y : tensor<1000xbf16>
}
func.func private @stage0.backward(%x: tensor<1000xbf16> {pp.value = "x"}, %g: tensor<1000xf32> {pp.grad = "w", pp.use = 0 : i64}) -> (tensor<1000xf32> {pp.accumulates = 1 : i64}) {
  %y = func.call @backward(%x) : (tensor<1000xbf16>) -> tensor<1000xf32>
  return %y : tensor<1000xf32>
}
pp.parameter @w : tensor<1000xbf16> piece(512) init(#nn.zeros)
pp.stage 0 forward(@stage0.forward) backward(@stage0.backward)
pp.schedule "1f1b" microbatches(1) placement [0] rows ["0F0,0B0"]
pp.program @pipe0 pipe(0) {
  pp.return
}
