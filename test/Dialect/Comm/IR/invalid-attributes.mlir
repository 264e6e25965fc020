// RUN: pp-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{found 'sharded', expected invariant, replicated, varying, partial or constant}}
func.func private @f(tensor<4xf32> {comm.distribution = #comm.distribution<{"tensor" = sharded}>})

// -----

// expected-error @below {{(C1) found an axis without a name, expected the name of an axis of the mesh}}
func.func private @f(tensor<4xf32> {comm.distribution = #comm.distribution<{"" = partial}>})

// -----

// expected-error @below {{(C1) found axis "tensor" twice, expected each once: drop one}}
func.func private @f(tensor<4xf32> {comm.distribution = #comm.distribution<{"tensor" = partial, "tensor" = varying}>})

// -----

// expected-error @below {{(C2) found dimension -1, expected 0 to 7: count dimensions from the front}}
func.func private @f(tensor<4xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(-1)}>})

// -----

// expected-error @below {{(C2) found dimension 8, expected 0 to 7: tensors have at most 8}}
func.func private @f(tensor<4xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(8)}>})

// -----

// expected-error @below {{'func.func' op (C2) found varying(1) on axis "tensor" on argument #0 of type 'tensor<4xf32>', which has 1 dimensions: count them from 0, or write varying}}
func.func private @f(tensor<4xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>})

// -----

// expected-error @below {{'func.func' op (C2) found varying(0) on axis "tensor" on result #0 of type 'i64', which has 0 dimensions: count them from 0, or write varying}}
func.func private @f() -> (i64 {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>})

// -----

// expected-error @below {{'func.func' op found comm.distribution = "tensor" on argument #0, expected axes and distributions: write #comm.distribution<{"tensor" = varying(1)}>}}
func.func private @f(tensor<4xf32> {comm.distribution = "tensor"})

// -----

// expected-error @below {{'func.func' op found unknown attribute comm.distributed on argument #0, expected comm.distribution}}
func.func private @f(tensor<4xf32> {comm.distributed})

// -----

// expected-error @below {{(C1) found axis "tensor" twice, expected each once: a coordinate has one part of a tensor}}
func.func private @f() attributes {test.note = #pp.sharding<[{"tensor"}, {"tensor"}]>}

// -----

// expected-error @below {{(C1) found "" as an axis, expected the name of one}}
func.func private @f() attributes {test.note = #pp.sharding<[{""}, {}]>}

// -----

// expected-error @below {{(C3) found 0 blocks, expected at least 1}}
func.func private @f(tensor<4xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0, 0)}>})

// -----

// expected-error @below {{'func.func' op (C3) found varying(0, 3) on axis "tensor" on argument #0 of type 'tensor<4xf32>', expected a number of blocks that divides the dimension}}
func.func private @f(tensor<4xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0, 3)}>})

// -----

func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'nn.split' op found comm.distribution on an op of 2 results, expected it on one that makes a value}}
  %0:2 = nn.split %x sizes = [3, 3] {axis = 1 : i64, comm.distribution = #comm.distribution<{"tensor" = varying(0)}>} : (tensor<4x6xf32>) -> (tensor<4x3xf32>, tensor<4x3xf32>)
  return
}

// -----

func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'nn.gelu' op found unknown attribute comm.distributed on the result, expected comm.distribution}}
  %0 = nn.gelu %x {comm.distributed} : (tensor<4x6xf32>) -> tensor<4x6xf32>
  return
}
