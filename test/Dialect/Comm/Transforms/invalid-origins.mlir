// RUN: pp-opt %s -split-input-file -comm-verify-distribution -verify-diagnostics

// What an update takes is the gradient of its parameter, of all uses: on any mesh.
pp.mesh @mesh <["pipe" = 1]>
pp.parameter @a : tensor<8xf32> init(#nn.zeros)
pp.parameter @b : tensor<8xf32> init(#nn.zeros)
func.func private @f(tensor<8xf32> {pp.grad = "a", pp.use = 0 : i64}, tensor<8xf32> {pp.grad = "b", pp.use = 0 : i64})
pp.program @pipe0 pipe(0) {
  %a = pp.load_gradient @a use(0) : tensor<8xf32>
  %b = pp.load_gradient @b use(0) : tensor<8xf32>
  pp.grad_norm @a, %a : tensor<8xf32>
  // expected-error @below {{'pp.grad_norm' op found the gradient of @a, of use 0, expected the gradient of @b, of use 0: begin with its pp.load_gradient}}
  pp.grad_norm @b, %a : tensor<8xf32>
  pp.return
}

// -----

pp.mesh @mesh <["pipe" = 1]>
pp.parameter @a : tensor<8xf32> init(#nn.zeros)
pp.program @pipe0 pipe(0) {
  %a = pp.load_parameter @a : tensor<8xf32>
  // expected-error @below {{'pp.update' op found @a itself, expected a gradient of @a: begin with its pp.load_gradient}}
  pp.update @a, %a : tensor<8xf32>
  pp.return
}

// -----

pp.mesh @mesh <["pipe" = 1]>
pp.parameter @a : tensor<8xf32> init(#nn.zeros)
func.func private @f() -> (tensor<8xf32> {pp.value = "x"})
pp.program @pipe0 pipe(0) {
  %x = pp.run F stage(0) mb(0) @f() : () -> tensor<8xf32>
  // expected-error @below {{'pp.update' op found a value of no parameter, expected a gradient of @a: begin with its pp.load_gradient}}
  pp.update @a, %x : tensor<8xf32>
  pp.return
}

// -----

// A use is missing.
pp.mesh @mesh <["pipe" = 1]>
pp.parameter @a : tensor<8xf32> init(#nn.zeros)
func.func private @f(tensor<8xf32> {pp.grad = "a", pp.use = 1 : i64}, tensor<8xf32> {pp.grad = "a", pp.use = 0 : i64})
pp.program @pipe0 pipe(0) {
  %0 = pp.load_gradient @a use(0) : tensor<8xf32>
  // expected-error @below {{'pp.update' op found the gradient of @a, of use 0, expected the gradient of @a, of uses 0, 1: add them up with pp.reduce_gradients}}
  pp.update @a, %0 : tensor<8xf32>
  pp.return
}

// -----

// One counts twice.
pp.mesh @mesh <["pipe" = 1]>
pp.parameter @a : tensor<8xf32> init(#nn.zeros)
func.func private @f(tensor<8xf32> {pp.grad = "a", pp.use = 1 : i64}, tensor<8xf32> {pp.grad = "a", pp.use = 0 : i64})
pp.program @pipe0 pipe(0) {
  %0 = pp.load_gradient @a use(0) : tensor<8xf32>
  %1 = pp.load_gradient @a use(1) : tensor<8xf32>
  %all = pp.reduce_gradients @a(%0, %1) : tensor<8xf32>
  // expected-error @below {{'pp.reduce_gradients' op found the gradient of use 1 behind that of use 1, expected each use once, in their order, which the bits of the sum depend on}}
  %again = pp.reduce_gradients @a(%all, %1) : tensor<8xf32>
  pp.return
}

// -----

pp.mesh @mesh <["pipe" = 1]>
pp.parameter @a : tensor<8xf32> init(#nn.zeros)
pp.parameter @b : tensor<8xf32> init(#nn.zeros)
pp.program @pipe0 pipe(0) {
  %0 = pp.load_gradient @a use(0) : tensor<8xf32>
  %1 = pp.load_gradient @b use(1) : tensor<8xf32>
  // expected-error @below {{'pp.reduce_gradients' op found the gradient of @b, of use 1, expected a gradient of @a: begin with its pp.load_gradient}}
  %all = pp.reduce_gradients @a(%0, %1) : tensor<8xf32>
  pp.return
}

// -----

// It crosses channels and collectives.
pp.mesh @mesh <["pipe" = 2, "data" = 2]> replicas("data")
pp.parameter @a : tensor<64xf32> piece(32) cut init(#nn.zeros)
pp.parameter @b : tensor<64xf32> piece(32) cut init(#nn.zeros)
pp.channel @p0_to_p1 from(0) to(1)
pp.program @pipe0 pipe(0) {
  %piece = pp.load_piece @b : tensor<32xf32>
  %t = pp.isend %piece channel(@p0_to_p1) value("b.grad.0") tag(0) : tensor<32xf32>
  pp.wait_send %t, %piece : tensor<32xf32>
  pp.return
}
pp.program @pipe1 pipe(1) {
  %b, %t = pp.irecv channel(@p0_to_p1) value("b.grad.0") tag(0) : tensor<32xf32>
  %y = pp.wait %t, %b : tensor<32xf32>
  // expected-error @below {{'pp.update' op found @b itself, expected a gradient of @b: begin with its pp.load_gradient}}
  pp.update @b, %y : tensor<32xf32>
  pp.return
}

// -----

pp.mesh @mesh <["pipe" = 1, "data" = 2]> replicas("data")
pp.parameter @a : tensor<64xf32> piece(32) cut init(#nn.zeros)
pp.parameter @b : tensor<64xf32> piece(32) cut init(#nn.zeros)
pp.program @pipe0 pipe(0) {
  %piece = pp.load_piece @b : tensor<32xf32>
  %buffer, %token = pp.start all_gather %piece over ["data"] value("b") : tensor<32xf32> -> tensor<64xf32>
  %b = pp.finish %token, %piece, %buffer : tensor<32xf32> -> tensor<64xf32>
  // expected-error @below {{'pp.store_parameter' op found @b itself, expected @a: store what was loaded of that one}}
  pp.store_parameter @a, %b : tensor<64xf32>
  pp.return
}
