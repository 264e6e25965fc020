// RUN: pp-opt %s --split-input-file --verify-diagnostics

func.func @f(%a: tensor<2x3xf64>, %b: tensor<3x4xf64>, %c: tensor<2x4xf64>, %ws: tensor<1xf32>) {
  // expected-error @below {{found elements of type 'f64', expected f32 or bf16: the library has no other kernel}}
  %0:2 = kernel.gemm %a, %b into %c, %ws : (tensor<2x3xf64>, tensor<3x4xf64>, tensor<2x4xf64>, tensor<1xf32>) -> (tensor<2x4xf64>, tensor<1xf32>)
  return
}

// -----

func.func @f(%a: tensor<2x3xbf16>, %b: tensor<3x4xf32>, %c: tensor<2x4xf32>, %ws: tensor<1xf32>) {
  // expected-error @below {{found an operand of type 'tensor<3x4xf32>', expected elements of 'bf16' as the first has: convert one}}
  %0:2 = kernel.gemm %a, %b into %c, %ws : (tensor<2x3xbf16>, tensor<3x4xf32>, tensor<2x4xf32>, tensor<1xf32>) -> (tensor<2x4xf32>, tensor<1xf32>)
  return
}

// -----

func.func @f(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>, %c: tensor<2x4xbf16>, %ws: tensor<1xf32>) {
  // expected-error @below {{found a destination of type 'tensor<2x4xbf16>', expected elements of 'f32'}}
  %0:2 = kernel.gemm %a, %b into %c, %ws : (tensor<2x3xf32>, tensor<3x4xf32>, tensor<2x4xbf16>, tensor<1xf32>) -> (tensor<2x4xbf16>, tensor<1xf32>)
  return
}

// -----

func.func @f(%a: tensor<2x3xbf16>, %b: tensor<3x4xbf16>, %c: tensor<2x4xf32>, %ws: tensor<1xbf16>) {
  // expected-error @below {{found workspace of type 'tensor<1xbf16>', expected elements of f32}}
  %0:2 = kernel.gemm %a, %b into %c, %ws : (tensor<2x3xbf16>, tensor<3x4xbf16>, tensor<2x4xf32>, tensor<1xbf16>) -> (tensor<2x4xf32>, tensor<1xbf16>)
  return
}

// -----

func.func @f(%q: tensor<8x8xbf16>, %lse: tensor<1x2x8xbf16>, %ws: tensor<1xf32>) {
  // expected-error @below {{found lse of type 'tensor<1x2x8xbf16>', expected elements of f32}}
  %0:3 = kernel.attention %q, %q, %q into %q, %lse, %ws {batch = 1 : i64, heads = 2 : i64, kv_heads = 2 : i64, scale = 0.5 : f64} : (tensor<8x8xbf16>, tensor<8x8xbf16>, tensor<8x8xbf16>, tensor<8x8xbf16>, tensor<1x2x8xbf16>, tensor<1xf32>) -> (tensor<8x8xbf16>, tensor<1x2x8xbf16>, tensor<1xf32>)
  return
}
