// RUN: pp-opt %s --split-input-file --verify-diagnostics

func.func @f(%x: tensor<4xf32>) {
  // expected-error @below {{'nn.dropout' op (C1) p is 1.000000e+00, expected the probability to drop an element, from 0 to below 1: correct it}}
  %0 = nn.dropout %x {p = 1.0, site = 0} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @f(%x: tensor<4xf32>) {
  // expected-error @below {{'nn.dropout' op (C1) p is -1.000000e-01, expected the probability to drop an element, from 0 to below 1: correct it}}
  %0 = nn.dropout %x {p = -0.1, site = 0} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @f(%x: tensor<4xf32>) {
  // expected-error @below {{'nn.dropout' op (C1) p is nan, expected the probability to drop an element, from 0 to below 1: correct it}}
  %0 = nn.dropout %x {p = 0x7FF8000000000000 : f64, site = 0} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @f(%x: tensor<4xf32>) {
  // expected-error @below {{'nn.dropout' op (C2) site is -1, expected 0 to 4294967295: number the dropouts of a layer from 0}}
  %0 = nn.dropout %x {p = 0.5, site = -1} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @f(%x: tensor<4xf32>) {
  // expected-error @below {{'nn.dropout' op (C2) site is 4294967296, expected 0 to 4294967295: number the dropouts of a layer from 0}}
  %0 = nn.dropout %x {p = 0.5, site = 4294967296} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @f(%x: tensor<4xf32>, %k: i32) {
  // expected-error @below {{operand #1 must be 64-bit signless integer, but got 'i32'}}
  %0 = nn.dropout %x key(%k) {p = 0.5, site = 0} : (tensor<4xf32>, i32) -> tensor<4xf32>
  return
}

// -----

func.func @f(%k: i64) {
  // expected-error @below {{'nn.mix_key' op (C1) salt is -1, expected 0 or more: number the applies from 0}}
  %0 = nn.mix_key %k {salt = -1} : (i64) -> i64
  return
}

// -----

func.func @f(%x: tensor<4xf32>) {
  // expected-error @below {{'nn.dropout' op (C1) p is 1.000000e+00, which is 1 in units of 2^-32, expected less: correct it}}
  %0 = nn.dropout %x {p = 0.99999999999, site = 0} : (tensor<4xf32>) -> tensor<4xf32>
  return
}
