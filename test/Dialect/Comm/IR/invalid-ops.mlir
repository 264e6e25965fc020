// RUN: pp-opt %s --split-input-file --verify-diagnostics

pp.mesh @mesh <["data" = 3, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'comm.all_reduce' op (C1) found no axes, expected at least one: write the axis it spans, over ["tensor"]}}
  %0 = comm.all_reduce sum %x over [] : tensor<4x6xf32>
  return
}

// -----

pp.mesh @mesh <["data" = 3, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'comm.vary' op (C1) found an axis without a name, expected the name of an axis of the mesh}}
  %0 = comm.vary %x over [""] : tensor<4x6xf32>
  return
}

// -----

pp.mesh @mesh <["data" = 3, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'comm.all_reduce' op (C1) found axis "tensor" twice, expected each once: drop one}}
  %0 = comm.all_reduce sum %x over ["tensor", "tensor"] : tensor<4x6xf32>
  return
}

// -----

func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'comm.vary' op (C2) found no mesh in the module, expected one with the axes ["tensor"]: add pp.mesh}}
  %0 = comm.vary %x over ["tensor"] : tensor<4x6xf32>
  return
}

// -----

// expected-note @below {{the mesh is here}}
pp.mesh @mesh <["data" = 3, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'comm.all_reduce' op (C2) found axis "context", expected one of the mesh, ["data", "tensor"]: correct the name or add the axis}}
  %0 = comm.all_reduce sum %x over ["context"] : tensor<4x6xf32>
  return
}

// -----

pp.mesh @mesh <["data" = 3, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'comm.all_reduce' op (C2) found axis "data" behind "tensor", expected the order of the mesh, ["data", "tensor"]: exchange them}}
  %0 = comm.all_reduce sum %x over ["tensor", "data"] : tensor<4x6xf32>
  return
}

// -----

pp.mesh @mesh <["data" = 3, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'comm.all_gather' op (C3) found dim(2), expected 0 to 1, a dimension of 'tensor<4x6xf32>': count dimensions from the front}}
  %0 = comm.all_gather %x over ["tensor"] dim(2) : tensor<4x6xf32> -> tensor<8x6xf32>
  return
}

// -----

pp.mesh @mesh <["data" = 3, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'comm.slice' op (C3) found dim(2), expected 0 to 1, a dimension of 'tensor<4x6xf32>': count dimensions from the front}}
  %0 = comm.slice %x over ["tensor"] dim(2) : tensor<4x6xf32> -> tensor<2x6xf32>
  return
}

// -----

pp.mesh @mesh <["data" = 3, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'comm.reduce_scatter' op (C3) found dim(-1), expected 0 to 1, a dimension of 'tensor<4x6xf32>': count dimensions from the front}}
  %0 = comm.reduce_scatter sum %x over ["tensor"] dim(-1) : tensor<4x6xf32> -> tensor<4x3xf32>
  return
}

// -----

pp.mesh @mesh <["data" = 3, "tensor" = 2]>
func.func @f(%x: tensor<f32>) {
  // expected-error @below {{'comm.all_gather' op (C3) found dim(0) of 'tensor<f32>', which has no dimensions: give it one with nn.reshape}}
  %0 = comm.all_gather %x over ["tensor"] dim(0) : tensor<f32> -> tensor<f32>
  return
}

// -----

pp.mesh @mesh <["data" = 3, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'comm.all_to_all' op (C3) found split(3), expected 0 to 1, a dimension of 'tensor<4x6xf32>': count dimensions from the front}}
  %0 = comm.all_to_all %x over ["tensor"] split(3) concat(0) : tensor<4x6xf32> -> tensor<4x6xf32>
  return
}

// -----

pp.mesh @mesh <["data" = 3, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'comm.all_to_all' op (C3) found concat(7), expected 0 to 1, a dimension of 'tensor<4x6xf32>': count dimensions from the front}}
  %0 = comm.all_to_all %x over ["tensor"] split(0) concat(7) : tensor<4x6xf32> -> tensor<4x6xf32>
  return
}

// -----

pp.mesh @mesh <["data" = 3, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'comm.all_to_all' op (C3) found split and concat along dimension 1, expected two: along one dimension it is comm.permute}}
  %0 = comm.all_to_all %x over ["tensor"] split(1) concat(1) : tensor<4x6xf32> -> tensor<4x6xf32>
  return
}

// -----

pp.mesh @mesh <["data" = 3, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'comm.iota' op (C3) found dim(1), expected 0 to 0, a dimension of 'tensor<4xi32>': count dimensions from the front}}
  %0 = comm.iota over ["tensor"] dim(1) : tensor<4xi32>
  return
}

