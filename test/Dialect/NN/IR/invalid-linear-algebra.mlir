// RUN: pp-opt %s --split-input-file --verify-diagnostics

func.func @f(%x: tensor<f32>, %w: tensor<6x7xf32>) {
  // expected-error @below {{'nn.linear' op (C1) input has rank 0, expected at least 1: reshape it to rows}}
  %0 = nn.linear %x, %w : (tensor<f32>, tensor<6x7xf32>) -> tensor<7xf32>
  return
}

// -----

func.func @f(%x: tensor<6xf32>, %w: tensor<6xf32>) {
  // expected-error @below {{'nn.linear' op (C1) weight has rank 1, expected 2: reshape it to a matrix}}
  %0 = nn.linear %x, %w : (tensor<6xf32>, tensor<6xf32>) -> tensor<f32>
  return
}

// -----

func.func @f(%x: tensor<6xf32>, %w: tensor<6x7xf64>) {
  // expected-error @below {{'nn.linear' op (C2) weight holds 'f64', expected 'f32' as in input: convert one with nn.cast}}
  %0 = nn.linear %x, %w : (tensor<6xf32>, tensor<6x7xf64>) -> tensor<7xf32>
  return
}

// -----

func.func @f(%x: tensor<6xf32>, %w: tensor<6x7xf32>, %b: tensor<7xbf16>) {
  // expected-error @below {{'nn.linear' op (C2) bias holds 'bf16', expected 'f32' as in input: convert one with nn.cast}}
  %0 = nn.linear %x, %w, %b : (tensor<6xf32>, tensor<6x7xf32>, tensor<7xbf16>) -> tensor<7xf32>
  return
}

// -----

func.func @f(%x: tensor<3x6xf32>, %w: tensor<7x6xf32>) {
  // expected-error @below {{'nn.linear' op (C3) the last dimension of input is 6, expected 7 as dimension 0 of weight: add {transposed} if weight is stored [out, in]}}
  %0 = nn.linear %x, %w : (tensor<3x6xf32>, tensor<7x6xf32>) -> tensor<3x7xf32>
  return
}

// -----

func.func @f(%x: tensor<3x6xf32>, %w: tensor<6x7xf32>) {
  // expected-error @below {{'nn.linear' op (C3) the last dimension of input is 6, expected 7 as dimension 1 of weight: drop transposed if weight is stored [in, out]}}
  %0 = nn.linear %x, %w {transposed} : (tensor<3x6xf32>, tensor<6x7xf32>) -> tensor<3x7xf32>
  return
}

// -----

func.func @f(%x: tensor<3x5xf32>, %w: tensor<6x7xf32>) {
  // expected-error @below {{'nn.linear' op (C3) the last dimension of input is 5, expected 6 as dimension 0 of weight: make the two equal}}
  %0 = nn.linear %x, %w : (tensor<3x5xf32>, tensor<6x7xf32>) -> tensor<3x7xf32>
  return
}

// -----

func.func @f(%x: tensor<3x6xf32>, %w: tensor<6x7xf32>, %b: tensor<6xf32>) {
  // expected-error @below {{'nn.linear' op (C4) bias has shape 6, expected 7 as dimension 1 of weight: pass one number a column}}
  %0 = nn.linear %x, %w, %b : (tensor<3x6xf32>, tensor<6x7xf32>, tensor<6xf32>) -> tensor<3x7xf32>
  return
}

// -----

func.func @f(%x: tensor<3x6xf32>, %w: tensor<6x1xf32>, %b: tensor<f32>) {
  // expected-error @below {{'nn.linear' op (C4) bias has shape (), expected 1 as dimension 1 of weight: pass one number a column}}
  %0 = nn.linear %x, %w, %b : (tensor<3x6xf32>, tensor<6x1xf32>, tensor<f32>) -> tensor<3x1xf32>
  return
}

// -----

