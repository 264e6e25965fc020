// RUN: pp-opt %s --pp-lower-layers-gpu --split-input-file --verify-diagnostics

func.func @f64(%x: tensor<8xf64>) -> tensor<8xf64> {
  // expected-error @below {{found on 'f64' in a kernel for a GPU, which has no code for it; expected f32, cast the operand}}
  %y = math.exp %x : tensor<8xf64>
  return %y : tensor<8xf64>
}

// -----

func.func @integer(%x: tensor<8xi32>) -> tensor<8xi32> {
  // expected-error @below {{found on 'i32' in a kernel for a GPU, which has no code for it; expected other ops in its place}}
  %y = math.ipowi %x, %x : tensor<8xi32>
  return %y : tensor<8xi32>
}

// -----

func.func @large(%x: tensor<65536x65536xbf16>) -> tensor<65536x65536xbf16> {
  // expected-error @below {{expected fewer than 2^31 elements in a program for GPUs; use smaller micro-batches or split the parameter}}
  %y = nn.relu %x : (tensor<65536x65536xbf16>) -> tensor<65536x65536xbf16>
  return %y : tensor<65536x65536xbf16>
}

// -----

// What is gathered from is a buffer, too.
func.func @gathered(%i: tensor<1x2xi32>, %x: tensor<131072x16384xf32>) -> tensor<1x2x16384xf32> {
  // expected-error @below {{expected fewer than 2^31 elements in a program for GPUs; use smaller micro-batches or split the parameter}}
  %y = nn.embedding %i, %x : (tensor<1x2xi32>, tensor<131072x16384xf32>) -> tensor<1x2x16384xf32>
  return %y : tensor<1x2x16384xf32>
}

// -----

func.func @heads(%q: tensor<1x2x1x8192xf32>) -> tensor<1x2x1x8192xf32> {
  // expected-error @below {{found heads of 8192 elements, expected at most 4096 in a program for GPUs; use more heads}}
  %y, %lse = nn.attention %q, %q, %q : (tensor<1x2x1x8192xf32>, tensor<1x2x1x8192xf32>, tensor<1x2x1x8192xf32>) -> (tensor<1x2x1x8192xf32>, tensor<1x1x2xf32>)
  return %y : tensor<1x2x1x8192xf32>
}

// -----

func.func @scatter(%i: tensor<3xi32>, %x: tensor<4x5xf32>, %t: tensor<9x5xf32>) -> tensor<9x5xf32> {
  // expected-error @below {{found rows of type 'tensor<4x5xf32>', expected as many as the ids of type 'tensor<3xi32>', like rows of the table of type 'tensor<9x5xf32>'}}
  %y = kernel.scatter_add %i, %x into %t : (tensor<3xi32>, tensor<4x5xf32>, tensor<9x5xf32>) -> tensor<9x5xf32>
  return %y : tensor<9x5xf32>
}
