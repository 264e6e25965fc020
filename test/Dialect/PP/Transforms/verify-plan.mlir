// RUN: pp-opt %s -split-input-file -pp-verify-plan -verify-diagnostics

// A skip connection, and two stages on one rank with the order of a V.
func.func private @f0() -> (tensor<8xf32> {pp.value = "x"})
func.func private @f1(tensor<8xf32> {pp.value = "x"}) -> (tensor<8xf32> {pp.value = "y"})
func.func private @f2(tensor<8xf32> {pp.value = "y"}, tensor<8xf32> {pp.value = "x"})
    -> (tensor<f32> {pp.value = "loss", pp.loss})
func.func private @b2() -> (tensor<8xf32> {pp.value = "y.grad"}, tensor<8xf32> {pp.value = "x.grad.2"})
func.func private @b1(tensor<8xf32> {pp.value = "y.grad"}) -> (tensor<8xf32> {pp.value = "x.grad.1"})
func.func private @b0(tensor<8xf32> {pp.value = "x.grad.1"}, tensor<8xf32> {pp.value = "x.grad.2"})
pp.stage 0 forward(@f0) backward(@b0)
pp.stage 1 forward(@f1) backward(@b1)
pp.stage 2 forward(@f2) backward(@b2)
pp.schedule "v" microbatches(2) placement [0, 1, 0]
    rows ["0F0,0F1,2F0,2B0,2F1,2B1,0B0,0B1", "1F0,1F1,1B0,1B1"]

// -----

// expected-error @+1 {{found no pp.stage, expected a plan: run pp-differentiate on a model first}}
module {}

// -----

// expected-error @+1 {{found 0 pp.schedule ops, expected one: run pp-schedule}}
module {
  func.func private @f() -> (tensor<f32> {pp.value = "loss", pp.loss})
  pp.stage 0 forward(@f)
}

// -----

func.func private @f() -> (tensor<f32> {pp.value = "loss", pp.loss})
// expected-note @+1 {{first defined here}}
pp.stage 0 forward(@f)
// expected-error @+1 {{found stage 0 again, expected each stage once}}
pp.stage 0 forward(@f)

// -----

// expected-error @+1 {{found no stage 0, expected all stages up to 1}}
module {
  func.func private @f() -> (tensor<f32> {pp.value = "loss", pp.loss})
  pp.stage 1 forward(@f)
}

// -----

func.func private @f() -> (tensor<f32> {pp.value = "loss", pp.loss})
pp.stage 0 forward(@f)
// expected-error @+1 {{found a placement of 2 stages, expected the 1 stages of the plan: run pp-schedule again}}
pp.schedule "s" microbatches(1) placement [0, 0] rows ["0F0,0B0"]

// -----

func.func private @f() -> (tensor<f32> {pp.value = "loss", pp.loss})
pp.stage 0 forward(@f)
// expected-error @+1 {{pipe coordinate 0: found action 1F0, expected a stage below 1}}
pp.schedule "s" microbatches(1) placement [0] rows ["1F0"]

// -----

func.func private @f() -> (tensor<f32> {pp.value = "loss", pp.loss})
pp.stage 0 forward(@f)
// expected-error-re @+1 {{pipe coordinate 0: {{.*}}F0}}
pp.schedule "s" microbatches(1) placement [0] rows ["F0"]

// -----

// A micro-batch is missing.
func.func private @f() -> (tensor<f32> {pp.value = "loss", pp.loss})
pp.stage 0 forward(@f)
// expected-error @+2 {{missing '0F1' on rank 0}}
// expected-error @+1 {{missing '0B1' on rank 0}}
pp.schedule "s" microbatches(2) placement [0] rows ["0F0,0B0"]

// -----

// A stage runs on a rank where it is not placed.
func.func private @f() -> (tensor<f32> {pp.value = "loss", pp.loss})
pp.stage 0 forward(@f)
// expected-error @+1 {{found '0B0' on rank 1, expected it on rank 0, where stage 0 is placed}}
pp.schedule "s" microbatches(1) placement [0] rows ["0F0", "0B0"]

// -----

// Gradients would accumulate in another order.
func.func private @f() -> (tensor<f32> {pp.value = "loss", pp.loss})
pp.stage 0 forward(@f)
// expected-error-re @+1 {{0B0{{.*}}ascending}}
pp.schedule "s" microbatches(2) placement [0] rows ["0F0,0F1,0B1,0B0"]

// -----

