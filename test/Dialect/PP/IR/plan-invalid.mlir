// RUN: pp-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{found type 'tensor<?xi32>', expected a tensor of static shape}}
pp.input @tokens : tensor<?xi32>

// -----

// expected-error @+1 {{found type 'tensor<8xi32>', expected a tensor of floats of static shape}}
pp.parameter @w : tensor<8xi32> init(#nn.zeros)

// -----

// expected-error @+1 {{found init(1 : i64), expected an initialiser such as #nn.normal<std = 0.02> or #nn.zeros}}
pp.parameter @w : tensor<8xf32> init(1 : i64)

// -----

// expected-error @+1 {{found no function @f, expected one in the module}}
pp.stage 0 forward(@f)

// -----

func.func private @f()
// expected-error @+1 {{found stage -1, expected a number from 0}}
pp.stage -1 forward(@f)

// -----

func.func private @f()
// expected-error @+1 {{found a half of the backward without the whole, expected backward(...) too}}
pp.stage 0 forward(@f) weight(@f)

// -----

// expected-error @+1 {{argument 0 of @f: found 0 bindings, expected one of pp.value, pp.param, pp.grad, pp.data and pp.key}}
func.func private @f(tensor<8xf32>)
// expected-note @+1 {{in the stage declared here}}
pp.stage 0 forward(@f)

// -----

// expected-error @+1 {{argument 0 of @f: found 2 bindings, expected one}}
func.func private @f(tensor<8xf32> {pp.value = "x", pp.data = "x"})
// expected-note @+1 {{in the stage declared here}}
pp.stage 0 forward(@f)

// -----

// expected-error @+1 {{argument 0 of @f: found pp.grad alone, expected pp.grad and pp.use together}}
func.func private @f(tensor<8xf32> {pp.grad = "w"})
// expected-note @+1 {{in the stage declared here}}
pp.stage 0 forward(@f)

// -----

// expected-error @+1 {{argument 0 of @f: found no pp.parameter @w, expected one in the module}}
func.func private @f(tensor<8xf32> {pp.param = "w"})
// expected-note @+1 {{in the stage declared here}}
pp.stage 0 forward(@f)

// -----

// expected-error @+1 {{argument 0 of @f: found no pp.input @x, expected one in the module}}
func.func private @f(tensor<8xf32> {pp.data = "x"})
// expected-note @+1 {{in the stage declared here}}
pp.stage 0 forward(@f)

// -----

// expected-note @+1 {{defined here}}
pp.parameter @w : tensor<4xf32> init(#nn.zeros)
// expected-error @+1 {{argument 0 of @f: found type 'tensor<8xf32>', expected 'tensor<4xf32>' of @w}}
func.func private @f(tensor<8xf32> {pp.param = "w"})
// expected-note @+1 {{in the stage declared here}}
pp.stage 0 forward(@f)

// -----

// expected-error @+1 {{argument 0 of @f: found a key of type 'i32', expected i64}}
func.func private @f(i32 {pp.key})
// expected-note @+1 {{in the stage declared here}}
pp.stage 0 forward(@f)

// -----

// expected-error @+1 {{result 0 of @f: found none of pp.value and pp.accumulates, expected one}}
func.func private @f() -> tensor<8xf32>
// expected-note @+1 {{in the stage declared here}}
pp.stage 0 forward(@f)

// -----

// expected-error @+1 {{result 0 of @f: found pp.accumulates = 0, expected the number of an argument with pp.grad}}
func.func private @f() -> (tensor<8xf32> {pp.accumulates = 0 : i64})
// expected-note @+1 {{in the stage declared here}}
pp.stage 0 forward(@f)

// -----

// expected-error @+1 {{found pp.value = 3 : i64, expected a name: write pp.value = "..."}}
func.func private @f(tensor<8xf32> {pp.value = 3})

// -----

// expected-error @+1 {{found pp.key = 3 : i64, expected a unit attribute: write only pp.key}}
func.func private @f(i64 {pp.key = 3})

// -----

// expected-error @+1 {{found pp.use = -1 : i64, expected an i64 that is not negative}}
func.func private @f(tensor<8xf32> {pp.grad = "w", pp.use = -1 : i64})

// -----

// expected-error @+1 {{found result attribute pp.grad = "both", expected "input" or "param"}}
func.func private @f() -> (tensor<8xf32> {pp.grad = "both"})

// -----

// expected-error @+1 {{found unknown result attribute pp.data, expected pp.value, pp.accumulates, pp.grad or pp.loss}}
func.func private @f() -> (tensor<8xf32> {pp.data = "x"})

// -----

// expected-error @+1 {{found 0 micro-batches, expected at least 1}}
pp.schedule "gpipe" microbatches(0) placement [] ranks []

// -----

// expected-error @+1 {{found stage 1 on rank 2, expected a rank below the 2 ranks of the schedule}}
pp.schedule "gpipe" microbatches(1) placement [0, 2] ranks ["0F0", "1F0"]
