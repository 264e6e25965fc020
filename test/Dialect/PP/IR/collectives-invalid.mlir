// RUN: pp-opt %s -split-input-file -verify-diagnostics

func.func private @make() -> (tensor<8x4xf32> {pp.value = "g"})
pp.program @pipe0 pipe(0) {
  %g = pp.run F stage(0) mb(0) @make() : () -> tensor<8x4xf32>
  // expected-error @+1 {{(C2) found no mesh in the module, expected one with the axes ["data"]: add pp.mesh}}
  %b, %t = pp.start all_reduce %g over ["data"] value("g") : tensor<8x4xf32> -> tensor<8x4xf32>
  %y = pp.finish %t, %g, %b : tensor<8x4xf32> -> tensor<8x4xf32>
  pp.return
}

// -----

func.func private @make() -> (tensor<8x4xf32> {pp.value = "g"})
pp.mesh @mesh <["pipe" = 1, "data" = 2]>
pp.program @pipe0 pipe(0) {
  %g = pp.run F stage(0) mb(0) @make() : () -> tensor<8x4xf32>
  // expected-error @+1 {{(C1) found no axes, expected at least one}}
  %b, %t = pp.start all_reduce %g over [] value("g") : tensor<8x4xf32> -> tensor<8x4xf32>
  %y = pp.finish %t, %g, %b : tensor<8x4xf32> -> tensor<8x4xf32>
  pp.return
}

// -----

func.func private @make() -> (tensor<8x4xf32> {pp.value = "g"})
// expected-note @+1 {{the mesh is here}}
pp.mesh @mesh <["pipe" = 1, "data" = 2]>
pp.program @pipe0 pipe(0) {
  %g = pp.run F stage(0) mb(0) @make() : () -> tensor<8x4xf32>
  // expected-error @+1 {{(C2) found axis "tensor", expected one of the mesh, ["pipe", "data"]}}
  %b, %t = pp.start all_reduce %g over ["tensor"] value("g") : tensor<8x4xf32> -> tensor<8x4xf32>
  %y = pp.finish %t, %g, %b : tensor<8x4xf32> -> tensor<8x4xf32>
  pp.return
}

// -----

func.func private @make() -> (tensor<8x4xf32> {pp.value = "g"})
pp.mesh @mesh <["pipe" = 1, "data" = 2]>
pp.program @pipe0 pipe(0) {
  %g = pp.run F stage(0) mb(0) @make() : () -> tensor<8x4xf32>
  // expected-error @+1 {{(C2) found axis "pipe" behind "data", expected the order of the mesh}}
  %b, %t = pp.start all_reduce %g over ["data", "pipe"] value("g") : tensor<8x4xf32> -> tensor<8x4xf32>
  %y = pp.finish %t, %g, %b : tensor<8x4xf32> -> tensor<8x4xf32>
  pp.return
}

// -----

func.func private @make() -> (tensor<2xi32> {pp.value = "i"})
pp.mesh @mesh <["pipe" = 1, "data" = 2]>
pp.program @pipe0 pipe(0) {
  %i = pp.run F stage(0) mb(0) @make() : () -> tensor<2xi32>
  // expected-error @+1 {{(C3) found 'tensor<2xi32>' in a sum, expected elements of bf16, f32 or f64: integers can be gathered}}
  %b, %t = pp.start all_reduce %i over ["data"] value("i") : tensor<2xi32> -> tensor<2xi32>
  %y = pp.finish %t, %i, %b : tensor<2xi32> -> tensor<2xi32>
  pp.return
}

// -----

func.func private @make() -> (tensor<f64> {pp.value = "n"})
pp.mesh @mesh <["pipe" = 1, "data" = 2]>
pp.program @pipe0 pipe(0) {
  %n = pp.run F stage(0) mb(0) @make() : () -> tensor<f64>
  // expected-error @+1 {{(C3) found 'tensor<f64>' in all_gather, expected a first dimension, along which parts lie: all-reduce it}}
  %b, %t = pp.start all_gather %n over ["data"] value("n") : tensor<f64> -> tensor<2xf64>
  %y = pp.finish %t, %n, %b : tensor<f64> -> tensor<2xf64>
  pp.return
}

// -----

