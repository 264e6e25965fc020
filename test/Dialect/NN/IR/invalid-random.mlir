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

// -----

pp.mesh @mesh <["data" = 2, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'nn.dropout' op (C3) found a dimension without axes, expected both or none: write the axes and the dimension of the part, over ["tensor"] dim(1)}}
  %0 = nn.dropout %x {p = 0.5, site = 0, dim = 1 : i64} : (tensor<4x6xf32>) -> tensor<4x6xf32>
  return
}

// -----

pp.mesh @mesh <["data" = 2, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'nn.dropout' op (C3) found axes without a dimension, expected both or none: write the axes and the dimension of the part, over ["tensor"] dim(1)}}
  %0 = nn.dropout %x {p = 0.5, site = 0, axes = ["tensor"]} : (tensor<4x6xf32>) -> tensor<4x6xf32>
  return
}

// -----

pp.mesh @mesh <["data" = 2, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'nn.dropout' op (C3) found no axes, expected at least one: write the axis it spans, over ["tensor"]}}
  %0 = nn.dropout %x over [] dim(1) {p = 0.5, site = 0} : (tensor<4x6xf32>) -> tensor<4x6xf32>
  return
}

// -----

pp.mesh @mesh <["data" = 2, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'nn.dropout' op (C3) found an axis without a name, expected the name of an axis of the mesh}}
  %0 = nn.dropout %x over [""] dim(1) {p = 0.5, site = 0} : (tensor<4x6xf32>) -> tensor<4x6xf32>
  return
}

// -----

pp.mesh @mesh <["data" = 2, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'nn.dropout' op (C3) found axis "tensor" twice, expected each once: drop one}}
  %0 = nn.dropout %x over ["tensor", "tensor"] dim(1) {p = 0.5, site = 0} : (tensor<4x6xf32>) -> tensor<4x6xf32>
  return
}

// -----

func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'nn.dropout' op (C4) found no mesh in the module, expected one with the axes ["tensor"]: add pp.mesh}}
  %0 = nn.dropout %x over ["tensor"] dim(1) {p = 0.5, site = 0} : (tensor<4x6xf32>) -> tensor<4x6xf32>
  return
}

// -----

// expected-note @below {{the mesh is here}}
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'nn.dropout' op (C4) found axis "model", expected one of the mesh, ["data", "tensor"]: correct the name or add the axis}}
  %0 = nn.dropout %x over ["model"] dim(1) {p = 0.5, site = 0} : (tensor<4x6xf32>) -> tensor<4x6xf32>
  return
}

// -----

pp.mesh @mesh <["data" = 2, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'nn.dropout' op (C4) found axis "data" behind "tensor", expected the order of the mesh, ["data", "tensor"]: exchange them}}
  %0 = nn.dropout %x over ["tensor", "data"] dim(1) {p = 0.5, site = 0} : (tensor<4x6xf32>) -> tensor<4x6xf32>
  return
}

// -----

pp.mesh @mesh <["data" = 2, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @below {{'nn.dropout' op (C5) found dim(2), expected 0 to 1, a dimension of 'tensor<4x6xf32>': count dimensions from the front}}
  %0 = nn.dropout %x over ["tensor"] dim(2) {p = 0.5, site = 0} : (tensor<4x6xf32>) -> tensor<4x6xf32>
  return
}

// -----

pp.mesh @mesh <["data" = 2, "tensor" = 2]>
func.func @f(%x: tensor<f32>) {
  // expected-error @below {{'nn.dropout' op (C5) found dim(0) of 'tensor<f32>', which has no dimensions: drop the axes, it is whole}}
  %0 = nn.dropout %x over ["tensor"] dim(0) {p = 0.5, site = 0} : (tensor<f32>) -> tensor<f32>
  return
}

// -----

pp.mesh @mesh <["data" = 2, "tensor" = 2]>
func.func @f(%x: tensor<16777216x16777216xf32>) {
  // expected-error @below {{'nn.dropout' op (C6) found 'tensor<16777216x16777216xf32>' from 2 ranks, which together are more than 2^48 elements: correct the shape or the mesh}}
  %0 = nn.dropout %x over ["tensor"] dim(0) {p = 0.5, site = 0} : (tensor<16777216x16777216xf32>) -> tensor<16777216x16777216xf32>
  return
}
