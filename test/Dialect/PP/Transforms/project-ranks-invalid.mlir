// RUN: pp-opt %s -split-input-file -pp-project-ranks -verify-diagnostics

func.func private @f() -> (tensor<f32> {pp.value = "loss", pp.loss})
pp.stage 0 forward(@f)
pp.schedule "s" microbatches(1) placement [0] rows ["0F0,0B0"]
// expected-error @+1 {{found a program already, expected a plan without programs}}
pp.program @pipe0 pipe(0) {
  pp.return
}

// -----

// Only a plan that is proven is projected.
func.func private @f() -> (tensor<f32> {pp.value = "loss", pp.loss})
pp.stage 0 forward(@f)
// expected-error @+1 {{missing '0B0' on rank 0}}
pp.schedule "s" microbatches(1) placement [0] rows ["0F0"]