func.func private @make() -> (tensor<8x4xf32> {pp.value = "g"})
pp.mesh @mesh <["pipe" = 1, "data" = 2]>
pp.program @pipe0 pipe(0) {
  %g = pp.run F stage(0) mb(0) @make() : () -> tensor<8x4xf32>
  // expected-error @+1 {{(C4) found result type 'tensor<8x4xf32>', expected 'tensor<16x4xf32>' from the operand and the mesh: declare that type}}
  %b, %t = pp.start all_gather %g over ["data"] value("g") : tensor<8x4xf32> -> tensor<8x4xf32>
  %y = pp.finish %t, %g, %b : tensor<8x4xf32> -> tensor<8x4xf32>
  pp.return
}

// -----

func.func private @make() -> (tensor<7x4xf32> {pp.value = "g"})
pp.mesh @mesh <["pipe" = 1, "data" = 2]>
pp.program @pipe0 pipe(0) {
  %g = pp.run F stage(0) mb(0) @make() : () -> tensor<7x4xf32>
  // expected-error @+1 {{(C4) found a first dimension of 7 for a group of 2, expected a multiple of it: the nearest are 6 and 8}}
  %b, %t = pp.start reduce_scatter %g over ["data"] value("g") : tensor<7x4xf32> -> tensor<3x4xf32>
  %y = pp.finish %t, %g, %b : tensor<7x4xf32> -> tensor<3x4xf32>
  pp.return
}

// -----

func.func private @make() -> (tensor<2xi32> {pp.value = "i"})
pp.mesh @mesh <["pipe" = 1, "data" = 2]>
pp.program @pipe0 pipe(0) {
  %i = pp.run F stage(0) mb(0) @make() : () -> tensor<2xi32>
  // expected-error @+1 {{(C3) found 'tensor<2xi32>' in all_to_all, expected two dimensions, of which one is cut and the other put together: reshape it in the layer}}
  %b, %t = pp.start all_to_all %i over ["data"] value("i") : tensor<2xi32> -> tensor<2xi32>
  %y = pp.finish %t, %i, %b : tensor<2xi32> -> tensor<2xi32>
  pp.return
}

// -----

func.func private @make() -> (tensor<8x4xf32> {pp.value = "g"})
pp.mesh @mesh <["pipe" = 1, "data" = 2]>
pp.program @pipe0 pipe(0) {
  %g = pp.run F stage(0) mb(0) @make() : () -> tensor<8x4xf32>
  // expected-error @+1 {{(C4) found 'tensor<8x4xf32>' in all_to_all over 2 ranks, expected a first dimension of 2, or of 1 and a second one that 2 divides: reshape it in the layer}}
  %b, %t = pp.start all_to_all %g over ["data"] value("g") : tensor<8x4xf32> -> tensor<4x8xf32>
  %y = pp.finish %t, %g, %b : tensor<8x4xf32> -> tensor<4x8xf32>
  pp.return
}

// -----

func.func private @make() -> (tensor<8x4xf32> {pp.value = "g"})
pp.mesh @mesh <["pipe" = 1, "data" = 2]>
pp.program @pipe0 pipe(0) {
  %g = pp.run F stage(0) mb(0) @make() : () -> tensor<8x4xf32>
  // expected-error @+1 {{found micro-batch 1048576, expected a number from 0 to 1048575}}
  %b, %t = pp.start all_reduce %g over ["data"] value("g") mb(1048576) : tensor<8x4xf32> -> tensor<8x4xf32>
  %y = pp.finish %t, %g, %b : tensor<8x4xf32> -> tensor<8x4xf32>
  pp.return
}

// -----

func.func private @make() -> (tensor<8x4xf32> {pp.value = "g"})
pp.mesh @mesh <["pipe" = 1, "data" = 2]>
pp.program @pipe0 pipe(0) {
  %g = pp.run F stage(0) mb(0) @make() : () -> tensor<8x4xf32>
  // expected-error @+1 {{found a transfer that is never waited for, expected one pp.finish before the end of the program}}
  %b, %t = pp.start all_reduce %g over ["data"] value("g") : tensor<8x4xf32> -> tensor<8x4xf32>
  pp.return
}

// -----

func.func private @make() -> (tensor<8x4xf32> {pp.value = "g"})
func.func private @use(tensor<8x4xf32> {pp.value = "s"})
pp.mesh @mesh <["pipe" = 1, "data" = 2]>
pp.program @pipe0 pipe(0) {
  %g = pp.run F stage(0) mb(0) @make() : () -> tensor<8x4xf32>
  // expected-note @+1 {{posted here}}
  %b, %t = pp.start all_reduce %g over ["data"] value("g") : tensor<8x4xf32> -> tensor<8x4xf32>
  // expected-error @+1 {{found a read of a buffer that is still being made, expected the result of its pp.finish}}
  pp.run F stage(1) mb(0) @use(%b) : (tensor<8x4xf32>) -> ()
  %y = pp.finish %t, %g, %b : tensor<8x4xf32> -> tensor<8x4xf32>
  pp.return
}

