// Names that code calls.
// RUN: pp-opt %s --pp-isolate-layers --split-input-file --verify-diagnostics

// expected-error @+1 {{found the name 'pprt_gpu_copy', expected one that does not begin with 'pprt_', as functions of the runtime do: rename the function}}
func.func private @pprt_gpu_copy(%x: tensor<4xf32>) -> tensor<4xf32> attributes {pp.layer_function} {
  return %x : tensor<4xf32>
}

// -----

func.func private @layer(%x: tensor<4xf32>) -> tensor<4xf32> attributes {pp.layer_function} {
  return %x : tensor<4xf32>
}
// expected-error @+1 {{found the name 'pprt_mark', expected one that does not begin with 'pprt_', as functions of the runtime do: rename the function}}
func.func private @pprt_mark(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = call @layer(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// expected-error @+1 {{found the name 'llvm.trap', expected one that does not begin with 'llvm.', which LLVM keeps for itself: rename the function}}
func.func private @"llvm.trap"(%x: tensor<4xf32>) -> tensor<4xf32> attributes {pp.layer_function} {
  return %x : tensor<4xf32>
}

// -----

// expected-error @+1 {{found a name with a character of code 0, at which names of symbols end, expected none: rename the layer}}
func.func private @"a\00b"(%x: tensor<4xf32>) -> tensor<4xf32> attributes {pp.layer_function} {
  return %x : tensor<4xf32>
}
