// RUN: pp-opt %s --split-input-file --verify-diagnostics

func.func @f(%q: tensor<2x3x32xf32>, %k: tensor<2x5x2x8xf32>, %v: tensor<2x5x2x8xf32>) {
  // expected-error @below {{'nn.attention' op (C1) query has rank 3, expected 4: split heads with nn.reshape}}
  %0:2 = nn.attention %q, %k, %v : (tensor<2x3x32xf32>, tensor<2x5x2x8xf32>, tensor<2x5x2x8xf32>) -> (tensor<2x3x32xf32>, tensor<2x4x3xf32>)
  return
}

// -----

func.func @f(%q: tensor<2x3x4x8xf32>, %k: tensor<2x5x16xf32>, %v: tensor<2x5x2x8xf32>) {
  // expected-error @below {{'nn.attention' op (C1) key has rank 3, expected 4: split heads with nn.reshape}}
  %0:2 = nn.attention %q, %k, %v : (tensor<2x3x4x8xf32>, tensor<2x5x16xf32>, tensor<2x5x2x8xf32>) -> (tensor<2x3x4x8xf32>, tensor<2x4x3xf32>)
  return
}

// -----

func.func @f(%q: tensor<2x3x4x8xf32>, %k: tensor<2x5x2x8xf32>, %v: tensor<2x5x16xf32>) {
  // expected-error @below {{'nn.attention' op (C1) value has rank 3, expected 4: split heads with nn.reshape}}
  %0:2 = nn.attention %q, %k, %v : (tensor<2x3x4x8xf32>, tensor<2x5x2x8xf32>, tensor<2x5x16xf32>) -> (tensor<2x3x4x8xf32>, tensor<2x4x3xf32>)
  return
}

// -----

func.func @f(%q: tensor<2x3x4x8xf32>, %k: tensor<2x5x2x8xbf16>, %v: tensor<2x5x2x8xbf16>) {
  // expected-error @below {{'nn.attention' op (C2) key holds 'bf16', expected 'f32' as in query: convert one with nn.cast}}
  %0:2 = nn.attention %q, %k, %v : (tensor<2x3x4x8xf32>, tensor<2x5x2x8xbf16>, tensor<2x5x2x8xbf16>) -> (tensor<2x3x4x8xf32>, tensor<2x4x3xf32>)
  return
}

// -----

func.func @f(%q: tensor<2x3x4x8xf32>, %k: tensor<2x5x2x8xf32>, %v: tensor<2x5x2x9xf32>) {
  // expected-error @below {{'nn.attention' op (C3) value has type 'tensor<2x5x2x9xf32>', expected 'tensor<2x5x2x8xf32>', that of key: pass a tensor of that type}}
  %0:2 = nn.attention %q, %k, %v : (tensor<2x3x4x8xf32>, tensor<2x5x2x8xf32>, tensor<2x5x2x9xf32>) -> (tensor<2x3x4x8xf32>, tensor<2x4x3xf32>)
  return
}

// -----

func.func @f(%q: tensor<2x3x4x8xf32>, %k: tensor<1x5x2x8xf32>, %v: tensor<1x5x2x8xf32>) {
  // expected-error @below {{'nn.attention' op (C4) dimension 0 of key, the batch, is 1, expected 2 as in query: make the two equal}}
  %0:2 = nn.attention %q, %k, %v : (tensor<2x3x4x8xf32>, tensor<1x5x2x8xf32>, tensor<1x5x2x8xf32>) -> (tensor<2x3x4x8xf32>, tensor<2x4x3xf32>)
  return
}

// -----

func.func @f(%q: tensor<2x3x4x8xf32>, %k: tensor<2x5x2x4xf32>, %v: tensor<2x5x2x4xf32>) {
  // expected-error @below {{'nn.attention' op (C4) dimension 3 of key, the size of a head, is 4, expected 8 as in query: make the two equal}}
  %0:2 = nn.attention %q, %k, %v : (tensor<2x3x4x8xf32>, tensor<2x5x2x4xf32>, tensor<2x5x2x4xf32>) -> (tensor<2x3x4x8xf32>, tensor<2x4x3xf32>)
  return
}

// -----

func.func @f(%q: tensor<2x3x4x8xf32>, %k: tensor<2x5x3x8xf32>, %v: tensor<2x5x3x8xf32>) {
  // expected-error @below {{'nn.attention' op (C5) key has 3 heads, expected a divisor of the 4 heads of query: share each key head between equally many query heads}}
  %0:2 = nn.attention %q, %k, %v : (tensor<2x3x4x8xf32>, tensor<2x5x3x8xf32>, tensor<2x5x3x8xf32>) -> (tensor<2x3x4x8xf32>, tensor<2x4x3xf32>)
  return
}

// -----

