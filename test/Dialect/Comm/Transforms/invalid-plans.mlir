// RUN: pp-opt %s --comm-verify-distribution --split-input-file --verify-diagnostics

// Stages are placed on an axis: no value of a function is distributed on it.
// expected-note @below {{the mesh is here}}
pp.mesh @mesh <["pipe" = 2, "data" = 2]>
// expected-error @below {{found axis "pipe" on argument #0, on which functions have no distributions, expected another axis of the mesh, ["pipe", "data"]: values cross it between functions only}}
func.func @f(%x: tensor<8xf32> {comm.distribution = #comm.distribution<{"pipe" = replicated}>}) {
  return
}

// -----

// expected-note @below {{the mesh is here}}
pp.mesh @mesh <["pipe" = 2, "data" = 2]>
func.func @f(%x: tensor<8xf32>) -> tensor<8xf32> {
  // expected-error @below {{found axis "pipe" on a collective, on which functions have no distributions}}
  %y = comm.vary %x over ["pipe"] : tensor<8xf32>
  return %y : tensor<8xf32>
}

// -----

// A parameter is taken for what its sharding says.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{the parameter is here}}
pp.parameter @w : tensor<16xf32> sharding(#pp.sharding<[{"tensor"}]>) init(#nn.zeros)
// expected-error @below {{argument #0 of @f on axis "tensor": found replicated, expected varying(0) of parameter @w: declare it so, or change the sharding}}
func.func private @f(tensor<8xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>, pp.param = "w"})

// -----

// Without one it is the same everywhere.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{the parameter is here}}
pp.parameter @w : tensor<8xf32> init(#nn.zeros)
// expected-error @below {{argument #0 of @f on axis "tensor": found varying(0), expected invariant or replicated of parameter @w: declare it so, or change the sharding}}
func.func private @f(tensor<8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>, pp.param = "w"})

// -----

// Of two functions, one would have a whole gradient, one a summand.
pp.mesh @mesh <["data" = 2]>
pp.parameter @w : tensor<8xf32> init(#nn.zeros)
// expected-note @below {{that is here}}
func.func private @f(tensor<8xf32> {comm.distribution = #comm.distribution<{"data" = replicated}>, pp.param = "w"})
// expected-error @below {{argument #1 of @g on axis "data": found invariant, expected replicated, as argument #0 of @f says of parameter @w, whose gradients would not add up otherwise: declare it so, or change the other}}
func.func private @g(i64 {pp.key}, tensor<8xf32> {pp.param = "w"})

// -----

// An accumulator of summands that is said to hold the sum.
pp.mesh @mesh <["data" = 2]>
// expected-note @below {{that is here}}
pp.parameter @w : tensor<8xf32> init(#nn.zeros)
func.func private @f(tensor<8xf32> {comm.distribution = #comm.distribution<{"data" = replicated}>, pp.param = "w"})
// expected-error @below {{argument #0 of @b on axis "data": found invariant, expected partial, the gradient of parameter @w: declare it so, or change the other}}
func.func private @b(tensor<8xf32> {pp.grad = "w", pp.use = 0 : i64})

// -----

// A result that is not what it is added to.
pp.mesh @mesh <["data" = 2]>
pp.parameter @w : tensor<8xf32> init(#nn.zeros)
func.func private @f(tensor<8xf32> {comm.distribution = #comm.distribution<{"data" = replicated}>, pp.param = "w"})
// expected-error @below {{result #0 of @b on axis "data": found invariant, expected partial, as argument #0 of @b, which it adds to: declare it so, or change the other}}
func.func private @b(tensor<8xf32> {comm.distribution = #comm.distribution<{"data" = partial}>, pp.grad = "w", pp.use = 0 : i64})
    -> (tensor<8xf32> {pp.accumulates = 0 : i64})

// -----

// Data that all replicas are said to have.
pp.mesh @mesh <["data" = 2]>
// expected-note @below {{that is here}}
pp.input @tokens : tensor<4xi32> distribution(#comm.distribution<{"data" = varying(0)}>)
// expected-error @below {{argument #0 of @f on axis "data": found invariant, expected varying(0), as pp.input @tokens: declare it so, or change the other}}
func.func private @f(tensor<4xi32> {pp.data = "tokens"})

// -----

// A value that moves by name.
pp.mesh @mesh <["data" = 2]>
// expected-note @below {{that is here}}
func.func private @f() -> (tensor<4xf32> {comm.distribution = #comm.distribution<{"data" = varying(0)}>, pp.value = "x"})
// expected-error @below {{argument #0 of @g on axis "data": found partial, expected varying(0), as result #0 of @f makes value "x": declare it so, or change the other}}
func.func private @g(tensor<4xf32> {comm.distribution = #comm.distribution<{"data" = partial}>, pp.value = "x"})

// -----

// The whole of a backward and its half make it alike.
pp.mesh @mesh <["data" = 2]>
// expected-note @below {{that is here}}
func.func private @f() -> (tensor<4xf32> {comm.distribution = #comm.distribution<{"data" = varying(0)}>, pp.value = "x"})
// expected-error @below {{result #0 of @f_input on axis "data": found partial, expected varying(0), as result #0 of @f makes value "x"}}
func.func private @f_input() -> (tensor<4xf32> {comm.distribution = #comm.distribution<{"data" = partial}>, pp.value = "x"})
func.func private @g(tensor<4xf32> {comm.distribution = #comm.distribution<{"data" = varying(0)}>, pp.value = "x"})

// -----

// A loss that is a summand.
pp.mesh @mesh <["tensor" = 2]>
// expected-error @below {{the loss on axis "tensor": found partial, expected it whole on each coordinate: sum it in its layer with comm.all_reduce sum over ["tensor"]}}
func.func private @f() -> (tensor<f32> {comm.distribution = #comm.distribution<{"tensor" = partial}>, pp.loss, pp.value = "x"})

// -----

// An apply is given what its layer takes.
pp.mesh @mesh <["data" = 2]>
pp.layer @l(%x: tensor<4x8xf32> {comm.distribution = #comm.distribution<{"data" = varying(0)}>}) -> (tensor<f32> {comm.distribution = #comm.distribution<{"data" = varying}>}) {
  %y = nn.reduce_mean %x axes = [0, 1] : (tensor<4x8xf32>) -> tensor<f32>
  pp.yield %y : tensor<f32>
}
// expected-note @below {{the value is made here}}
pp.model @m(%x: tensor<4x8xf32> {pp.data = "x"}) -> (tensor<f32> {comm.distribution = #comm.distribution<{"data" = varying}>}) {
  // expected-error @below {{argument #0 on axis "data": found invariant, expected varying(0): take the coordinate's part with comm.slice over ["data"] dim(0)}}
  %y = pp.apply @l(%x) : (tensor<4x8xf32>) -> tensor<f32>
  pp.return %y : tensor<f32>
}

// -----

// A parameter is cut where its layer takes it whole.
pp.mesh @mesh <["tensor" = 2]>
pp.layer @l(%x: tensor<8xf32>) params(%w: tensor<8xf32>) -> tensor<f32> {
  %z = nn.mul %x, %w : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %y = nn.reduce_sum %z axes = [0] : (tensor<8xf32>) -> tensor<f32>
  pp.yield %y : tensor<f32>
}
pp.model @m(%x: tensor<8xf32> {pp.data = "x"}) -> tensor<f32> {
  // expected-note @below {{the value is made here}}
  %w = pp.param "w" : tensor<16xf32> sharding(#pp.sharding<[{"tensor"}]>) init(#nn.zeros)
  // expected-error @below {{argument #1 on axis "tensor": found varying(0), expected invariant}}
  %y = pp.apply @l(%x) params(%w) : (tensor<8xf32>) params(tensor<16xf32>) -> tensor<f32>
  pp.return %y : tensor<f32>
}

// -----

// Two layers take a parameter for different things.
pp.mesh @mesh <["tensor" = 2]>
pp.layer @a(%x: tensor<8xf32>) params(%w: tensor<8xf32>) -> tensor<8xf32> {
  %z = nn.mul %x, %w : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  pp.yield %z : tensor<8xf32>
}
pp.layer @b(%x: tensor<8xf32>) params(%w: tensor<8xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}) -> (tensor<f32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}) {
  %v = comm.vary %x over ["tensor"] : tensor<8xf32>
  %z = nn.mul %v, %w : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %y = nn.reduce_sum %z axes = [0] : (tensor<8xf32>) -> tensor<f32>
  pp.yield %y : tensor<f32>
}
pp.model @m(%x: tensor<8xf32> {pp.data = "x"}) -> (tensor<f32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}) {
  %w = pp.param "w" : tensor<8xf32> init(#nn.zeros)
  // expected-note @below {{the first use is here}}
  %y = pp.apply @a(%x) params(%w) : (tensor<8xf32>) params(tensor<8xf32>) -> tensor<8xf32>
  // expected-error @below {{parameter "w" on axis "tensor": found it taken for replicated, expected invariant as at its first use, or its gradients would not add up: declare it so in the layer, with comm.vary where it has to be replicated}}
  %z = pp.apply @b(%y) params(%w) : (tensor<8xf32>) params(tensor<8xf32>) -> tensor<f32>
  pp.return %z : tensor<f32>
}
