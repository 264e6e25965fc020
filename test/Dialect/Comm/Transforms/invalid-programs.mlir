// RUN: pp-opt %s --comm-verify-distribution --split-input-file --verify-diagnostics

// A partial activation where a whole one is expected.
pp.mesh @mesh <["pipe" = 2, "data" = 2, "tensor" = 2]>
func.func private @f() -> (tensor<4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>, pp.value = "x"})
func.func private @g(tensor<4x8xf32> {pp.value = "y"})
pp.program @pipe0 pipe(0) {
  // expected-note @below {{the value is made here}}
  %x = pp.run F stage(0) mb(0) @f() : () -> tensor<4x8xf32>
  // expected-error @below {{operand #0, value "y", on axis "tensor": found partial, expected invariant: sum it with pp.start all_reduce over ["tensor"]}}
  pp.run F stage(1) mb(0) @g(%x) : (tensor<4x8xf32>) -> ()
  pp.return
}

// -----

// Parts where the whole is expected.
pp.mesh @mesh <["tensor" = 2]>
func.func private @f() -> (tensor<4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>, pp.value = "x"})
func.func private @g(tensor<4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>, pp.value = "y"})
pp.program @pipe0 pipe(0) {
  // expected-note @below {{the value is made here}}
  %x = pp.run F stage(0) mb(0) @f() : () -> tensor<4x8xf32>
  // expected-error @below {{operand #0, value "y", on axis "tensor": found varying(0), expected invariant: gather it with pp.start all_gather over ["tensor"]}}
  pp.run F stage(1) mb(0) @g(%x) : (tensor<4x8xf32>) -> ()
  pp.return
}

// -----

// A partial cotangent where a part of it is expected.
pp.mesh @mesh <["tensor" = 2]>
func.func private @f() -> (tensor<4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>, pp.value = "x"})
func.func private @g(tensor<4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>, pp.value = "y"})
pp.program @pipe0 pipe(0) {
  // expected-note @below {{the value is made here}}
  %x = pp.run B stage(1) mb(0) @f() : () -> tensor<4x8xf32>
  // expected-error @below {{operand #0, value "y", on axis "tensor": found partial, expected varying(0): sum it with pp.start reduce_scatter over ["tensor"]}}
  pp.run B stage(0) mb(0) @g(%x) : (tensor<4x8xf32>) -> ()
  pp.return
}

// -----

// Parts of one dimension where those of another are expected.
pp.mesh @mesh <["tensor" = 2]>
func.func private @f() -> (tensor<2x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>, pp.value = "x"})
func.func private @g(tensor<2x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>, pp.value = "y"})
func.func private @h(tensor<1x16xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>, pp.value = "z"})
pp.program @pipe0 pipe(0) {
  // expected-note @below {{the value is made here}}
  %x = pp.run F stage(0) mb(0) @f() : () -> tensor<2x8xf32>
  %b, %t = pp.start all_to_all %x over ["tensor"] value("z") mb(0) : tensor<2x8xf32> -> tensor<1x16xf32>
  %z = pp.finish %t, %x, %b : tensor<2x8xf32> -> tensor<1x16xf32>
  pp.run F stage(1) mb(0) @h(%z) : (tensor<1x16xf32>) -> ()
  // expected-error @below {{operand #0, value "y", on axis "tensor": found varying(1), expected varying(0): exchange its dimensions with pp.start all_to_all over ["tensor"]}}
  pp.run F stage(1) mb(0) @g(%x) : (tensor<2x8xf32>) -> ()
  pp.return
}

// -----

// The exchange is of the other dimension.
pp.mesh @mesh <["tensor" = 2]>
func.func private @f() -> (tensor<1x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>, pp.value = "x"})
pp.program @pipe0 pipe(0) {
  // expected-note @below {{operand #0 is varying(1) here}}
  %x = pp.run F stage(0) mb(0) @f() : () -> tensor<1x8xf32>
  // expected-error @below {{'pp.start' op on axis "tensor": found operand #0 varying(1), expected varying(0)}}
  %b, %t = pp.start all_to_all %x over ["tensor"] value("z") mb(0) : tensor<1x8xf32> -> tensor<2x4xf32>
  %z = pp.finish %t, %x, %b : tensor<1x8xf32> -> tensor<2x4xf32>
  pp.return
}

// -----

