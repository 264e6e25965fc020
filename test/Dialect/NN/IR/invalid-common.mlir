// RUN: pp-opt %s --split-input-file --verify-diagnostics

func.func @f(%x: tensor<4x?xf32>) {
  // expected-error @below {{'nn.silu' op operand #0 has type 'tensor<4x?xf32>': dimension 1 is dynamic, expected a static size: write the sizes of one micro-batch}}
  %0 = nn.silu %x : (tensor<4x?xf32>) -> tensor<4x?xf32>
  return
}

// -----

func.func @f(%x: tensor<4xf32>) {
  // expected-error @below {{result #0 has type 'tensor<2x?xf32>': dimension 1 is dynamic, expected a static size: write the sizes of one micro-batch}}
  %0 = nn.reshape %x : (tensor<4xf32>) -> tensor<2x?xf32>
  return
}

// -----

func.func @f(%x: tensor<0x3xf32>) {
  // expected-error @below {{operand #0 has type 'tensor<0x3xf32>': dimension 0 is empty, expected a size of at least 1: drop the op or correct the size}}
  %0 = nn.silu %x : (tensor<0x3xf32>) -> tensor<0x3xf32>
  return
}

// -----

func.func @f(%x: tensor<1x1x1x1x1x1x1x1x1xf32>) {
  // expected-error @below {{rank is 9, expected at most 8: merge dimensions with nn.reshape}}
  %0 = nn.silu %x : (tensor<1x1x1x1x1x1x1x1x1xf32>) -> tensor<1x1x1x1x1x1x1x1x1xf32>
  return
}

// -----

func.func @f(%x: tensor<4294967296x4294967296x4294967296xf32>) {
  // expected-error @below {{it has more than 2^48 elements, which no machine holds: correct dimension 1}}
  %0 = nn.silu %x : (tensor<4294967296x4294967296x4294967296xf32>) -> tensor<4294967296x4294967296x4294967296xf32>
  return
}

// -----

func.func @f(%x: tensor<4xf32, "sparse">) {
  // expected-error @below {{operand #0 has type 'tensor<4xf32, "sparse">': expected no encoding: drop it}}
  %0 = nn.silu %x : (tensor<4xf32, "sparse">) -> tensor<4xf32, "sparse">
  return
}

// -----

func.func @f(%x: tensor<*xf32>) {
  // expected-error @below {{operand #0 must be ranked tensor of bf16, f32 or f64 (convert with nn.cast), but got 'tensor<*xf32>'}}
  %0 = nn.silu %x : (tensor<*xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @f(%x: tensor<4xi32>) {
  // expected-error @below {{operand #0 must be ranked tensor of bf16, f32 or f64 (convert with nn.cast), but got 'tensor<4xi32>'}}
  %0 = nn.silu %x : (tensor<4xi32>) -> tensor<4xi32>
  return
}

// -----

func.func @f(%x: tensor<4xf16>) {
  // expected-error @below {{operand #0 must be ranked tensor of bf16, f32 or f64 (convert with nn.cast), but got 'tensor<4xf16>'}}
  %0 = nn.add %x, %x : (tensor<4xf16>, tensor<4xf16>) -> tensor<4xf16>
  return
}

// -----

func.func @f(%x: tensor<4xi8>) {
  // expected-error @below {{operand #0 must be ranked tensor of bf16, f32, f64, i32 or i64, but got 'tensor<4xi8>'}}
  %0 = nn.reshape %x : (tensor<4xi8>) -> tensor<2x2xi8>
  return
}

// -----

func.func @f(%x: tensor<4xf32>) {
  // expected-error @below {{result #0 has type 'tensor<4x1xf32>', expected 'tensor<4xf32>' from the operands: declare that type}}
  %0 = nn.silu %x : (tensor<4xf32>) -> tensor<4x1xf32>
  return
}

// -----

func.func @f(%x: tensor<4xf32>) {
  // expected-error @below {{has an unknown attribute 'aproximate', expected none: drop it or give it the prefix of a dialect}}
  %0 = nn.silu %x {aproximate = "tanh"} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @f(%x: tensor<1x2x3x4xf32>) {
  // expected-error @below {{has an unknown attribute 'casual', expected 'causal', 'scale': did you mean 'causal'?}}
  %0:2 = nn.attention %x, %x, %x {casual} : (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>) -> (tensor<1x2x3x4xf32>, tensor<1x3x2xf32>)
  return
}

// -----

func.func @f(%x: tensor<4xf32>) {
  // expected-error @below {{has an unknown attribute 'exactness', expected 'approximate': drop it or give it the prefix of a dialect}}
  %0 = nn.gelu %x {exactness} : (tensor<4xf32>) -> tensor<4xf32>
  return
}
