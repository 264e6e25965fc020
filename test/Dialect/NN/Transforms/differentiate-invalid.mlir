// RUN: pp-opt %s -nn-differentiate -split-input-file -verify-diagnostics

func.func @no_derivative(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{'arith.bitcast' has no derivative, but a gradient must pass through it: express it by differentiable ops or implement DifferentiableOpInterface for it}}
  %i = arith.bitcast %x : tensor<4xf32> to tensor<4xf32>
  return %i : tensor<4xf32>
}

// -----

func.func @log_sum_exp(%q: tensor<1x2x1x4xf32>) -> tensor<1x1x2xf32> {
  // expected-error @below {{'nn.attention' op has no derivative through its log-sum-exp, but a gradient must pass through it: compute the scores with nn.matmul and nn.softmax instead}}
  %y, %lse = nn.attention %q, %q, %q : (tensor<1x2x1x4xf32>, tensor<1x2x1x4xf32>, tensor<1x2x1x4xf32>) -> (tensor<1x2x1x4xf32>, tensor<1x1x2xf32>)
  return %lse : tensor<1x1x2xf32>
}

// -----

func.func @gradient_of_gradient(%x: tensor<4xf32>, %dy: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{'nn.gelu_grad' has no derivative}}
  %dx = nn.gelu_grad %x, %dy : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %dx : tensor<4xf32>
}

// -----

// The path needs no gradient: no error.
func.func @not_needed(%x: tensor<4xf32> {nn.constant}, %y: tensor<4xf32>) -> tensor<4xf32> {
  %i = arith.bitcast %x : tensor<4xf32> to tensor<4xf32>
  %z = arith.mulf %i, %y : tensor<4xf32>
  return %z : tensor<4xf32>
}

// -----

func.func @region(%x: tensor<4xf32>, %c: i1) -> tensor<4xf32> {
  // expected-error @below {{'scf.if' cannot be differentiated: expected an op without regions and side effects}}
  %y = scf.if %c -> tensor<4xf32> {
    scf.yield %x : tensor<4xf32>
  } else {
    scf.yield %x : tensor<4xf32>
  }
  return %y : tensor<4xf32>
}

// -----

// expected-error @below {{expected a function of one block, found 2: differentiation knows no control flow}}
func.func @blocks(%x: tensor<4xf32>) -> tensor<4xf32> {
  cf.br ^bb1(%x : tensor<4xf32>)
^bb1(%y: tensor<4xf32>):
  return %y : tensor<4xf32>
}
