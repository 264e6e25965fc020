// RUN: pp-opt %s --split-input-file --verify-diagnostics

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.reshape' op (C1) result has 26 elements, expected 24 as input: correct a dimension of the result}}
  %0 = nn.reshape %x : (tensor<2x3x4xf32>) -> tensor<2x13xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.reshape' op (C2) result holds 'f64', expected 'f32' as input: convert with nn.cast}}
  %0 = nn.reshape %x : (tensor<2x3x4xf32>) -> tensor<24xf64>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.transpose' op (C1) permutation has 2 entries, expected 3, the rank of input: name each dimension once}}
  %0 = nn.transpose %x permutation = [1, 0] : (tensor<2x3x4xf32>) -> tensor<3x2x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.transpose' op (C1) permutation names dimension 3, expected 0 to 2: count dimensions from the front}}
  %0 = nn.transpose %x permutation = [0, 1, 3] : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.transpose' op (C1) permutation names dimension -1, expected 0 to 2: count dimensions from the front}}
  %0 = nn.transpose %x permutation = [0, -1, 1] : (tensor<2x3x4xf32>) -> tensor<2x4x3xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.transpose' op (C1) permutation names dimension 1 twice, expected each once: correct one of them}}
  %0 = nn.transpose %x permutation = [0, 1, 1] : (tensor<2x3x4xf32>) -> tensor<2x3x3xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.transpose' op result #0 has type 'tensor<2x3x4xf32>', expected 'tensor<4x3x2xf32>' from the operands: declare that type}}
  %0 = nn.transpose %x permutation = [2, 1, 0] : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return
}

// -----

func.func @f(%x: tensor<3xf32>) {
  // expected-error @below {{'nn.broadcast' op (C1) result holds 'f64', expected 'f32' as input: convert with nn.cast}}
  %0 = nn.broadcast %x : (tensor<3xf32>) -> tensor<2x3xf64>
  return
}

// -----

