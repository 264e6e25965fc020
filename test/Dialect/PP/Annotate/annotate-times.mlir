// RUN: pp-opt %s -pp-annotate-times="flops=1e3 bandwidth=1e30 transfer=1e30" -split-input-file -verify-diagnostics | FileCheck %s

// Forward 1 s, backward 2 s on each of two stages, two micro-batches: the
// textbook picture has 9 s, of which each rank computes 6.
//
//   rank 0  F0 F1 .  B0 B0 .  .  B1 B1
//   rank 1  .  F0 B0 B0 F1 B1 B1
// CHECK: pp.schedule
// CHECK-SAME: pp.times = {forward = array<f64: 1.000000e+00, 1.000000e+00>,
// CHECK-SAME: transfer = array<f64: {{[0-9.e+-]+}}>
// CHECK: pp.program @pipe0
// CHECK-SAME: pp.predicted = {bubble = 0.333{{[0-9]*}} : f64, busy = 6.000000e+00 : f64, makespan = 9.000000e+00 : f64}
// CHECK: pp.program @pipe1
// CHECK-SAME: busy = 6.000000e+00 : f64
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
func.func private @stage0.backward(%x: tensor<1000xf32> {pp.value = "dx"}) -> (tensor<1000xf32> {pp.value = "dw"}) {
  %y = func.call @backward(%x) : (tensor<1000xf32>) -> tensor<1000xf32>
  return %y : tensor<1000xf32>
}
func.func private @stage1.forward(%x: tensor<1000xf32> {pp.value = "x"}) -> (tensor<1000xf32> {pp.value = "y"}) {
  %y = func.call @forward(%x) : (tensor<1000xf32>) -> tensor<1000xf32>
  return %y : tensor<1000xf32>
}
func.func private @stage1.backward(%x: tensor<1000xf32> {pp.value = "y"}) -> (tensor<1000xf32> {pp.value = "dx"}) {
  %y = func.call @backward(%x) : (tensor<1000xf32>) -> tensor<1000xf32>
  return %y : tensor<1000xf32>
}
pp.parameter @w : tensor<1000xf32> init(#nn.zeros)
pp.stage 0 forward(@stage0.forward) backward(@stage0.backward)
pp.stage 1 forward(@stage1.forward) backward(@stage1.backward)
pp.schedule "1f1b" microbatches(2) placement [0, 1] rows ["0F0,0F1,0B0,0B1", "1F0,1B0,1F1,1B1"]
pp.program @pipe0 pipe(0) {
  pp.return
}
pp.program @pipe1 pipe(1) {
  pp.return
}

// -----

// expected-error@+1 {{found no pp.schedule, expected one; run pp-schedule}}
module @none {}
