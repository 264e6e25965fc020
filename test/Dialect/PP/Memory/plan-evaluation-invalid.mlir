// RUN: pp-opt %s -split-input-file -pp-plan-memory -verify-diagnostics

// A parameter that no step keeps there.
func.func private @f(%w: tensor<32xf32> {pp.param = "w"}) attributes {pp.workspace = 0 : i64}
pp.parameter @w : tensor<32xf32> init(#nn.zeros)
pp.program @pipe0 pipe(0) {
  pp.return
}
// expected-error @+1 {{found parameter 'w' of 128 bytes, expected what the program of a step on pipe coordinate 0 holds}}
pp.program @pipe0.evaluation pipe(0) evaluates([]) {
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.return
}
