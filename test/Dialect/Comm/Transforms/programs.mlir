// RUN: pp-opt %s --comm-verify-distribution | FileCheck %s
// RUN: pp-opt %s --pp-verify-communication -o /dev/null

// Programs of two stages, on two data-parallel and two tensor-parallel
// coordinates. Activations between the stages are parts of the sequence, their
// first dimension; the second stage computes on whole sequences. @w is used by
// both stages, @g sees parts of the sequence, @v is cut.

// CHECK: pp.mesh
pp.mesh @mesh <["pipe" = 2, "data" = 2, "tensor" = 2]>

#ids = #comm.distribution<{"data" = varying(1)}>
#part = #comm.distribution<{"data" = varying(1), "tensor" = varying(0)}>
#whole = #comm.distribution<{"data" = varying(1), "tensor" = replicated}>
#whole_grad = #comm.distribution<{"data" = varying(1), "tensor" = partial}>
#loss = #comm.distribution<{"data" = varying}>
#tied = #comm.distribution<{"data" = replicated}>
#tied_grad = #comm.distribution<{"data" = partial}>
#norm = #comm.distribution<{"data" = replicated, "tensor" = replicated}>
#norm_grad = #comm.distribution<{"data" = partial, "tensor" = partial}>
#cut = #comm.distribution<{"data" = replicated, "tensor" = varying(1)}>
#cut_grad = #comm.distribution<{"data" = partial, "tensor" = varying(1)}>

