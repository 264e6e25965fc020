// Ops that become no code: an error says which and what to do.
// RUN: pp-opt %s --pp-lower-layers --split-input-file --verify-diagnostics

func.func @results(%x: tensor<8xi32>) -> tensor<8xi32> {
  // expected-error @below {{'arith.addui_extended' op found on tensors with 2 results, for which there is no code; expected ops with one result in its place}}
  %y, %overflow = arith.addui_extended %x, %x : tensor<8xi32>, tensor<8xi1>
  return %y : tensor<8xi32>
}

// -----

func.func @high(%x: tensor<8xi32>) -> tensor<8xi32> {
  // expected-error @below {{'arith.mulsi_extended' op found on tensors with 2 results, for which there is no code}}
  %low, %high = arith.mulsi_extended %x, %x : tensor<8xi32>
  return %high : tensor<8xi32>
}

// -----

func.func @sincos(%x: tensor<8xf32>) -> tensor<8xf32> {
  // expected-error @below {{'math.sincos' op found on tensors with 2 results, for which there is no code}}
  %sin, %cos = math.sincos %x : tensor<8xf32>
  return %sin : tensor<8xf32>
}

// -----

func.func @power(%x: tensor<8xi32>) -> tensor<8xi32> {
  // expected-error @below {{'math.ipowi' op found on 'i32', for which there is no code; expected other ops in its place}}
  %y = math.ipowi %x, %x : tensor<8xi32>
  return %y : tensor<8xi32>
}

// -----

func.func @other(%x: tensor<8xf32>) -> tensor<8xf32> {
  // expected-error @below {{'tosa.abs' op found on tensors, for which there is no code; expected ops of nn, arith or math in its place}}
  %y = tosa.abs %x : (tensor<8xf32>) -> tensor<8xf32>
  return %y : tensor<8xf32>
}
