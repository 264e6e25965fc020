// RUN: pp-opt %s --split-input-file --verify-diagnostics

func.func @f(%x: tensor<f32>, %g: tensor<1xf32>) {
  // expected-error @below {{'nn.rms_norm' op (C1) input has rank 0, expected at least 1: a norm needs a dimension to run over}}
  %0 = nn.rms_norm %x, %g : (tensor<f32>, tensor<1xf32>) -> tensor<f32>
  return
}

// -----

func.func @f(%x: tensor<f32>) {
  // expected-error @below {{'nn.layer_norm_grad_scale' op (C1) input has rank 0, expected at least 1: a norm needs a dimension to run over}}
  %0 = nn.layer_norm_grad_scale %x, %x : (tensor<f32>, tensor<f32>) -> tensor<1xf32>
  return
}

// -----

func.func @f(%x: tensor<3x5xbf16>, %g: tensor<5xf32>, %b: tensor<5xbf16>) {
  // expected-error @below {{'nn.layer_norm' op (C2) gamma holds 'f32', expected 'bf16' as in input: convert one with nn.cast}}
  %0 = nn.layer_norm %x, %g, %b : (tensor<3x5xbf16>, tensor<5xf32>, tensor<5xbf16>) -> tensor<3x5xbf16>
  return
}

// -----

func.func @f(%x: tensor<3x5xf32>, %g: tensor<5xf32>, %b: tensor<3xf32>) {
  // expected-error @below {{'nn.layer_norm' op (C3) beta has shape 3, expected 5 as the last dimension of input: pass one number a column}}
  %0 = nn.layer_norm %x, %g, %b : (tensor<3x5xf32>, tensor<5xf32>, tensor<3xf32>) -> tensor<3x5xf32>
  return
}

// -----

func.func @f(%x: tensor<3x5xf32>, %g: tensor<1x5xf32>) {
  // expected-error @below {{'nn.rms_norm' op (C3) gamma has shape 1x5, expected 5 as the last dimension of input: pass one number a column}}
  %0 = nn.rms_norm %x, %g : (tensor<3x5xf32>, tensor<1x5xf32>) -> tensor<3x5xf32>
  return
}

// -----

