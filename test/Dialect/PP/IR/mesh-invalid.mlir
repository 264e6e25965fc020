// RUN: pp-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{'pp.mesh' op (C1) found no axes, expected at least one: write ["pipe" = 1]}}
pp.mesh @mesh <[]>

// -----

// expected-error @below {{'pp.mesh' op (C1) found 2 axes and 1 sizes, expected one size an axis}}
"pp.mesh"() <{sym_name = "mesh", axes = ["pipe", "data"], sizes = array<i64: 2>}> : () -> ()

// -----

// expected-error @below {{'pp.mesh' op (C2) found an axis named "", expected an identifier: a letter, then letters, digits and _}}
pp.mesh @mesh <["" = 2]>

// -----

// expected-error @below {{'pp.mesh' op (C2) found an axis named "2d", expected an identifier: a letter, then letters, digits and _}}
pp.mesh @mesh <["2d" = 2]>

// -----

// expected-error @below {{'pp.mesh' op (C2) found axis "data" twice, expected each once: rename one}}
pp.mesh @mesh <["data" = 2, "data" = 2]>

// -----

// expected-error @below {{'pp.mesh' op (C3) found axis "data" of size 0, expected at least 1: an axis that is not used has size 1}}
pp.mesh @mesh <["pipe" = 2, "data" = 0]>

// -----

// expected-error @below {{'pp.mesh' op (C3) found more than 2^20 ranks up to axis "data" of size 1025, expected fewer: correct the size}}
pp.mesh @mesh <["pipe" = 1024, "data" = 1025]>

// -----

// The product would be 0 in 64 bits.
// expected-error @below {{'pp.mesh' op (C3) found more than 2^20 ranks up to axis "pipe" of size 4294967296, expected fewer: correct the size}}
pp.mesh @mesh <["pipe" = 4294967296, "data" = 4294967296]>

// -----

// expected-error @below {{'pp.mesh' op (C6) found 3 ranks a process, expected a divisor of the size of 'tensor', the last axis: found "tensor" of size 4}}
pp.mesh @mesh <["pipe" = 2, "tensor" = 4]> per_process(3)

// -----

// expected-error @below {{'pp.mesh' op (C6) found 2 ranks a process, expected a divisor of the size of 'tensor', the last axis: found "pipe" of size 2}}
pp.mesh @mesh <["tensor" = 4, "pipe" = 2]> per_process(2)

// -----

// expected-error @below {{'pp.mesh' op (C6) found 0 ranks a process, expected}}
pp.mesh @mesh <["pipe" = 2, "tensor" = 4]> per_process(0)

// -----

// expected-note @below {{the first is here}}
pp.mesh @mesh <["pipe" = 2]>
// expected-error @below {{'pp.mesh' op (C4) found a second mesh in the module, expected one: drop it}}
pp.mesh @other <["pipe" = 2]>

// -----

// 2^20 ranks are allowed.
pp.mesh @mesh <["pipe" = 1024, "data" = 1024, "tensor" = 1]>

// -----