// Backward before forward.
func.func private @f() -> (tensor<f32> {pp.value = "loss", pp.loss})
pp.stage 0 forward(@f)
// expected-error-re @+1 {{0B0}}
pp.schedule "s" microbatches(1) placement [0] rows ["0B0,0F0"]

// -----

// expected-error @+1 {{argument 0: found value 'x' that no stage produces, expected a result with pp.value = "x"}}
func.func private @f(tensor<8xf32> {pp.value = "x"}) -> (tensor<f32> {pp.value = "loss", pp.loss})
pp.stage 0 forward(@f)
pp.schedule "s" microbatches(1) placement [0] rows ["0F0,0B0"]

// -----

// expected-note @+1 {{first produced here}}
func.func private @f() -> (tensor<f32> {pp.value = "loss", pp.loss})
// expected-error @+1 {{found value 'loss' produced again, expected one producer}}
func.func private @b() -> (tensor<f32> {pp.value = "loss"})
pp.stage 0 forward(@f) backward(@b)
pp.schedule "s" microbatches(1) placement [0] rows ["0F0,0B0"]

// -----

// expected-note @+1 {{produced here}}
func.func private @f() -> (tensor<f32> {pp.value = "loss", pp.loss})
// expected-error @+1 {{argument 0: found value 'loss' of type 'tensor<8xf32>', expected 'tensor<f32>' as produced}}
func.func private @b(tensor<8xf32> {pp.value = "loss"})
pp.stage 0 forward(@f) backward(@b)
pp.schedule "s" microbatches(1) placement [0] rows ["0F0,0B0"]

// -----

func.func private @f() -> (tensor<f32> {pp.value = "loss", pp.loss})
// expected-note @+1 {{produced here}}
func.func private @b() -> (tensor<f32> {pp.value = "g"})
// expected-error @+1 {{found value 'g' of type 'tensor<8xf32>', expected 'tensor<f32>' as in the other form of the backward}}
func.func private @i() -> (tensor<8xf32> {pp.value = "g"})
pp.stage 0 forward(@f) backward(@b) input(@i)
pp.schedule "s" microbatches(1) placement [0] rows ["0F0,0B0"]

// -----

// expected-error @+1 {{found no result with pp.loss, expected one in the forward of a stage}}
module {
  func.func private @f() -> (tensor<f32> {pp.value = "loss"})
  pp.stage 0 forward(@f)
  pp.schedule "s" microbatches(1) placement [0] rows ["0F0,0B0"]
}

// -----

// expected-note @+1 {{the first is here}}
func.func private @f() -> (tensor<f32> {pp.value = "loss", pp.loss})
// expected-error @+1 {{found a second pp.loss, expected one}}
func.func private @g() -> (tensor<f32> {pp.value = "other", pp.loss})
pp.stage 0 forward(@f)
pp.stage 1 forward(@g)
pp.schedule "s" microbatches(1) placement [0, 0] rows ["0F0,1F0,1B0,0B0"]

// -----

func.func private @f() -> (tensor<8xf32> {pp.value = "y"})
// expected-error @+1 {{found pp.loss on a backward function, expected it on a result of a forward}}
func.func private @b() -> (tensor<f32> {pp.value = "loss", pp.loss})
pp.stage 0 forward(@f) backward(@b)
pp.schedule "s" microbatches(1) placement [0] rows ["0F0,0B0"]

// -----

