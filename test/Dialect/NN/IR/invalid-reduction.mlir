// RUN: pp-opt %s --split-input-file --verify-diagnostics

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.reduce_sum' op (C1) axes is empty, expected at least one dimension: name one or drop the op}}
  %0 = nn.reduce_sum %x axes = [] : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.reduce_mean' op (C1) axes is empty, expected at least one dimension: name one or drop the op}}
  %0 = nn.reduce_mean %x axes = [] : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.reduce_max' op (C1) axes is empty, expected at least one dimension: name one or drop the op}}
  %0 = nn.reduce_max %x axes = [] : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.reduce_sum' op (C1) axis is -1, expected 0 to 2, a dimension of input: count axes from the front}}
  %0 = nn.reduce_sum %x axes = [-1] : (tensor<2x3x4xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @f(%x: tensor<f32>) {
  // expected-error @below {{'nn.reduce_max' op (C1) axis is 0, but input has no dimensions: give it one with nn.reshape}}
  %0 = nn.reduce_max %x axes = [0] : (tensor<f32>) -> tensor<f32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.reduce_mean' op (C1) axis 0 follows 1, expected ascending axes, each once: sort them}}
  %0 = nn.reduce_mean %x axes = [1, 0] : (tensor<2x3x4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.reduce_max' op (C1) axis 1 follows 1, expected ascending axes, each once: sort them}}
  %0 = nn.reduce_max %x axes = [1, 1] : (tensor<2x3x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>, %i: tensor<1x1x4xf32>) {
  // expected-error @below {{'nn.reduce_sum' op (C2) init has type 'tensor<1x1x4xf32>', expected 'tensor<4xf32>', that of the sum: pass a tensor of that type}}
  %0 = nn.reduce_sum %x init(%i) axes = [0, 1] : (tensor<2x3x4xf32>, tensor<1x1x4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.reduce_max' op result #0 has type 'tensor<2x4xf32>', expected 'tensor<2x1x4xf32>' from the operands: declare that type}}
  %0 = nn.reduce_max %x axes = [1] {keepdims} : (tensor<2x3x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @below {{'nn.softmax' op (C1) axis is -1, expected 0 to 2, a dimension of input: count axes from the front}}
  %0 = nn.softmax %x {axis = -1} : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return
}

// -----

func.func @f(%x: tensor<f32>) {
  // expected-error @below {{'nn.softmax' op (C1) axis is 0, but input has no dimensions: give it one with nn.reshape}}
  %0 = nn.softmax %x {axis = 0} : (tensor<f32>) -> tensor<f32>
  return
}

// -----

func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'nn.sum_of_squares' op (C1) input has type 'tensor<4x6xf32>', expected rank 1: collapse it}}
  %0 = nn.sum_of_squares %x : tensor<4x6xf32> -> tensor<f64>
  return
}

// -----

func.func @f(%x: tensor<4xf32>) {
  // expected-error @below {{'nn.sum_of_squares' op result has type 'tensor<1xf64>', expected tensor<f64>}}
  %0 = nn.sum_of_squares %x : tensor<4xf32> -> tensor<1xf64>
  return
}