// -----

pp.mesh @mesh <["data" = 3, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'comm.permute' op (C3) found by(3) in a group of 3, expected less: it is by(0)}}
  %0 = comm.permute %x over ["data"] by(3) : tensor<4x6xf32>
  return
}

// -----

pp.mesh @mesh <["data" = 3, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'comm.permute' op (C3) found by(-4) in a group of 3, expected less: it is by(-1)}}
  %0 = comm.permute %x over ["data"] by(-4) : tensor<4x6xf32>
  return
}

// -----

pp.mesh @mesh <["data" = 3, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'comm.all_gather' op (C4) found result type 'tensor<8x6xf32>', expected 'tensor<12x6xf32>' from the operand and the mesh: declare that type}}
  %0 = comm.all_gather %x over ["data"] dim(0) : tensor<4x6xf32> -> tensor<8x6xf32>
  return
}

// -----

pp.mesh @mesh <["data" = 3, "tensor" = 2]>
func.func @f(%x: tensor<140737488355328x2xi32>) {
  // expected-error @below {{'comm.all_gather' op (C4) found 'tensor<140737488355328x2xi32>' from 3 ranks, which together are more than 2^48 elements: correct the shape or the mesh}}
  %0 = comm.all_gather %x over ["data"] dim(0) : tensor<140737488355328x2xi32> -> tensor<4xi32>
  return
}

// -----

pp.mesh @mesh <["data" = 3, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'comm.reduce_scatter' op (C4) found dim(0) of size 4 for a group of 3, expected a multiple of 3: the nearest are 3 and 6}}
  %0 = comm.reduce_scatter sum %x over ["data"] dim(0) : tensor<4x6xf32> -> tensor<2x6xf32>
  return
}

// -----

pp.mesh @mesh <["data" = 3, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'comm.reduce_scatter' op (C4) found result type 'tensor<4x3xf32>', expected 'tensor<4x2xf32>' from the operand and the mesh: declare that type}}
  %0 = comm.reduce_scatter sum %x over ["data"] dim(1) : tensor<4x6xf32> -> tensor<4x3xf32>
  return
}

// -----

pp.mesh @mesh <["data" = 3, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'comm.slice' op (C4) found dim(0) of size 4 for a group of 6, expected a multiple of 6: the nearest are 0 and 6}}
  %0 = comm.slice %x over ["data", "tensor"] dim(0) : tensor<4x6xf32> -> tensor<1x6xf32>
  return
}

// -----

pp.mesh @mesh <["data" = 3, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'comm.all_to_all' op (C4) found split(0) of size 4 for a group of 3, expected a multiple of 3: the nearest are 3 and 6}}
  %0 = comm.all_to_all %x over ["data"] split(0) concat(1) : tensor<4x6xf32> -> tensor<2x18xf32>
  return
}

// -----

pp.mesh @mesh <["data" = 3, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'comm.all_to_all' op (C4) found result type 'tensor<12x6xf32>', expected 'tensor<12x2xf32>' from the operand and the mesh: declare that type}}
  %0 = comm.all_to_all %x over ["data"] split(1) concat(0) : tensor<4x6xf32> -> tensor<12x6xf32>
  return
}

// -----

pp.mesh @mesh <["data" = 3, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'comm.iota' op (C4) found 1073741824 numbers on each of 3 coordinates, which do not fit 'i32': use i64 or a smaller dimension}}
  %0 = comm.iota over ["data"] dim(0) : tensor<1073741824xi32>
  return
}

// -----

pp.mesh @mesh <["data" = 3, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'comm.all_gather' op has an unknown attribute "invarient": drop it or give it the prefix of a dialect}}
  %0 = comm.all_gather %x over ["data"] dim(0) {invarient} : tensor<4x6xf32> -> tensor<12x6xf32>
  return
}

// -----

pp.mesh @mesh <["data" = 3, "tensor" = 2]>
func.func @f(%x: tensor<4x0xf32>) {
  // expected-error @below {{'comm.vary' op found 'tensor<4x0xf32>', expected no empty dimension}}
  %0 = comm.vary %x over ["data"] : tensor<4x0xf32>
  return
}

// -----

pp.mesh @mesh <["data" = 3, "tensor" = 2]>
func.func @f(%x: tensor<4294967296x4294967296xf32>) {
  // expected-error @below {{'comm.vary' op found 'tensor<4294967296x4294967296xf32>' of more than 2^48 elements, which no machine holds}}
  %0 = comm.vary %x over ["data"] : tensor<4294967296x4294967296xf32>
  return
}