pp.parameter @w : tensor<8xf32> init(#nn.zeros)
func.func private @f() -> (tensor<f32> {pp.value = "loss", pp.loss})
func.func private @g() -> (tensor<f32> {pp.value = "other"})
func.func private @b(tensor<8xf32> {pp.grad = "w", pp.use = 0 : i64}) -> (tensor<8xf32> {pp.accumulates = 0 : i64})
// expected-note @+1 {{the other stage is here}}
pp.stage 0 forward(@f) backward(@b)
// expected-error @+1 {{found the gradient of use 0 of @w in stage 1 and stage 0, expected each use in one stage}}
pp.stage 1 forward(@g) backward(@b)
pp.schedule "s" microbatches(1) placement [0, 0] rows ["0F0,1F0,1B0,0B0"]

// -----

pp.parameter @w : tensor<8xf32> init(#nn.zeros)
func.func private @f() -> (tensor<f32> {pp.value = "loss", pp.loss})
// expected-error @+1 {{found two accumulators for use 0 of @w, expected one}}
func.func private @b(tensor<8xf32> {pp.grad = "w", pp.use = 0 : i64}, tensor<8xf32> {pp.grad = "w", pp.use = 0 : i64})
    -> (tensor<8xf32> {pp.accumulates = 0 : i64}, tensor<8xf32> {pp.accumulates = 1 : i64})
pp.stage 0 forward(@f) backward(@b)
pp.schedule "s" microbatches(1) placement [0] rows ["0F0,0B0"]

// -----

pp.parameter @w : tensor<8xf32> init(#nn.zeros)
func.func private @f() -> (tensor<f32> {pp.value = "loss", pp.loss})
func.func private @b(tensor<8xf32> {pp.grad = "w", pp.use = 0 : i64}) -> (tensor<8xf32> {pp.accumulates = 0 : i64})
func.func private @w0()
// expected-error @+1 {{found 0 gradient accumulators in the halves of the backward and 1 in the whole, expected the same uses in both}}
pp.stage 0 forward(@f) backward(@b) weight(@w0)
pp.schedule "s" microbatches(1) placement [0] rows ["0F0,0B0"]

// -----

pp.parameter @w : tensor<8xf32> init(#nn.zeros)
// expected-error @+1 {{found a gradient accumulator in a forward function, expected it in the backward}}
func.func private @f(tensor<8xf32> {pp.grad = "w", pp.use = 0 : i64})
    -> (tensor<f32> {pp.value = "loss", pp.loss}, tensor<8xf32> {pp.accumulates = 0 : i64})
pp.stage 0 forward(@f)
pp.schedule "s" microbatches(1) placement [0] rows ["0F0,0B0"]

// -----

// In the order of stages the schedule is right, but stage 0 reads what stage 1
// produces: the chain is not the data flow.
// expected-note @+1 {{the function which reads it is here}}
func.func private @f0(tensor<8xf32> {pp.value = "y"}) -> (tensor<8xf32> {pp.value = "x"})
func.func private @f1(tensor<8xf32> {pp.value = "x"}) -> (tensor<8xf32> {pp.value = "y"}, tensor<f32> {pp.value = "loss", pp.loss})
pp.stage 0 forward(@f0)
pp.stage 1 forward(@f1)
// expected-error @+1 {{pipe coordinate 0 stops before action 0F0, which reads 'y': found its producer 1F0 on pipe coordinate 1 where it is not reached, expected data-flow order: move the producer forward}}
pp.schedule "s" microbatches(1) placement [0, 1] rows ["0F0,0B0", "1F0,1B0"]

// -----

// Only the halves of the backward produce g, and the schedule does not run them.
func.func private @f0() -> (tensor<f32> {pp.value = "loss", pp.loss})
func.func private @b0()
func.func private @i0() -> (tensor<8xf32> {pp.value = "g"})
func.func private @f1(tensor<8xf32> {pp.value = "g"})
pp.stage 0 forward(@f0) backward(@b0) input(@i0)
pp.stage 1 forward(@f1)
// expected-error @+1 {{pipe coordinate 1 stops before action 1F0, which reads 'g': found no action that produces it for this micro-batch, expected one in the schedule}}
pp.schedule "s" microbatches(1) placement [0, 1] rows ["0F0,0B0", "1F0,1B0"]

// -----

// What has become native code is no plan any more.
llvm.func @f0()
// expected-error @+1 {{found no func.func @f0, expected stages that are not lowered}}
pp.stage 0 forward(@f0)
pp.schedule "s" microbatches(1) placement [0] rows ["0F0,0B0"]

// -----

// expected-note @+1 {{the first is here}}
func.func private @f() -> (tensor<f32> {pp.value = "loss", pp.loss}, tensor<f32> {pp.value = "w", pp.loss_weight})
// expected-error @+1 {{found a second pp.loss_weight, expected one}}
func.func private @g() -> (tensor<f32> {pp.value = "v", pp.loss_weight})
pp.stage 0 forward(@f)
pp.stage 1 forward(@g)
pp.schedule "s" microbatches(1) placement [0, 0] rows ["0F0,1F0,1B0,0B0"]

// -----

func.func private @f() -> (tensor<f32> {pp.value = "loss", pp.loss})
// expected-error @+1 {{found pp.loss_weight on a backward function, expected it on a result of a forward}}
func.func private @b() -> (tensor<f32> {pp.value = "v", pp.loss_weight})
pp.stage 0 forward(@f) backward(@b)
pp.schedule "s" microbatches(1) placement [0] rows ["0F0,0B0"]
