// RUN: pp-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{found type 'tensor<?xi32>', expected a tensor of static shape}}
pp.input @tokens : tensor<?xi32>

// -----

// expected-error @+1 {{found varying(1) of type 'tensor<4xi32>', which has 1 dimensions: count them from 0, or write varying}}
pp.input @tokens : tensor<4xi32> distribution(#comm.distribution<{"data" = varying(1)}>)

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
// expected-error @+1 {{found stage -1, expected a number from 0 to 1048575}}
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
func.func private @f(tensor<8xf32> {pp.value = "x"}) -> (tensor<8xf32> {pp.accumulates = 0 : i64})
// expected-note @+1 {{in the stage declared here}}
pp.stage 0 forward(@f)

// -----

// expected-error @+1 {{found pp.value = 3 : i64, expected a name: write pp.value = "..."}}
func.func private @f(tensor<8xf32> {pp.value = 3})

// -----

// expected-error @+1 {{found pp.key = 3 : i64, expected a unit attribute: write only pp.key}}
func.func private @f(i64 {pp.key = 3})

// -----

// expected-error @+1 {{found pp.use = -1 : i64, expected an i64 from 0 to 1048575}}
func.func private @f(tensor<8xf32> {pp.grad = "w", pp.use = -1 : i64})

// -----

// expected-error @+1 {{found result attribute pp.grad = "both", expected "input" or "param"}}
func.func private @f() -> (tensor<8xf32> {pp.grad = "both"})

// -----

// expected-error @+1 {{found unknown result attribute pp.data, expected pp.value, pp.accumulates, pp.grad, pp.loss, pp.loss_weight or pp.shard}}
func.func private @f() -> (tensor<8xf32> {pp.data = "x"})

// -----

// expected-error @+1 {{found 0 micro-batches, expected at least 1}}
pp.schedule "gpipe" microbatches(0) placement [] rows []

// -----

// expected-error @+1 {{found stage 1 on pipe coordinate 2, expected one below the 2 rows of the schedule}}
pp.schedule "gpipe" microbatches(1) placement [0, 2] rows ["0F0", "1F0"]

// -----

func.func private @f()
// expected-error @+1 {{found stage 4294967295, expected a number from 0 to 1048575}}
pp.stage 4294967295 forward(@f)

// -----

// expected-error @+1 {{found pp.use = 9223372036854775807 : i64, expected an i64 from 0 to 1048575}}
func.func private @f(tensor<8xf32> {pp.grad = "w", pp.use = 9223372036854775807 : i64})

// -----

// expected-error @+1 {{found pp.accumulates = 7 : i64, expected an i64 from 0 to 1}}
func.func private @f(tensor<8xf32>, tensor<8xf32>) -> (tensor<8xf32> {pp.accumulates = 7 : i64})

// -----

// expected-error @+1 {{found pp.accumulates on a result of a function without arguments, expected the accumulator among them}}
func.func private @f() -> (tensor<8xf32> {pp.accumulates = 0 : i64})

// -----

// expected-error @+1 {{found pp.accumulates = 0, an argument of type 'tensor<4xf32>', expected 'tensor<8xf32>' as of the result}}
func.func private @f(tensor<4xf32>) -> (tensor<8xf32> {pp.accumulates = 0 : i64})

// -----

// expected-error @+1 {{found 1048577 micro-batches, expected at least 1 and at most 1048576}}
pp.schedule "1f1b" microbatches(1048577) placement [0] rows ["0F0"]

// -----

// expected-error @+1 {{input #0 has type 'tensor<16777216x33554432xi32>': it has more than 2^48 elements, which no machine holds: correct dimension 1}}
pp.input @tokens : tensor<16777216x33554432xi32>

// -----

// expected-error @+1 {{parameter #0 has type 'tensor<16777216x33554432xf32>': it has more than 2^48 elements, which no machine holds: correct dimension 1}}
pp.parameter @w : tensor<16777216x33554432xf32> init(#nn.zeros)

// -----

// Constraint 1 of pp.parameter.
// expected-error @+1 {{found the name 'pprt_gpu_copy', expected one that does not begin with 'pprt_', as functions of the runtime do, which programs call: rename the parameter}}
pp.parameter @pprt_gpu_copy : tensor<8xf32> init(#nn.zeros)

// -----

// Constraints of pp.state.
// expected-error @+1 {{found no pp.parameter @w, expected one in the module}}
pp.state @w.m "m" of @w : tensor<8xf32> init(#nn.zeros)

// -----

// expected-note @+1 {{the parameter is defined here}}
pp.parameter @w : tensor<8xbf16> init(#nn.zeros)
// expected-error @+1 {{found type 'tensor<8xbf16>', expected 'tensor<8xf32>' of gradients of @w}}
pp.state @w.m "m" of @w : tensor<8xbf16> init(#nn.zeros)

// -----

pp.parameter @w : tensor<8xf32> init(#nn.zeros)
// expected-error @+1 {{found a state of kind 'm' without init, expected an initialiser such as #nn.zeros}}
pp.state @w.m "m" of @w : tensor<8xf32>

// -----

pp.parameter @w : tensor<8xbf16> init(#nn.zeros)
// expected-error @+1 {{found a state of kind 'master' with init, expected none for a master, which starts as its parameter}}
pp.state @w.master "master" of @w : tensor<8xf32> init(#nn.zeros)

// -----

pp.parameter @w : tensor<8xf32> init(#nn.zeros)
// expected-error @+1 {{found init("zeros"), expected an initialiser such as #nn.zeros}}
pp.state @w.m "m" of @w : tensor<8xf32> init("zeros")

// -----

// expected-note @+1 {{the parameter is defined here}}
pp.parameter @w : tensor<8xf32> init(#nn.zeros)
// expected-error @+1 {{found a master of a parameter that is not bf16, expected none: the parameter is its own}}
pp.state @w.master "master" of @w : tensor<8xf32>

// -----

pp.parameter @w : tensor<8xf32> init(#nn.zeros)
// expected-error @+1 {{found the name 'pprt_m', expected one that does not begin with 'pprt_'}}
pp.state @pprt_m "m" of @w : tensor<8xf32> init(#nn.zeros)

// -----

// expected-error @+1 {{found the state "m" twice, expected it once}}
pp.optimizer "twice" states ["m", "m"]

// -----

// expected-error @+1 {{found the state "master", expected moments alone: masters are those of parameters of bf16}}
pp.optimizer "greedy" states ["master"]

// -----

// expected-note @+1 {{it stands here, too}}
pp.optimizer "sgd" states []
// expected-error @+1 {{found the name 'sgd' again, expected one pp.optimizer of it}}
pp.optimizer "sgd" states ["m"]