// A whole value where a sum follows.
pp.mesh @mesh <["tensor" = 2]>
func.func private @f() -> (tensor<4x8xf32> {pp.value = "x"})
func.func private @g(tensor<4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>, pp.value = "y"})
pp.program @pipe0 pipe(0) {
  // expected-note @below {{the value is made here}}
  %x = pp.run F stage(0) mb(0) @f() : () -> tensor<4x8xf32>
  // expected-error @below {{operand #0, value "y", on axis "tensor": found invariant, expected partial: a sum over ["tensor"] would count it too often: drop a reduction}}
  pp.run F stage(1) mb(0) @g(%x) : (tensor<4x8xf32>) -> ()
  pp.return
}

// -----

// A whole value where parts are expected.
pp.mesh @mesh <["tensor" = 2]>
func.func private @f() -> (tensor<4x8xf32> {pp.value = "x"})
func.func private @g(tensor<4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>, pp.value = "y"})
pp.program @pipe0 pipe(0) {
  // expected-note @below {{the value is made here}}
  %x = pp.run F stage(0) mb(0) @f() : () -> tensor<4x8xf32>
  // expected-error @below {{operand #0, value "y", on axis "tensor": found invariant, expected varying(1): pass what is varying(1), or declare the argument invariant}}
  pp.run F stage(1) mb(0) @g(%x) : (tensor<4x8xf32>) -> ()
  pp.return
}

// -----