// expected-note @+1 {{the mesh is here}}
pp.mesh @mesh <["pipe" = 2, "tensor" = 1]>
// expected-error @+1 {{(C3) found axis "expert", expected one of the mesh, ["pipe", "tensor"]}}
pp.parameter @w : tensor<4x8xf32> sharding(#pp.sharding<[{"expert"}, {}]>) init(#nn.zeros)

// -----

// expected-error @+1 {{(C2) found a sharding of 1 dimensions for 'tensor<4x8xf32>', expected 2: write {} for one that is whole}}
pp.parameter @w : tensor<4x8xf32> sharding(#pp.sharding<[{"tensor"}]>) init(#nn.zeros)

// -----

pp.mesh @mesh <["pipe" = 1, "tensor" = 3]>
// expected-error @+1 {{(C4) found dimension 1 of size 8 in 3 parts, expected a multiple of 3: the nearest are 6 and 9}}
pp.parameter @w : tensor<4x8xf32> sharding(#pp.sharding<[{}, {"tensor"}]>) init(#nn.zeros)

// -----

pp.mesh @mesh <["pipe" = 1, "tensor" = 2]>
// expected-error @+1 {{(C4) found dimension 1 of size 8 in 6 parts, expected a multiple of 6: the nearest are 6 and 12}}
pp.parameter @w : tensor<4x8xf32> sharding(#pp.sharding<[{}, {"tensor"} blocks(3)]>) init(#nn.zeros)

// -----

// expected-error @+1 {{(C5) found blocks(0) on ["tensor"], expected at least 1, and 1 where no axis cuts}}
pp.parameter @w : tensor<4x8xf32> sharding(#pp.sharding<[{}, {"tensor"} blocks(0)]>) init(#nn.zeros)

// -----

// expected-error @+1 {{(C5) found blocks(2) on [], expected at least 1, and 1 where no axis cuts}}
pp.parameter @w : tensor<4x8xf32> sharding(#pp.sharding<[{} blocks(2), {"tensor"}]>) init(#nn.zeros)

// -----

pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-error @+1 {{found a dimension in parts over ["tensor", "data"], expected axes in the order of the mesh, ["data", "tensor"], the slowest first, as collectives join parts}}
pp.parameter @w : tensor<4x8xf32> sharding(#pp.sharding<[{}, {"tensor", "data"}]>) init(#nn.zeros)

// -----

// Functions have the part of a coordinate.
pp.mesh @mesh <["tensor" = 2]>
// expected-note @+1 {{the layer is defined here}}
pp.layer @loss(%x: tensor<4xf32>) params(%w: tensor<4xf32>) -> tensor<f32> {
  %p = nn.mul %x, %w : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %y = nn.reduce_mean %p axes = [0] : (tensor<4xf32>) -> tensor<f32>
  pp.yield %y : tensor<f32>
}
pp.model @m(%x: tensor<4xf32> {pp.data = "x"}) -> tensor<f32> {
  %w = pp.param "w" : tensor<4xf32> sharding(#pp.sharding<[{"tensor"}]>) init(#nn.zeros)
  // expected-error @+1 {{found params ('tensor<2xf32>'), expected ('tensor<4xf32>') for @loss}}
  %loss = pp.apply @loss(%x) params(%w) : (tensor<4xf32>) params(tensor<4xf32>) -> tensor<f32>
  pp.return %loss : tensor<f32>
}

// -----

// Each stage has parameters of its own; a model is checked as its plan is.
pp.layer @loss(%x: tensor<4xf32>) params(%w: tensor<4xf32>) -> tensor<f32> {
  %p = nn.mul %x, %w : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %y = nn.reduce_mean %p axes = [0] : (tensor<4xf32>) -> tensor<f32>
  pp.yield %y : tensor<f32>
}
pp.model @m(%x: tensor<4xf32> {pp.data = "x"}) -> tensor<f32> {
  // expected-error @+1 {{found a sharding over the axis "pipe", expected other axes: stages are placed on that one}}
  %w = pp.param "w" : tensor<4xf32> sharding(#pp.sharding<[{"pipe"}]>) init(#nn.zeros)
  %loss = pp.apply @loss(%x) params(%w) : (tensor<4xf32>) params(tensor<4xf32>) -> tensor<f32>
  pp.return %loss : tensor<f32>
}

// -----

// expected-error @below {{(C5) found replicas on 'pipe' of the axes ["pipe", "data"], expected 'data', an axis of the mesh: correct the name}}
pp.mesh @mesh <["pipe" = 2, "data" = 2]> replicas("pipe")

// -----

// expected-error @below {{(C5) found replicas on 'data' of the axes ["pipe"], expected 'data', an axis of the mesh: correct the name}}
pp.mesh @mesh <["pipe" = 2]> replicas("data")

// -----

pp.mesh @mesh <["pipe" = 1, "data" = 2]> replicas("data")
// expected-error @below {{found pieces of 40 elements for 2 replicas, expected a multiple of 32, at least 64, so that they hold all 100}}
pp.parameter @w : tensor<100xf32> piece(40) init(#nn.zeros)

// -----

// expected-error @below {{found a parameter that is cut into no pieces, expected their size: add piece(...)}}
pp.parameter @w : tensor<100xf32> cut init(#nn.zeros)

// -----

pp.mesh @mesh <["pipe" = 1, "data" = 2]> replicas("data")
// expected-error @below {{found 6 groups for 2 replicas of 6 micro-batches, expected the number of replicas times a power of two that divides the micro-batches of one}}
pp.schedule "1f1b" microbatches(6) groups(6) placement [0] rows [""]

// -----

// A pin over an axis that is not there.
// expected-note @+1 {{the mesh is here}}
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
pp.layer @f(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>) {
  pp.yield %x : tensor<4x8xf32>
}
pp.model @m(%x: tensor<4x8xf32> {pp.data = "x"}, %y: tensor<f32> {pp.data = "y"}) -> tensor<f32> {
  // expected-error @+1 {{(C3) found axis "expert", expected one of the mesh, ["data", "tensor"]: correct the name or add the axis}}
  %z = pp.apply @f(%x) sharding(#pp.sharding<[{"expert"}, {}]>) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  pp.return %y : tensor<f32>
}

// -----

// Constraint 7 of pp.apply: the layer says what it gives.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @+1 {{the layer is defined here}}
pp.layer @f(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>) {
  pp.yield %x : tensor<4x8xf32>
}
pp.model @m(%x: tensor<4x8xf32> {pp.data = "x"}, %y: tensor<f32> {pp.data = "y"}) -> tensor<f32> {
  // expected-error @+1 {{found result #0 pinned varying(0) on axis "tensor", expected invariant as the layer declares it: correct one of the two}}
  %z = pp.apply @f(%x) sharding(#pp.sharding<[{"tensor"}, {}]>) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  pp.return %y : tensor<f32>
}

// -----

// Pinned whole.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @+1 {{the layer is defined here}}
pp.layer @f(%x: tensor<4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) -> (tensor<4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  pp.yield %x : tensor<4x8xf32>
}
pp.model @m(%x: tensor<4x8xf32> {pp.data = "x"}, %y: tensor<f32> {pp.data = "y"}) -> tensor<f32> {
  // expected-error @+1 {{found result #0 pinned invariant on axis "tensor", expected varying(1) as the layer declares it: correct one of the two}}
  %z = pp.apply @f(%x) sharding(#pp.sharding<[{}, {}]>) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  pp.return %y : tensor<f32>
}