func.func @f(%a: tensor<4xf32>, %b: tensor<4x5xf32>) {
  // expected-error @below {{'nn.matmul' op (C1) lhs has rank 1, expected at least 2: reshape a vector to a matrix}}
  %0 = nn.matmul %a, %b : (tensor<4xf32>, tensor<4x5xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @f(%a: tensor<2x3x4xf32>, %b: tensor<4x5xf32>) {
  // expected-error @below {{'nn.matmul' op (C1) rhs has rank 2, expected 3: give both the same batch dimensions, with nn.reshape or nn.broadcast}}
  %0 = nn.matmul %a, %b : (tensor<2x3x4xf32>, tensor<4x5xf32>) -> tensor<2x3x5xf32>
  return
}

// -----

func.func @f(%a: tensor<3x4xf32>, %b: tensor<4x5xf64>) {
  // expected-error @below {{'nn.matmul' op (C2) rhs holds 'f64', expected 'f32' as in lhs: convert one with nn.cast}}
  %0 = nn.matmul %a, %b : (tensor<3x4xf32>, tensor<4x5xf64>) -> tensor<3x5xf32>
  return
}

// -----

func.func @f(%a: tensor<3x4xf32>, %b: tensor<5x4xf32>) {
  // expected-error @below {{'nn.matmul' op (C3) the inner dimension of lhs, 1, is 4, that of rhs, 0, is 5, expected equal sizes: see whether transpose_a or transpose_b is missing}}
  %0 = nn.matmul %a, %b : (tensor<3x4xf32>, tensor<5x4xf32>) -> tensor<3x5xf32>
  return
}

// -----

func.func @f(%a: tensor<2x3x4xf32>, %b: tensor<1x4x5xf32>) {
  // expected-error @below {{'nn.matmul' op (C4) batch dimensions of lhs are 2, those of rhs 1, expected equal ones: repeat one with nn.broadcast}}
  %0 = nn.matmul %a, %b : (tensor<2x3x4xf32>, tensor<1x4x5xf32>) -> tensor<2x3x5xf32>
  return
}

// -----

func.func @f(%a: tensor<3x4xf32>, %b: tensor<4x5xf32>, %c: tensor<5xf32>) {
  // expected-error @below {{'nn.matmul' op (C5) init has type 'tensor<5xf32>', expected 'tensor<3x5xf32>', that of the product: pass a tensor of that type}}
  %0 = nn.matmul %a, %b init(%c) : (tensor<3x4xf32>, tensor<4x5xf32>, tensor<5xf32>) -> tensor<3x5xf32>
  return
}

// -----

func.func @f(%i: tensor<2xi32>, %t: tensor<4xf32>) {
  // expected-error @below {{'nn.embedding' op (C1) table has rank 1, expected 2: pass one row an id}}
  %0 = nn.embedding %i, %t : (tensor<2xi32>, tensor<4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @f(%i: tensor<1x1x1x1x1x1x1x1xi32>, %t: tensor<3x4xf32>) {
  // expected-error @below {{'nn.embedding' op (C2) ids has rank 8, expected at most 7: merge dimensions with nn.reshape}}
  %0 = nn.embedding %i, %t : (tensor<1x1x1x1x1x1x1x1xi32>, tensor<3x4xf32>) -> tensor<1x1x1x1x1x1x1x4xf32>
  return
}

// -----

func.func @f(%i: tensor<2xf32>, %t: tensor<3x4xf32>) {
  // expected-error @below {{operand #0 must be ranked tensor of i32 or i64 ids (convert with nn.cast), but got 'tensor<2xf32>'}}
  %0 = nn.embedding %i, %t : (tensor<2xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @f(%i: tensor<2xi32>, %dy: tensor<3x4xf32>) {
  // expected-error @below {{'nn.embedding_grad' op (C1) dy has shape 3x4, expected that of ids, 2, and one more dimension: pass one row an id}}
  %0 = nn.embedding_grad %i, %dy : (tensor<2xi32>, tensor<3x4xf32>) -> tensor<9x4xf32>
  return
}

// -----

func.func @f(%i: tensor<i32>, %dy: tensor<f32>) {
  // expected-error @below {{'nn.embedding_grad' op (C1) dy has shape (), expected that of ids, (), and one more dimension: pass one row an id}}
  %0 = nn.embedding_grad %i, %dy : (tensor<i32>, tensor<f32>) -> tensor<9x4xf32>
  return
}

// -----

func.func @f(%i: tensor<2xi32>, %dy: tensor<2x4xf32>) {
  // expected-error @below {{'nn.embedding_grad' op (C2) result has type 'tensor<9x5xf32>', expected two dimensions, the last one 4, of 'f32' as dy: declare the type of the table}}
  %0 = nn.embedding_grad %i, %dy : (tensor<2xi32>, tensor<2x4xf32>) -> tensor<9x5xf32>
  return
}

// -----

func.func @f(%i: tensor<2xi32>, %dy: tensor<2x4xf32>, %t: tensor<8x4xf32>) {
  // expected-error @below {{'nn.embedding_grad' op (C3) init has type 'tensor<8x4xf32>', expected 'tensor<9x4xf32>', that of the result: pass a tensor of that type}}
  %0 = nn.embedding_grad %i, %dy init(%t) : (tensor<2xi32>, tensor<2x4xf32>, tensor<8x4xf32>) -> tensor<9x4xf32>
  return
}

// -----

func.func @f(%i: tensor<2xi32>, %t: tensor<3x4xf32>, %n: tensor<4xi32>) {
  // expected-error @below {{'nn.embedding' op (C3) numbers has type 'tensor<4xi32>', expected 'tensor<3xi32>': pass the number of each row or class of the part}}
  %0 = nn.embedding %i, %t numbers(%n) of 6 : (tensor<2xi32>, tensor<3x4xf32>, tensor<4xi32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @f(%i: tensor<2xi32>, %t: tensor<3x4xf32>, %n: tensor<3xi64>) {
  // expected-error @below {{'nn.embedding' op (C3) numbers has type 'tensor<3xi64>', expected 'tensor<3xi32>'}}
  %0 = nn.embedding %i, %t numbers(%n) of 6 : (tensor<2xi32>, tensor<3x4xf32>, tensor<3xi64>) -> tensor<2x4xf32>
  return
}

// -----

func.func @f(%i: tensor<2xi32>, %t: tensor<3x4xf32>, %n: tensor<3xi32>) {
  // expected-error @below {{'nn.embedding' op (C4) found 2 in all, expected at least 3, those of the part: count the whole}}
  %0 = nn.embedding %i, %t numbers(%n) of 2 : (tensor<2xi32>, tensor<3x4xf32>, tensor<3xi32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @f(%i: tensor<2xi32>, %t: tensor<3x4xf32>, %n: tensor<3xi32>) {
  // expected-error @below {{'nn.embedding' op (C4) found numbers alone, expected both: write numbers(%n) of V}}
  %0 = "nn.embedding"(%i, %t, %n) : (tensor<2xi32>, tensor<3x4xf32>, tensor<3xi32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @f(%i: tensor<2xi32>, %dy: tensor<2x4xf32>, %n: tensor<8xi32>) {
  // expected-error @below {{'nn.embedding_grad' op (C4) numbers has type 'tensor<8xi32>', expected 'tensor<9xi32>'}}
  %0 = nn.embedding_grad %i, %dy numbers(%n) of 18 : (tensor<2xi32>, tensor<2x4xf32>, tensor<8xi32>) -> tensor<9x4xf32>
  return
}
