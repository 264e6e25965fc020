// RUN: pp-opt %s --comm-verify-distribution -o /dev/null

// On axes of four. A program sums activations between two stages of its own:
// the first takes the cotangent of the whole, the second gives that. Two uses
// of @w have one gradient; a value of one micro-batch is that of another.

pp.mesh @mesh <["pipe" = 1, "data" = 4, "tensor" = 4]>

#rows = #comm.distribution<{"data" = varying(0)}>
#summand = #comm.distribution<{"data" = varying(0), "tensor" = partial}>
#dual = #comm.distribution<{"data" = varying(0), "tensor" = replicated}>
#own = #comm.distribution<{"data" = varying}>
#w = #comm.distribution<{"data" = replicated, "tensor" = varying(0)}>
#dw = #comm.distribution<{"data" = partial, "tensor" = varying(0)}>

pp.input @tokens : tensor<2x4xi32> distribution(#rows)
pp.parameter @w : tensor<8x8xf32> sharding(#pp.sharding<[{"tensor"}, {}]>) init(#nn.zeros)

func.func private @f0(tensor<2x4xi32> {comm.distribution = #rows, pp.data = "tokens"}, tensor<2x8xf32> {comm.distribution = #w, pp.param = "w"})
    -> (tensor<2x4x8xf32> {comm.distribution = #summand, pp.value = "x"})
func.func private @b0(tensor<2x4xi32> {comm.distribution = #rows, pp.data = "tokens"},
    tensor<2x4x8xf32> {comm.distribution = #dual, pp.value = "dx"}, tensor<2x8xf32> {comm.distribution = #dw, pp.grad = "w", pp.use = 0 : i64})
    -> (tensor<2x8xf32> {comm.distribution = #dw, pp.accumulates = 2 : i64})
func.func private @f1(tensor<2x4x8xf32> {comm.distribution = #rows, pp.value = "y"}, tensor<2x8xf32> {comm.distribution = #w, pp.param = "w"})
    -> (tensor<f32> {comm.distribution = #own, pp.loss, pp.value = "loss"})
func.func private @b1(tensor<2x4x8xf32> {comm.distribution = #rows, pp.value = "y"}, tensor<2x8xf32> {comm.distribution = #w, pp.param = "w"},
    tensor<2x8xf32> {comm.distribution = #dw, pp.grad = "w", pp.use = 1 : i64})
    -> (tensor<2x4x8xf32> {comm.distribution = #rows, pp.value = "dx"}, tensor<2x8xf32> {comm.distribution = #dw, pp.accumulates = 2 : i64})

pp.program @pipe0 pipe(0) {
  pp.zero_gradient @w use(0)
  pp.zero_gradient @w use(1)
  %x = pp.run F stage(0) mb(0) @f0() : () -> tensor<2x4x8xf32>
  %b, %t = pp.start all_reduce %x over ["tensor"] value("y") mb(0) : tensor<2x4x8xf32> -> tensor<2x4x8xf32>
  %y = pp.finish %t, %x, %b : tensor<2x4x8xf32> -> tensor<2x4x8xf32>
  %loss = pp.run F stage(1) mb(0) @f1(%y) : (tensor<2x4x8xf32>) -> tensor<f32>
  pp.loss %loss mb(0) : tensor<f32>
  %dx = pp.run B stage(1) mb(0) @b1(%y) : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  pp.run B stage(0) mb(0) @b0(%dx) : (tensor<2x4x8xf32>) -> ()
  %g0 = pp.load_gradient @w use(0) : tensor<2x8xf32>
  %g1 = pp.load_gradient @w use(1) : tensor<2x8xf32>
  %g = pp.reduce_gradients @w(%g0, %g1) : tensor<2x8xf32>
  %sb, %st = pp.start all_reduce %g over ["data"] value("w.gradient") : tensor<2x8xf32> -> tensor<2x8xf32>
  %s = pp.finish %st, %g, %sb : tensor<2x8xf32> -> tensor<2x8xf32>
  pp.grad_norm @w, %s : tensor<2x8xf32>
  %one = arith.constant dense<1.0> : tensor<f32>
  pp.loss %one mb(1) : tensor<f32>
  pp.all_reduce_report
  pp.update @w, %s : tensor<2x8xf32>
  pp.return
}