pp.input @tokens : tensor<4x2xi32> distribution(#ids)
pp.input @targets : tensor<4x2xi32> distribution(#ids)
pp.parameter @w : tensor<8x8xf32> init(#nn.zeros)
pp.parameter @g : tensor<8xf32> init(#nn.zeros)
pp.parameter @v : tensor<8x16xf32> sharding(#pp.sharding<[{}, {"tensor"}]>) init(#nn.zeros)

func.func private @f0(tensor<4x2xi32> {comm.distribution = #ids, pp.data = "tokens"},
    tensor<8x8xf32> {comm.distribution = #tied, pp.param = "w"},
    tensor<8xf32> {comm.distribution = #norm, pp.param = "g"})
    -> (tensor<2x2x8xf32> {comm.distribution = #part, pp.value = "x"},
        tensor<2x2x8xf32> {comm.distribution = #part, pp.value = "x.residual"})
func.func private @b0(tensor<4x2xi32> {comm.distribution = #ids, pp.data = "tokens"},
    tensor<2x2x8xf32> {comm.distribution = #part, pp.value = "x.grad"},
    tensor<2x2x8xf32> {comm.distribution = #part, pp.value = "x.residual"},
    tensor<8xf32> {comm.distribution = #norm, pp.param = "g"},
    tensor<8x8xf32> {comm.distribution = #tied_grad, pp.grad = "w", pp.use = 0 : i64},
    tensor<8xf32> {comm.distribution = #norm_grad, pp.grad = "g", pp.use = 0 : i64})
    -> (tensor<8x8xf32> {comm.distribution = #tied_grad, pp.accumulates = 4 : i64},
        tensor<8xf32> {comm.distribution = #norm_grad, pp.accumulates = 5 : i64})
func.func private @f1(tensor<4x2x8xf32> {comm.distribution = #whole, pp.value = "x.whole"},
    tensor<4x2xi32> {comm.distribution = #ids, pp.data = "targets"},
    tensor<8x8xf32> {comm.distribution = #cut, pp.param = "v"},
    tensor<8x8xf32> {comm.distribution = #tied, pp.param = "w"})
    -> (tensor<f32> {comm.distribution = #loss, pp.loss, pp.value = "loss"})
func.func private @b1(tensor<4x2x8xf32> {comm.distribution = #whole, pp.value = "x.whole"},
    tensor<4x2xi32> {comm.distribution = #ids, pp.data = "targets"},
    tensor<8x8xf32> {comm.distribution = #cut, pp.param = "v"},
    tensor<8x8xf32> {comm.distribution = #tied, pp.param = "w"},
    tensor<8x8xf32> {comm.distribution = #cut_grad, pp.grad = "v", pp.use = 0 : i64},
    tensor<8x8xf32> {comm.distribution = #tied_grad, pp.grad = "w", pp.use = 1 : i64})
    -> (tensor<4x2x8xf32> {comm.distribution = #whole_grad, pp.value = "x.whole.grad"},
        tensor<8x8xf32> {comm.distribution = #cut_grad, pp.accumulates = 4 : i64},
        tensor<8x8xf32> {comm.distribution = #tied_grad, pp.accumulates = 5 : i64})

pp.channel @down from(0) to(1)
pp.channel @up from(1) to(0)

// The program that receives stands before the one that sends, too.
pp.program @pipe1 pipe(1) {
  pp.zero_gradient @v use(0)
  pp.zero_gradient @w use(1)
  pp.begin_loop rounds(4) step(1)
  %xb, %xt = pp.irecv channel(@down) value("x") mb(0) tag(0) : tensor<2x2x8xf32>
  %x = pp.wait %xt, %xb : tensor<2x2x8xf32>
  %wb, %wt = pp.start all_gather %x over ["tensor"] value("x.whole") mb(0) : tensor<2x2x8xf32> -> tensor<4x2x8xf32>
  %whole = pp.finish %wt, %x, %wb : tensor<2x2x8xf32> -> tensor<4x2x8xf32>
  %loss = pp.run F stage(1) mb(0) @f1(%whole) : (tensor<4x2x8xf32>) -> tensor<f32>
  pp.loss %loss mb(0) : tensor<f32>
  %d = pp.run B stage(1) mb(0) @b1(%whole) : (tensor<4x2x8xf32>) -> tensor<4x2x8xf32>
  %pb, %pt = pp.start reduce_scatter %d over ["tensor"] value("x.grad") mb(0) : tensor<4x2x8xf32> -> tensor<2x2x8xf32>
  %part = pp.finish %pt, %d, %pb : tensor<4x2x8xf32> -> tensor<2x2x8xf32>
  %st = pp.isend %part channel(@up) value("x.grad") mb(0) tag(0) : tensor<2x2x8xf32>
  pp.wait_send %st, %part : tensor<2x2x8xf32>
  pp.end_loop
  %gv = pp.load_gradient @v use(0) : tensor<8x8xf32>
  %rv = pp.reduce_gradients @v(%gv) : tensor<8x8xf32>
  %vb, %vt = pp.start all_reduce %rv over ["data"] value("v.gradient") : tensor<8x8xf32> -> tensor<8x8xf32>
  %sv = pp.finish %vt, %rv, %vb : tensor<8x8xf32> -> tensor<8x8xf32>
  %gw = pp.load_gradient @w use(1) : tensor<8x8xf32>
  %gt = pp.isend %gw channel(@up) value("w.gradient1") tag(100) : tensor<8x8xf32>
  pp.wait_send %gt, %gw : tensor<8x8xf32>
  pp.grad_norm @v, %sv : tensor<8x8xf32>
  pp.all_reduce_report
  pp.update @v, %sv : tensor<8x8xf32>
  %nb, %nt = pp.irecv channel(@down) value("w") tag(100) : tensor<8x8xf32>
  %nw = pp.wait %nt, %nb : tensor<8x8xf32>
  pp.store_parameter @w, %nw : tensor<8x8xf32>
  pp.return
}
pp.program @pipe0 pipe(0) {
  pp.zero_gradient @w use(0)
  pp.zero_gradient @g use(0)
  pp.begin_loop rounds(4) step(1)
  %x, %r = pp.run F stage(0) mb(0) @f0() : () -> (tensor<2x2x8xf32>, tensor<2x2x8xf32>)
  %xt = pp.isend %x channel(@down) value("x") mb(0) tag(0) : tensor<2x2x8xf32>
  pp.wait_send %xt, %x : tensor<2x2x8xf32>
  %db, %dt = pp.irecv channel(@up) value("x.grad") mb(0) tag(0) : tensor<2x2x8xf32>
  %d = pp.wait %dt, %db : tensor<2x2x8xf32>
  pp.run B stage(0) mb(0) @b0(%d, %r) : (tensor<2x2x8xf32>, tensor<2x2x8xf32>) -> ()
  pp.end_loop
  %gg = pp.load_gradient @g use(0) : tensor<8xf32>
  %rg = pp.reduce_gradients @g(%gg) : tensor<8xf32>
  %gb, %gt = pp.start all_reduce %rg over ["data", "tensor"] value("g.gradient") : tensor<8xf32> -> tensor<8xf32>
  %g0 = pp.load_gradient @w use(0) : tensor<8x8xf32>
  %b1, %t1 = pp.irecv channel(@up) value("w.gradient1") tag(100) : tensor<8x8xf32>
  %g1 = pp.wait %t1, %b1 : tensor<8x8xf32>
  %rw = pp.reduce_gradients @w(%g0, %g1) : tensor<8x8xf32>
  %wb, %wt = pp.start reduce_scatter %rw over ["data"] value("w.gradient") : tensor<8x8xf32> -> tensor<4x8xf32>
  %pw = pp.finish %wt, %rw, %wb : tensor<8x8xf32> -> tensor<4x8xf32>
  %ab, %at = pp.start all_gather %pw over ["data"] value("w.gradient.whole") : tensor<4x8xf32> -> tensor<8x8xf32>
  %sw = pp.finish %at, %pw, %ab : tensor<4x8xf32> -> tensor<8x8xf32>
  %sg = pp.finish %gt, %rg, %gb : tensor<8xf32> -> tensor<8xf32>
  pp.grad_norm @w, %sw : tensor<8x8xf32>
  pp.grad_norm @g, %sg : tensor<8xf32>
  pp.all_reduce_report
  pp.update @w, %sw : tensor<8x8xf32>
  pp.update @g, %sg : tensor<8xf32>
  %nw = pp.load_parameter @w : tensor<8x8xf32>
  %nt = pp.isend %nw channel(@down) value("w") tag(100) : tensor<8x8xf32>
  pp.wait_send %nt, %nw : tensor<8x8xf32>
  pp.return
}