// What is received is what was sent.
pp.mesh @mesh <["pipe" = 2, "data" = 2]>
func.func private @f() -> (tensor<4x8xf32> {comm.distribution = #comm.distribution<{"data" = varying(0)}>, pp.value = "x"})
func.func private @g(tensor<4x8xf32> {comm.distribution = #comm.distribution<{"data" = varying(1)}>, pp.value = "x"})
pp.channel @c from(0) to(1)
pp.program @pipe1 pipe(1) {
  %b, %t = pp.irecv channel(@c) value("x") mb(0) tag(0) : tensor<4x8xf32>
  // expected-note @below {{the value is made here}}
  %x = pp.wait %t, %b : tensor<4x8xf32>
  // expected-error @below {{operand #0, value "x", on axis "data": found varying(0), expected varying(1)}}
  pp.run F stage(1) mb(0) @g(%x) : (tensor<4x8xf32>) -> ()
  pp.return
}
pp.program @pipe0 pipe(0) {
  %x = pp.run F stage(0) mb(0) @f() : () -> tensor<4x8xf32>
  %t = pp.isend %x channel(@c) value("x") mb(0) tag(0) : tensor<4x8xf32>
  pp.wait_send %t, %x : tensor<4x8xf32>
  pp.return
}

// -----

// All micro-batches of a value are alike.
pp.mesh @mesh <["pipe" = 2, "tensor" = 2]>
func.func private @f() -> (tensor<4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>, pp.value = "x"})
pp.channel @c from(0) to(1)
pp.program @pipe0 pipe(0) {
  %x = pp.run F stage(0) mb(0) @f() : () -> tensor<4x8xf32>
  %b, %t = pp.start all_reduce %x over ["tensor"] value("s") mb(0) : tensor<4x8xf32> -> tensor<4x8xf32>
  %s = pp.finish %t, %x, %b : tensor<4x8xf32> -> tensor<4x8xf32>
  %t0 = pp.isend %s channel(@c) value("x") mb(0) tag(0) : tensor<4x8xf32>
  pp.wait_send %t0, %s : tensor<4x8xf32>
  // expected-note @below {{the value is made here}}
  %y = pp.run F stage(0) mb(1) @f() : () -> tensor<4x8xf32>
  // expected-error @below {{the buffer, of which another micro-batch is sent before it, on axis "tensor": found partial, expected invariant: sum it with pp.start all_reduce over ["tensor"]}}
  %t1 = pp.isend %y channel(@c) value("x") mb(1) tag(1) : tensor<4x8xf32>
  pp.wait_send %t1, %y : tensor<4x8xf32>
  pp.return
}

// -----

// A receive of nothing.
pp.mesh @mesh <["pipe" = 2, "tensor" = 2]>
pp.channel @c from(0) to(1)
pp.program @pipe1 pipe(1) {
  %b, %t = pp.irecv channel(@c) value("x") mb(0) tag(0) : tensor<4x8xf32>
  // expected-error @below {{found value "x" received, which nothing sends on channel @c before, expected a pp.isend of it: see pp-verify-communication}}
  %x = pp.wait %t, %b : tensor<4x8xf32>
  pp.return
}

// -----

// An update without the sum over replicas.
pp.mesh @mesh <["data" = 2]>
pp.parameter @w : tensor<8xf32> init(#nn.zeros)
func.func private @f(tensor<8xf32> {comm.distribution = #comm.distribution<{"data" = replicated}>, pp.param = "w"})
pp.program @pipe0 pipe(0) {
  // expected-note @below {{the value is made here}}
  %g = pp.load_gradient @w use(0) : tensor<8xf32>
  // expected-error @below {{the gradient on axis "data": found partial, expected invariant: sum it with pp.start all_reduce over ["data"]}}
  pp.update @w, %g : tensor<8xf32>
  pp.return
}

// -----

// A norm without it.
pp.mesh @mesh <["data" = 2]>
pp.parameter @w : tensor<8xf32> init(#nn.zeros)
func.func private @f(tensor<8xf32> {comm.distribution = #comm.distribution<{"data" = replicated}>, pp.param = "w"})
pp.program @pipe0 pipe(0) {
  // expected-note @below {{the value is made here}}
  %g = pp.load_gradient @w use(0) : tensor<8xf32>
  // expected-error @below {{the gradient on axis "data": found partial, expected invariant: sum it with pp.start all_reduce over ["data"]}}
  pp.grad_norm @w, %g : tensor<8xf32>
  pp.return
}

// -----

// A sum over replicas that see the same data.
pp.mesh @mesh <["data" = 2]>
pp.parameter @w : tensor<8xf32> init(#nn.zeros)
func.func private @f(tensor<8xf32> {pp.param = "w"})
pp.program @pipe0 pipe(0) {
  // expected-note @below {{operand #0 is invariant here}}
  %g = pp.load_gradient @w use(0) : tensor<8xf32>
  // expected-error @below {{'pp.start' op on axis "data": found operand #0 invariant, expected partial: it is whole on every coordinate; drop the op}}
  %b, %t = pp.start all_reduce %g over ["data"] value("g") : tensor<8xf32> -> tensor<8xf32>
  %s = pp.finish %t, %g, %b : tensor<8xf32> -> tensor<8xf32>
  pp.update @w, %s : tensor<8xf32>
  pp.return
}

// -----

// A gradient that is summed is added to one that is not.
pp.mesh @mesh <["data" = 2]>
pp.parameter @w : tensor<8xf32> init(#nn.zeros)
func.func private @f(tensor<8xf32> {comm.distribution = #comm.distribution<{"data" = replicated}>, pp.param = "w"})
pp.program @pipe0 pipe(0) {
  %g0 = pp.load_gradient @w use(0) : tensor<8xf32>
  // expected-note @below {{the value is made here}}
  %g1 = pp.load_gradient @w use(1) : tensor<8xf32>
  %b, %t = pp.start all_reduce %g0 over ["data"] value("g") : tensor<8xf32> -> tensor<8xf32>
  %s = pp.finish %t, %g0, %b : tensor<8xf32> -> tensor<8xf32>
  // expected-error @below {{gradient #1 beside gradient #0 on axis "data": found partial, expected invariant}}
  %g = pp.reduce_gradients @w(%s, %g1) : tensor<8xf32>
  pp.update @w, %g : tensor<8xf32>
  pp.return
}

// -----

// A parameter is not replaced by a partial sum. A part of it, on all axes that
// its sharding names, is loaded.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
pp.parameter @w : tensor<16xf32> sharding(#pp.sharding<[{"tensor"}]>) init(#nn.zeros)
func.func private @f() -> (tensor<8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>, pp.value = "x"})
pp.program @pipe0 pipe(0) {
  %w = pp.load_parameter @w : tensor<8xf32>
  pp.store_parameter @w, %w : tensor<8xf32>
  // expected-note @below {{the value is made here}}
  %x = pp.run F stage(0) mb(0) @f() : () -> tensor<8xf32>
  // expected-error @below {{the new value on axis "tensor": found partial, expected varying(0): sum it with pp.start reduce_scatter over ["tensor"]}}
  pp.store_parameter @w, %x : tensor<8xf32>
  pp.return
}

// -----

// A loss that is a summand.
pp.mesh @mesh <["tensor" = 2]>
func.func private @f() -> (tensor<f32> {comm.distribution = #comm.distribution<{"tensor" = partial}>, pp.value = "x"})
pp.program @pipe0 pipe(0) {
  %x = pp.run F stage(0) mb(0) @f() : () -> tensor<f32>
  // expected-error @below {{the loss on axis "tensor": found partial, expected it whole on each coordinate: sum it in its layer with comm.all_reduce sum over ["tensor"]}}
  pp.loss %x mb(0) : tensor<f32>
  pp.return
}

// -----

// Functions are proven as functions of tensors.
pp.mesh @mesh <["tensor" = 2]>
llvm.func @f(%arg0: !llvm.ptr) {
  llvm.return
}
pp.program @pipe0 pipe(0) {
  // expected-error @below {{found @f, which is no func.func, expected a function of tensors: prove distributions before layers are lowered}}
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.return
}