func.func @f(%q: tensor<2x3x4x8xf32>, %k: tensor<2x5x8x8xf32>, %v: tensor<2x5x8x8xf32>) {
  // expected-error @below {{'nn.attention' op (C5) key has 8 heads, expected a divisor of the 4 heads of query: share each key head between equally many query heads}}
  %0:2 = nn.attention %q, %k, %v : (tensor<2x3x4x8xf32>, tensor<2x5x8x8xf32>, tensor<2x5x8x8xf32>) -> (tensor<2x3x4x8xf32>, tensor<2x4x3xf32>)
  return
}

// -----

func.func @f(%q: tensor<2x3x4x8xf32>, %k: tensor<2x2x4x8xf32>, %v: tensor<2x2x4x8xf32>) {
  // expected-error @below {{'nn.attention' op (C6) causal attention of 3 queries to 2 keys, expected at least as many keys as queries: drop causal or pass more keys}}
  %0:2 = nn.attention %q, %k, %v {causal} : (tensor<2x3x4x8xf32>, tensor<2x2x4x8xf32>, tensor<2x2x4x8xf32>) -> (tensor<2x3x4x8xf32>, tensor<2x4x3xf32>)
  return
}

// -----

func.func @f(%q: tensor<2x3x4x8xf32>, %k: tensor<2x3x4x8xf32>, %v: tensor<2x3x4x8xf32>) {
  // expected-error @below {{'nn.attention' op (C7) scale is not finite: write a finite number}}
  %0:2 = nn.attention %q, %k, %v {scale = 0x7FF0000000000000 : f64} : (tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>) -> (tensor<2x3x4x8xf32>, tensor<2x4x3xf32>)
  return
}

// -----

func.func @f(%q: tensor<2x3x4x8xbf16>, %k: tensor<2x3x4x8xbf16>, %v: tensor<2x3x4x8xbf16>) {
  // expected-error @below {{'nn.attention' op result #1 has type 'tensor<2x4x3xbf16>', expected 'tensor<2x4x3xf32>' from the operands: declare that type}}
  %0:2 = nn.attention %q, %k, %v : (tensor<2x3x4x8xbf16>, tensor<2x3x4x8xbf16>, tensor<2x3x4x8xbf16>) -> (tensor<2x3x4x8xbf16>, tensor<2x4x3xbf16>)
  return
}

// -----

func.func @f(%q: tensor<2x3x4x8xf32>, %out: tensor<2x3x8x4xf32>, %lse: tensor<2x4x3xf32>, %dout: tensor<2x3x4x8xf32>) {
  // expected-error @below {{'nn.attention_grad' op (C9) out has type 'tensor<2x3x8x4xf32>', expected 'tensor<2x3x4x8xf32>', that of query: pass a tensor of that type}}
  %0:3 = nn.attention_grad %q, %q, %q, %out, %lse, %dout : (tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>, tensor<2x3x8x4xf32>, tensor<2x4x3xf32>, tensor<2x3x4x8xf32>) -> (tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>)
  return
}

// -----

func.func @f(%q: tensor<2x3x4x8xf32>, %out: tensor<2x3x4x8xf32>, %lse: tensor<2x4x3xf32>, %dout: tensor<2x3x4x8xf64>) {
  // expected-error @below {{'nn.attention_grad' op (C9) dout has type 'tensor<2x3x4x8xf64>', expected 'tensor<2x3x4x8xf32>', that of query: pass a tensor of that type}}
  %0:3 = nn.attention_grad %q, %q, %q, %out, %lse, %dout : (tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>, tensor<2x4x3xf32>, tensor<2x3x4x8xf64>) -> (tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>)
  return
}

// -----

func.func @f(%q: tensor<2x3x4x8xf32>, %out: tensor<2x3x4x8xf32>, %lse: tensor<2x3x4xf32>, %dout: tensor<2x3x4x8xf32>) {
  // expected-error @below {{'nn.attention_grad' op (C10) lse has type 'tensor<2x3x4xf32>', expected 'tensor<2x4x3xf32>', one number a query and head: pass a tensor of that type}}
  %0:3 = nn.attention_grad %q, %q, %q, %out, %lse, %dout : (tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>, tensor<2x3x4xf32>, tensor<2x3x4x8xf32>) -> (tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>)
  return
}

// -----

