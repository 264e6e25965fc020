// RUN: pp-opt %s -split-input-file -pp-verify-memory -verify-diagnostics

// Constraint 7: parameters of a step, somewhere else.
pp.parameter @w : tensor<32xf32> init(#nn.zeros)
// expected-note @+1 {{that program is here}}
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 320 : i64}, pp.parameters = {w = 0 : i64}} {
  pp.return
}
// expected-error @+1 {{found other places in pp.parameters, expected what the program of a step has on its pipe coordinate; run pp-plan-memory again}}
pp.program @pipe0.evaluation pipe(0) evaluates([@w]) attributes {pp.memory = {arena = 320 : i64}, pp.parameters = {w = 64 : i64}} {
  pp.return
}

// -----

// An arena of its own.
// expected-note @+1 {{that program is here}}
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 320 : i64}} {
  pp.return
}
// expected-error @+1 {{found an arena of another size, expected what the program of a step has}}
pp.program @pipe0.evaluation pipe(0) evaluates([]) attributes {pp.memory = {arena = 384 : i64}} {
  pp.return
}

// -----

// No step whose parameters it could have.
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 320 : i64}} {
  pp.return
}
// expected-error @+1 {{found no program of a step beside it, expected what the program of a step has on its pipe coordinate}}
pp.program @pipe1.evaluation pipe(1) evaluates([]) attributes {pp.memory = {arena = 320 : i64}} {
  pp.return
}

// -----

// A result over a parameter that the evaluation itself does not read.
func.func private @f() -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
pp.parameter @w : tensor<32xf32> init(#nn.zeros)
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 320 : i64}, pp.parameters = {w = 0 : i64}} {
  pp.return
}
// expected-error @+1 {{found its parameter 'w' at [0, 128), which overlaps result 0 of 'pp.run' at [64, 192), expected buffers that are live together to be disjoint}}
pp.program @pipe0.evaluation pipe(0) evaluates([@w]) attributes {pp.memory = {arena = 320 : i64}, pp.parameters = {w = 0 : i64}} {
  // expected-note @+1 {{the other buffer is needed here}}
  %y = pp.run F stage(0) mb(0) @f() {pp.offsets = array<i64: 64>} : () -> tensor<32xf32>
  pp.return
}

// -----

// expected-error @+1 {{found no pp.parameter @none, expected one for each name in evaluates}}
pp.program @pipe0.evaluation pipe(0) evaluates([@none]) {
  pp.return
}