func.func @f(%x: tensor<1x3xf32>) {
  // expected-error @below {{'nn.broadcast' op (C2) input has rank 2 and result rank 1, expected no smaller a rank: drop dimensions of size 1 with nn.reshape first}}
  %0 = nn.broadcast %x : (tensor<1x3xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @below {{'nn.broadcast' op (C2) dimension 0 of input is 2, expected 1 or 3 as dimension 1 of result: shapes are aligned at their last dimensions, insert some of size 1 with nn.reshape}}
  %0 = nn.broadcast %x : (tensor<2x3xf32>) -> tensor<2x3x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.slice' op (C1) offsets has 2 entries, expected 3, the rank of input: write one a dimension}}
  %0 = nn.slice %x offsets = [0, 0] sizes = [2, 3, 4] strides = [1, 1, 1] : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.slice' op (C1) sizes has 2 entries, expected 3, the rank of input: write one a dimension}}
  %0 = nn.slice %x offsets = [0, 0, 0] sizes = [2, 3] strides = [1, 1, 1] : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.slice' op (C1) strides has 1 entries, expected 3, the rank of input: write one a dimension}}
  %0 = nn.slice %x offsets = [0, 0, 0] sizes = [2, 3, 4] strides = [1] : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.slice' op (C2) entry 1 of offsets is -1, expected at least 0: correct it}}
  %0 = nn.slice %x offsets = [0, -1, 0] sizes = [2, 3, 4] strides = [1, 1, 1] : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.slice' op (C2) entry 1 of sizes is 0, expected at least 1: correct it}}
  %0 = nn.slice %x offsets = [0, 0, 0] sizes = [2, 0, 4] strides = [1, 1, 1] : (tensor<2x3x4xf32>) -> tensor<2x1x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.slice' op (C2) entry 2 of strides is 0, expected at least 1: correct it}}
  %0 = nn.slice %x offsets = [0, 0, 0] sizes = [2, 3, 4] strides = [1, 1, 0] : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.slice' op (C3) the slice of dimension 1 takes 3 elements from 1 in steps of 1, expected the last one to lie below 3: take fewer elements or a smaller offset}}
  %0 = nn.slice %x offsets = [0, 1, 0] sizes = [2, 3, 4] strides = [1, 1, 1] : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.slice' op (C3) the slice of dimension 1 takes 1 elements from 3 in steps of 1, expected the last one to lie below 3: take fewer elements or a smaller offset}}
  %0 = nn.slice %x offsets = [0, 3, 0] sizes = [2, 1, 4] strides = [1, 1, 1] : (tensor<2x3x4xf32>) -> tensor<2x1x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.slice' op (C3) the slice of dimension 2 takes 3 elements from 0 in steps of 2, expected the last one to lie below 4: take fewer elements or a smaller offset}}
  %0 = nn.slice %x offsets = [0, 0, 0] sizes = [2, 3, 3] strides = [1, 1, 2] : (tensor<2x3x4xf32>) -> tensor<2x3x3xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.slice' op (C3) the slice of dimension 2 takes 2 elements from 0 in steps of 9223372036854775807, expected the last one to lie below 4: take fewer elements or a smaller offset}}
  %0 = nn.slice %x offsets = [0, 0, 0] sizes = [2, 3, 2] strides = [1, 1, 9223372036854775807] : (tensor<2x3x4xf32>) -> tensor<2x3x2xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.pad' op (C1) low has 2 entries, expected 3, the rank of input: write one a dimension}}
  %0 = nn.pad %x low = [0, 0] high = [0, 0, 0] interior = [0, 0, 0] : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.pad' op (C1) high has 1 entries, expected 3, the rank of input: write one a dimension}}
  %0 = nn.pad %x low = [0, 0, 0] high = [0] interior = [0, 0, 0] : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.pad' op (C1) interior has 4 entries, expected 3, the rank of input: write one a dimension}}
  %0 = nn.pad %x low = [0, 0, 0] high = [0, 0, 0] interior = [0, 0, 0, 0] : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.pad' op (C2) entry 2 of low is -1, expected at least 0: correct it}}
  %0 = nn.pad %x low = [0, 0, -1] high = [0, 0, 0] interior = [0, 0, 0] : (tensor<2x3x4xf32>) -> tensor<2x3x3xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.pad' op (C2) entry 0 of high is -1, expected at least 0: correct it}}
  %0 = nn.pad %x low = [0, 0, 0] high = [-1, 0, 0] interior = [0, 0, 0] : (tensor<2x3x4xf32>) -> tensor<1x3x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.pad' op (C2) entry 1 of interior is -1, expected at least 0: correct it}}
  %0 = nn.pad %x low = [0, 0, 0] high = [0, 0, 0] interior = [0, -1, 0] : (tensor<2x3x4xf32>) -> tensor<2x1x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.pad' op (C2) dimension 1 of the result has more than 2^48 elements, which no machine holds: correct low, high or interior}}
  %0 = nn.pad %x low = [0, 0, 0] high = [0, 9223372036854775807, 0] interior = [0, 0, 0] : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.pad' op (C2) dimension 1 of the result has more than 2^48 elements, which no machine holds: correct low, high or interior}}
  %0 = nn.pad %x low = [0, 0, 0] high = [0, 0, 0] interior = [0, 140737488355328, 0] : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return
}

// -----

func.func @f() {
  // expected-error @below {{'nn.concatenate' op (C1) has no inputs, expected at least one: pass the tensors to join}}
  %0 = "nn.concatenate"() <{axis = 0 : i64}> : () -> tensor<3xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.concatenate' op (C2) axis is -1, expected 0 to 2, a dimension of input #0: count axes from the front}}
  %0 = nn.concatenate %x, %x {axis = -1} : (tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x8xf32>
  return
}

// -----

func.func @f(%x: tensor<f32>) {
  // expected-error @below {{'nn.concatenate' op (C2) axis is 0, but input #0 has no dimensions: give it one with nn.reshape}}
  %0 = nn.concatenate %x, %x {axis = 0} : (tensor<f32>, tensor<f32>) -> tensor<2xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>, %y: tensor<2x2x4xf32>) {
  // expected-error @below {{'nn.concatenate' op (C3) input #1 has type 'tensor<2x2x4xf32>', input #0 'tensor<2x3x4xf32>', expected them to differ in dimension 0 alone: convert or reshape one}}
  %0 = nn.concatenate %x, %y {axis = 0} : (tensor<2x3x4xf32>, tensor<2x2x4xf32>) -> tensor<4x3x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>, %y: tensor<2x3xf32>) {
  // expected-error @below {{'nn.concatenate' op (C3) input #2 has type 'tensor<2x3xf32>', input #0 'tensor<2x3x4xf32>', expected them to differ in dimension 2 alone: convert or reshape one}}
  %0 = nn.concatenate %x, %x, %y {axis = 2} : (tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x3xf32>) -> tensor<2x3x8xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>, %y: tensor<2x3x4xf64>) {
  // expected-error @below {{'nn.concatenate' op (C3) input #1 has type 'tensor<2x3x4xf64>', input #0 'tensor<2x3x4xf32>', expected them to differ in dimension 2 alone: convert or reshape one}}
  %0 = nn.concatenate %x, %y {axis = 2} : (tensor<2x3x4xf32>, tensor<2x3x4xf64>) -> tensor<2x3x8xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.split' op (C1) axis is 3, expected 0 to 2, a dimension of input: count axes from the front}}
  %0:2 = nn.split %x sizes = [1, 2] {axis = 3} : (tensor<2x3x4xf32>) -> (tensor<2x1x4xf32>, tensor<2x2x4xf32>)
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.split' op (C2) entry 1 of sizes is 0, expected 1 to 2, what is left of 3: correct it}}
  %0:3 = nn.split %x sizes = [1, 0, 2] {axis = 1} : (tensor<2x3x4xf32>) -> (tensor<2x1x4xf32>, tensor<2x1x4xf32>, tensor<2x2x4xf32>)
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.split' op (C2) entry 1 of sizes is 2, expected 1 to 1, what is left of 3: correct it}}
  %0:2 = nn.split %x sizes = [2, 2] {axis = 1} : (tensor<2x3x4xf32>) -> (tensor<2x2x4xf32>, tensor<2x2x4xf32>)
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.split' op (C2) entry 1 of sizes is 1, but nothing is left of 3: drop it or make the ones before it smaller}}
  %0:2 = nn.split %x sizes = [3, 1] {axis = 1} : (tensor<2x3x4xf32>) -> (tensor<2x3x4xf32>, tensor<2x1x4xf32>)
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.split' op (C2) sizes sum to 2, expected 3 as dimension 1 of input: add a piece of 1}}
  %0:2 = nn.split %x sizes = [1, 1] {axis = 1} : (tensor<2x3x4xf32>) -> (tensor<2x1x4xf32>, tensor<2x1x4xf32>)
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.split' op has 1 results, expected 2: declare one type for each}}
  %0:1 = nn.split %x sizes = [1, 2] {axis = 1} : (tensor<2x3x4xf32>) -> tensor<2x1x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.split' op result #0 has type 'tensor<2x2x4xf32>', expected 'tensor<2x1x4xf32>' from the operands: declare that type}}
  %0:2 = nn.split %x sizes = [1, 2] {axis = 1} : (tensor<2x3x4xf32>) -> (tensor<2x2x4xf32>, tensor<2x1x4xf32>)
  return
}