func.func @f(%q: tensor<2x3x4x8xf32>, %k: tensor<2x3x3x8xf32>, %l: tensor<2x4x3xf32>) {
  // expected-error @below {{'nn.attention_grad' op (C5) key has 3 heads, expected a divisor of the 4 heads of query: share each key head between equally many query heads}}
  %0:3 = nn.attention_grad %q, %k, %k, %q, %l, %q : (tensor<2x3x4x8xf32>, tensor<2x3x3x8xf32>, tensor<2x3x3x8xf32>, tensor<2x3x4x8xf32>, tensor<2x4x3xf32>, tensor<2x3x4x8xf32>) -> (tensor<2x3x4x8xf32>, tensor<2x3x3x8xf32>, tensor<2x3x3x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<2x3x8xf32>) {
  // expected-error @below {{'nn.rotary' op (C1) input has rank 3, expected 4: reshape it to [batch, position, head, number]}}
  %0 = nn.rotary %x : (tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4x7xf32>) {
  // expected-error @below {{'nn.rotary' op (C2) the last dimension of input is 7, expected an even size: numbers turn in pairs, so choose an even head size}}
  %0 = nn.rotary %x : (tensor<2x3x4x7xf32>) -> tensor<2x3x4x7xf32>
  return
}

// -----

func.func @f(%x: tensor<1x3x1x2147483648xf32>) {
  // expected-error @below {{'nn.rotary' op (C4) input has 3 positions and 1073741824 pairs a head, expected at most 16777216 angles, their product: turn parts of the sequence, or use more heads}}
  %0 = nn.rotary %x : (tensor<1x3x1x2147483648xf32>) -> tensor<1x3x1x2147483648xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4x8xf32>) {
  // expected-error @below {{'nn.rotary' op (C3) base is 0.000000e+00, expected a positive number such as 10000.0: correct it}}
  %0 = nn.rotary %x {base = 0.0} : (tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4x8xf32>) {
  // expected-error @below {{'nn.rotary' op (C3) base is not finite: write a finite number}}
  %0 = nn.rotary %x {base = 0x7FF0000000000000 : f64} : (tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  return
}

// -----

func.func @f(%q: tensor<2x3x4x8xf32>) {
  // expected-error @below {{'nn.attention' op (C7) scale is 1.000000e+39, which is infinite in 'f32', in which the op computes: write a smaller number}}
  %0:2 = nn.attention %q, %q, %q {scale = 1.0e39 : f64} : (tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>) -> (tensor<2x3x4x8xf32>, tensor<2x4x3xf32>)
  return
}

// -----

func.func @f(%x: tensor<2x3x4x8xf32>) {
  // expected-error @below {{'nn.rotary' op (C3) base is 1.000000e-60, which is 0 in 'f32', in which the op computes: write a larger number}}
  %0 = nn.rotary %x {base = 1.0e-60} : (tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4x8xf64>) {
  // expected-error @below {{'nn.rotary' op (C3) base is 4.940656e-324, whose reciprocal is infinite, expected a number such as 10000.0: correct it}}
  %0 = nn.rotary %x {base = 4.940656e-324} : (tensor<2x3x4x8xf64>) -> tensor<2x3x4x8xf64>
  return
}

// -----

func.func @f(%q: tensor<2x3x4x8xf32>, %d: tensor<2x4xi32>) {
  // expected-error @below {{'nn.attention' op (C8) documents has type 'tensor<2x4xi32>', expected 'tensor<2x3xi32>', a number for each position of a batch entry: pass a tensor of that type}}
  %0:2 = nn.attention %q, %q, %q documents(%d) : (tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>, tensor<2x4xi32>) -> (tensor<2x3x4x8xf32>, tensor<2x4x3xf32>)
  return
}

// -----

func.func @f(%q: tensor<2x3x4x8xf32>, %k: tensor<2x5x4x8xf32>, %d: tensor<2x5xi32>) {
  // expected-error @below {{'nn.attention' op (C8) query has 3 positions and key has 5, expected as many with documents, which are of the positions of one sequence: drop documents, or pass all queries}}
  %0:2 = nn.attention %q, %k, %k documents(%d) {causal} : (tensor<2x3x4x8xf32>, tensor<2x5x4x8xf32>, tensor<2x5x4x8xf32>, tensor<2x5xi32>) -> (tensor<2x3x4x8xf32>, tensor<2x4x3xf32>)
  return
}

// -----

func.func @f(%q: tensor<2x3x4x8xf32>, %l: tensor<2x4x3xf32>, %d: tensor<3x2xi32>) {
  // expected-error @below {{'nn.attention_grad' op (C8) documents has type 'tensor<3x2xi32>', expected 'tensor<2x3xi32>', a number for each position of a batch entry: pass a tensor of that type}}
  %0:3 = nn.attention_grad %q, %q, %q, %q, %l, %q documents(%d) : (tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>, tensor<2x4x3xf32>, tensor<2x3x4x8xf32>, tensor<3x2xi32>) -> (tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>)
  return
}

// -----

func.func @f(%q: tensor<2x3x4x8xf32>, %d: tensor<2x3xi64>) {
  // expected-error @below {{operand #3 must be ranked tensor of i32, but got 'tensor<2x3xi64>'}}
  %0:2 = nn.attention %q, %q, %q documents(%d) : (tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>, tensor<2x3xi64>) -> (tensor<2x3x4x8xf32>, tensor<2x4x3xf32>)
  return
}
