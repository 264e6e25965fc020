// RUN: pp-opt %s --split-input-file --verify-diagnostics

func.func @f(%x: tensor<4xf32>, %y: tensor<4xbf16>) {
  // expected-error @below {{'nn.add' op (C1) rhs holds 'bf16', expected 'f32' as in lhs: convert one with nn.cast}}
  %0 = nn.add %x, %y : (tensor<4xf32>, tensor<4xbf16>) -> tensor<4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x4xf32>, %y: tensor<3x2x5xf32>) {
  // expected-error @below {{'nn.add' op (C2) dimension 1 of lhs is 4, dimension 2 of rhs is 5, expected equal sizes or 1: insert dimensions of size 1 with nn.reshape where one should repeat}}
  %0 = nn.add %x, %y : (tensor<2x4xf32>, tensor<3x2x5xf32>) -> tensor<3x2x4xf32>
  return
}

// -----

func.func @f(%x: tensor<4xf32>, %y: tensor<4xbf16>) {
  // expected-error @below {{'nn.sub' op (C1) rhs holds 'bf16', expected 'f32' as in lhs: convert one with nn.cast}}
  %0 = nn.sub %x, %y : (tensor<4xf32>, tensor<4xbf16>) -> tensor<4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x4xf32>, %y: tensor<3x2x5xf32>) {
  // expected-error @below {{'nn.sub' op (C2) dimension 1 of lhs is 4, dimension 2 of rhs is 5, expected equal sizes or 1: insert dimensions of size 1 with nn.reshape where one should repeat}}
  %0 = nn.sub %x, %y : (tensor<2x4xf32>, tensor<3x2x5xf32>) -> tensor<3x2x4xf32>
  return
}

// -----

func.func @f(%x: tensor<4xf32>, %y: tensor<4xbf16>) {
  // expected-error @below {{'nn.mul' op (C1) rhs holds 'bf16', expected 'f32' as in lhs: convert one with nn.cast}}
  %0 = nn.mul %x, %y : (tensor<4xf32>, tensor<4xbf16>) -> tensor<4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x4xf32>, %y: tensor<3x2x5xf32>) {
  // expected-error @below {{'nn.mul' op (C2) dimension 1 of lhs is 4, dimension 2 of rhs is 5, expected equal sizes or 1: insert dimensions of size 1 with nn.reshape where one should repeat}}
  %0 = nn.mul %x, %y : (tensor<2x4xf32>, tensor<3x2x5xf32>) -> tensor<3x2x4xf32>
  return
}

// -----

func.func @f(%x: tensor<4xf32>, %y: tensor<4xbf16>) {
  // expected-error @below {{'nn.div' op (C1) rhs holds 'bf16', expected 'f32' as in lhs: convert one with nn.cast}}
  %0 = nn.div %x, %y : (tensor<4xf32>, tensor<4xbf16>) -> tensor<4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x4xf32>, %y: tensor<3x2x5xf32>) {
  // expected-error @below {{'nn.div' op (C2) dimension 1 of lhs is 4, dimension 2 of rhs is 5, expected equal sizes or 1: insert dimensions of size 1 with nn.reshape where one should repeat}}
  %0 = nn.div %x, %y : (tensor<2x4xf32>, tensor<3x2x5xf32>) -> tensor<3x2x4xf32>
  return
}

// -----

func.func @f(%x: tensor<4x1xf32>, %y: tensor<5xf32>) {
  // expected-error @below {{result #0 has type 'tensor<4x1xf32>', expected 'tensor<4x5xf32>' from the operands: declare that type}}
  %0 = nn.add %x, %y : (tensor<4x1xf32>, tensor<5xf32>) -> tensor<4x1xf32>
  return
}

// -----

func.func @f(%x: tensor<4xf32>) {
  // expected-error @below {{'nn.gelu' op (C1) approximate is "erf", expected "none" or "tanh": choose one}}
  %0 = nn.gelu %x {approximate = "erf"} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @f(%x: tensor<4xf32>) {
  // expected-error @below {{'nn.gelu_grad' op (C1) approximate is "", expected "none" or "tanh": choose one}}
  %0 = nn.gelu_grad %x, %x {approximate = ""} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @f(%x: tensor<4xf32>, %dy: tensor<1xf32>) {
  // expected-error @below {{'nn.gelu_grad' op (C2) dy has type 'tensor<1xf32>', expected 'tensor<4xf32>', that of input: pass a tensor of that type}}
  %0 = nn.gelu_grad %x, %dy : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @f(%x: tensor<4xf32>, %dy: tensor<1xf32>) {
  // expected-error @below {{'nn.silu_grad' op (C2) dy has type 'tensor<1xf32>', expected 'tensor<4xf32>', that of input: pass a tensor of that type}}
  %0 = nn.silu_grad %x, %dy : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @f(%x: tensor<4xf32>, %dy: tensor<1xf32>) {
  // expected-error @below {{'nn.relu_grad' op (C2) dy has type 'tensor<1xf32>', expected 'tensor<4xf32>', that of input: pass a tensor of that type}}
  %0 = nn.relu_grad %x, %dy : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @f(%x: tensor<4xf32>) {
  // expected-error @below {{'nn.cast' op (C1) result has shape 2x2, expected 4 as input: change the shape with nn.reshape}}
  %0 = nn.cast %x : (tensor<4xf32>) -> tensor<2x2xf64>
  return
}

// -----

func.func @f(%x: tensor<1xf32>) {
  // expected-error @below {{'nn.cast' op (C1) result has shape (), expected 1 as input: change the shape with nn.reshape}}
  %0 = nn.cast %x : (tensor<1xf32>) -> tensor<f64>
  return
}