// -----

func.func private @make() -> (tensor<8x4xf32> {pp.value = "g"}, tensor<8x4xf32> {pp.value = "h"})
pp.mesh @mesh <["pipe" = 1, "data" = 2]>
pp.program @pipe0 pipe(0) {
  %g, %h = pp.run F stage(0) mb(0) @make() : () -> (tensor<8x4xf32>, tensor<8x4xf32>)
  // expected-note @+1 {{the token is made here}}
  %b, %t = pp.start all_reduce %g over ["data"] value("g") : tensor<8x4xf32> -> tensor<8x4xf32>
  // expected-error @+1 {{(C1) found token, operand and buffer of different collectives, expected those of one pp.start}}
  %y = pp.finish %t, %h, %b : tensor<8x4xf32> -> tensor<8x4xf32>
  pp.return
}

// -----

pp.channel @p1_to_p0 from(1) to(0)
pp.program @pipe0 pipe(0) {
  %b, %t = pp.irecv channel(@p1_to_p0) value("g") tag(0) : tensor<8x4xf32>
  // expected-error @+1 {{(C1) found a token that no pp.start made, expected one of a collective: wait for a receive with pp.wait}}
  %y = pp.finish %t, %b, %b : tensor<8x4xf32> -> tensor<8x4xf32>
  pp.return
}

// -----

func.func private @make() -> (tensor<8x4xf32> {pp.value = "g"})
pp.mesh @mesh <["pipe" = 1, "data" = 2]>
pp.program @pipe0 pipe(0) {
  %g = pp.run F stage(0) mb(0) @make() : () -> tensor<8x4xf32>
  // expected-note @+1 {{posted here}}
  %b, %t = pp.start all_reduce %g over ["data"] value("g") mb(0) : tensor<8x4xf32> -> tensor<8x4xf32>
  // expected-error @+1 {{found micro-batch 1, expected 0, that of the transfer}}
  %y = pp.finish %t, %g, %b mb(1) : tensor<8x4xf32> -> tensor<8x4xf32>
  pp.return
}

// -----

pp.mesh @mesh <["pipe" = 1, "data" = 2]> replicas("data")
// expected-note @below {{the parameter is defined here}}
pp.parameter @w : tensor<100xf32> piece(64) cut init(#nn.zeros)
pp.program @pipe0 pipe(0) {
  // expected-error @below {{found type 'tensor<50xf32>', expected 'tensor<64xf32>'}}
  %p = pp.load_piece @w : tensor<50xf32>
  pp.return
}

// -----

// expected-note @below {{the parameter is defined here}}
pp.parameter @w : tensor<100xf32> init(#nn.zeros)
pp.program @pipe0 pipe(0) {
  // expected-error @below {{found no pieces of @w, expected some: run pp-add-optimizer on a plan with replicas, or take all of it}}
  %p = pp.load_piece @w : tensor<100xf32>
  pp.return
}

// -----

pp.mesh @mesh <["pipe" = 1, "data" = 2]> replicas("data")
// expected-note @below {{the parameter is defined here}}
pp.parameter @w : tensor<100xf32> piece(64) cut init(#nn.zeros)
pp.program @pipe0 pipe(0) {
  %g = pp.load_gradient @w use(0) : tensor<100xf32>
  // expected-error @below {{found type 'tensor<100xf32>', expected 'tensor<64xf32>'}}
  pp.update @w, %g : tensor<100xf32>
  pp.return
}

// -----

pp.mesh @mesh <["pipe" = 1, "data" = 2]> replicas("data")
pp.parameter @w : tensor<100xf32> piece(64) init(#nn.zeros)
pp.program @pipe0 pipe(0) {
  %g = pp.load_gradient @w use(0) : tensor<100xf32>
  // expected-error @below {{(C4) found result type 'tensor<32xf32>', expected 'tensor<50xf32>' from the operand and the mesh}}
  %b, %t = pp.start reduce_scatter %g over ["data"] value("g") : tensor<100xf32> -> tensor<32xf32>
  %p = pp.finish %t, %g, %b : tensor<100xf32> -> tensor<32xf32>
  pp.return
}