func.func @f(%x: tensor<3x5xf32>, %g: tensor<3xf32>) {
  // expected-error @below {{'nn.rms_norm_grad_input' op (C3) gamma has shape 3, expected 5 as the last dimension of input: pass one number a column}}
  %0 = nn.rms_norm_grad_input %x, %g, %x : (tensor<3x5xf32>, tensor<3xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>
  return
}

// -----

func.func @f(%x: tensor<3x5xf32>, %g: tensor<5xf32>) {
  // expected-error @below {{'nn.rms_norm' op (C4) eps is -1.000000e-05, expected 0 or more: drop the sign}}
  %0 = nn.rms_norm %x, %g {eps = -1.0e-5} : (tensor<3x5xf32>, tensor<5xf32>) -> tensor<3x5xf32>
  return
}

// -----

func.func @f(%x: tensor<3x5xf32>, %g: tensor<5xf32>) {
  // expected-error @below {{'nn.layer_norm' op (C4) eps is not finite: write a finite number}}
  %0 = nn.layer_norm %x, %g, %g {eps = 0x7FF8000000000000 : f64} : (tensor<3x5xf32>, tensor<5xf32>, tensor<5xf32>) -> tensor<3x5xf32>
  return
}

// -----

func.func @f(%x: tensor<3x5xf32>, %g: tensor<5xf32>, %dy: tensor<5x3xf32>) {
  // expected-error @below {{'nn.layer_norm_grad_input' op (C5) dy has type 'tensor<5x3xf32>', expected 'tensor<3x5xf32>', that of input: pass a tensor of that type}}
  %0 = nn.layer_norm_grad_input %x, %g, %dy : (tensor<3x5xf32>, tensor<5xf32>, tensor<5x3xf32>) -> tensor<3x5xf32>
  return
}

// -----

func.func @f(%x: tensor<3x5xf32>, %dy: tensor<3x5xf64>) {
  // expected-error @below {{'nn.rms_norm_grad_scale' op (C5) dy has type 'tensor<3x5xf64>', expected 'tensor<3x5xf32>', that of input: pass a tensor of that type}}
  %0 = nn.rms_norm_grad_scale %x, %dy : (tensor<3x5xf32>, tensor<3x5xf64>) -> tensor<5xf32>
  return
}

// -----

func.func @f(%x: tensor<3x5xf32>, %i: tensor<3xf32>) {
  // expected-error @below {{'nn.rms_norm_grad_scale' op (C6) init has type 'tensor<3xf32>', expected 'tensor<5xf32>', a row of input: pass a tensor of that type}}
  %0 = nn.rms_norm_grad_scale %x, %x init(%i) : (tensor<3x5xf32>, tensor<3x5xf32>, tensor<3xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @f(%x: tensor<3x5xf32>) {
  // expected-error @below {{'nn.layer_norm_grad_scale' op (C6) init has type 'tensor<3x5xf32>', expected 'tensor<5xf32>', a row of input: pass a tensor of that type}}
  %0 = nn.layer_norm_grad_scale %x, %x init(%x) : (tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>) -> tensor<5xf32>
  return
}

// -----

// In f32, in which norms of bf16 and f32 compute, this is 0.
func.func @f(%x: tensor<3x5xbf16>, %g: tensor<5xbf16>) {
  // expected-error @below {{'nn.rms_norm' op (C4) eps is 1.000000e-60, which is 0 in 'f32', in which the op computes: write a larger number}}
  %0 = nn.rms_norm %x, %g {eps = 1.0e-60} : (tensor<3x5xbf16>, tensor<5xbf16>) -> tensor<3x5xbf16>
  return
}

// -----

func.func @f(%x: tensor<3x5xf32>, %g: tensor<5xf32>) {
  // expected-error @below {{'nn.layer_norm' op (C4) eps is 1.000000e+39, which is infinite in 'f32', in which the op computes: write a smaller number}}
  %0 = nn.layer_norm %x, %g, %g {eps = 1.0e39} : (tensor<3x5xf32>, tensor<5xf32>, tensor<5xf32>) -> tensor<3x5xf32>
  return
}

// -----

func.func @computes_in_f64(%x: tensor<3x5xf64>, %g: tensor<5xf64>) {
  %0 = nn.rms_norm %x, %g {eps = 1.0e-60} : (tensor<3x5xf64>, tensor<5xf64>) -> tensor<3x5xf64>
  return
}

// -----

func.func @meant_to_be_0(%x: tensor<3x5xf32>, %g: tensor<5xf32>) {
  %0 = nn.rms_norm %x, %g {eps = 0.0} : (tensor<3x5xf32>, tensor<5xf32>) -> tensor<3x5xf32>
  return
}

// -----

func.func @f(%x: tensor<3x5xf32>, %s: tensor<3xf32>) {
  // expected-error @below {{'nn.layer_norm_grad_scale' op (C7) found 1 statistics, expected none or 2: pass the results of the op for the statistics}}
  %0 = nn.layer_norm_grad_scale %x, %x statistics(%s) : (tensor<3x5xf32>, tensor<3x5xf32>, tensor<3xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @f(%x: tensor<2x3x5xbf16>, %g: tensor<5xbf16>, %s: tensor<6xbf16>) {
  // expected-error @below {{'nn.rms_norm_grad_input' op (C7) statistics has type 'tensor<6xbf16>', expected 'tensor<6xf32>', a number for each row: pass a tensor of that type}}
  %0 = nn.rms_norm_grad_input %x, %g, %x statistics(%s) : (tensor<2x3x5xbf16>, tensor<5xbf16>, tensor<2x3x5xbf16>, tensor<6xbf16>) -> tensor<2x3x5xbf16>
  return
}

// -----

func.func @f(%x: tensor<f32>) {
  // expected-error @below {{'nn.rms_norm_statistics' op (C1) input has rank 0, expected at least 1: a norm needs a dimension to run over}}
  %0 = nn.rms_norm_statistics %x : (tensor<f32>) -> tensor<1xf32>
  return
}

// -----

func.func @f(%x: tensor<3x5xf32>) {
  // expected-error @below {{'nn.layer_norm_statistics' op (C4) eps is -1}}
  %0:2 = nn.layer_norm_statistics %x {eps = -1.0} : (tensor<3x5xf32>) -> (tensor<3xf32>, tensor<3xf32>)
  return
}
