// RUN: pp-opt %s --split-input-file --verify-diagnostics

// (C1)
func.func @f(%a: tensor<2x4x3xf32>, %b: tensor<3x8xf32>, %n: tensor<8xf32>, %c: tensor<4x8xf32>, %ws: tensor<1xf32>) {
  // expected-error @below {{found an operand of type 'tensor<2x4x3xf32>', expected rank 2; collapse leading dimensions first}}
  %0:2 = kernel.fused_gemm bias %a, %b bias(%n) into %c, %ws : (tensor<2x4x3xf32>, tensor<3x8xf32>, tensor<8xf32>, tensor<4x8xf32>, tensor<1xf32>) -> (tensor<4x8xf32>, tensor<1xf32>)
  return
}

// -----

// (C2)
func.func @f(%a: tensor<4x3xf32>, %b: tensor<2x8xf32>, %n: tensor<8xf32>, %c: tensor<4x8xf32>, %ws: tensor<1xf32>) {
  // expected-error @below {{found inner dimensions 3 and 2, expected them equal; check the transpose attributes}}
  %0:2 = kernel.fused_gemm bias %a, %b bias(%n) into %c, %ws : (tensor<4x3xf32>, tensor<2x8xf32>, tensor<8xf32>, tensor<4x8xf32>, tensor<1xf32>) -> (tensor<4x8xf32>, tensor<1xf32>)
  return
}

// -----

func.func @f(%a: tensor<4x3xf32>, %b: tensor<3x8xf32>, %n: tensor<8xf32>, %c: tensor<8x4xf32>, %ws: tensor<1xf32>) {
  // expected-error @below {{found a destination of 8x4, expected 4x8}}
  %0:2 = kernel.fused_gemm bias %a, %b bias(%n) into %c, %ws : (tensor<4x3xf32>, tensor<3x8xf32>, tensor<8xf32>, tensor<8x4xf32>, tensor<1xf32>) -> (tensor<8x4xf32>, tensor<1xf32>)
  return
}

// -----

// (C3)
func.func @f(%a: tensor<4x3xf64>, %b: tensor<3x8xf64>, %n: tensor<8xf64>, %c: tensor<4x8xf64>, %ws: tensor<1xf32>) {
  // expected-error @below {{found elements of type 'f64', expected f32 or bf16: the library has no other kernel}}
  %0:2 = kernel.fused_gemm bias %a, %b bias(%n) into %c, %ws : (tensor<4x3xf64>, tensor<3x8xf64>, tensor<8xf64>, tensor<4x8xf64>, tensor<1xf32>) -> (tensor<4x8xf64>, tensor<1xf32>)
  return
}

// -----

func.func @f(%a: tensor<4x3xf32>, %b: tensor<3x8xf32>, %n: tensor<8xbf16>, %c: tensor<4x8xbf16>, %ws: tensor<1xf32>) {
  // expected-error @below {{found a destination of type 'tensor<4x8xbf16>', expected elements of 'f32'}}
  %0:2 = kernel.fused_gemm bias %a, %b bias(%n) into %c, %ws : (tensor<4x3xf32>, tensor<3x8xf32>, tensor<8xbf16>, tensor<4x8xbf16>, tensor<1xf32>) -> (tensor<4x8xbf16>, tensor<1xf32>)
  return
}

// -----

// (C4)
func.func @f(%a: tensor<4x3xf32>, %b: tensor<3x8xf32>, %c: tensor<4x8xf32>, %ws: tensor<1xf32>) {
  // expected-error @below {{found no bias with the epilogue bias, expected one}}
  %0:2 = kernel.fused_gemm bias %a, %b into %c, %ws : (tensor<4x3xf32>, tensor<3x8xf32>, tensor<4x8xf32>, tensor<1xf32>) -> (tensor<4x8xf32>, tensor<1xf32>)
  return
}

// -----

func.func @f(%a: tensor<4x3xf32>, %b: tensor<3x8xf32>, %c: tensor<4x8xf32>, %ws: tensor<1xf32>) {
  // expected-error @below {{found no aux with the epilogue gelu, expected one}}
  %0:2 = kernel.fused_gemm gelu %a, %b into %c, %ws : (tensor<4x3xf32>, tensor<3x8xf32>, tensor<4x8xf32>, tensor<1xf32>) -> (tensor<4x8xf32>, tensor<1xf32>)
  return
}

// -----

func.func @f(%a: tensor<4x3xf32>, %b: tensor<3x8xf32>, %n: tensor<8xf32>, %c: tensor<4x8xf32>, %ws: tensor<1xf32>) {
  // expected-error @below {{found bias with the epilogue gelu_grad, expected none}}
  %0:2 = kernel.fused_gemm gelu_grad %a, %b bias(%n) input(%c) into %c, %ws : (tensor<4x3xf32>, tensor<3x8xf32>, tensor<8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<1xf32>) -> (tensor<4x8xf32>, tensor<1xf32>)
  return
}

// -----

// (C5)
func.func @f(%a: tensor<4x3xf32>, %b: tensor<3x8xf32>, %n: tensor<4xf32>, %c: tensor<4x8xf32>, %ws: tensor<1xf32>) {
  // expected-error @below {{found bias of type 'tensor<4xf32>', expected the elements of 'tensor<8xf32>'}}
  %0:2 = kernel.fused_gemm bias %a, %b bias(%n) into %c, %ws : (tensor<4x3xf32>, tensor<3x8xf32>, tensor<4xf32>, tensor<4x8xf32>, tensor<1xf32>) -> (tensor<4x8xf32>, tensor<1xf32>)
  return
}

// -----

func.func @f(%a: tensor<4x3xf32>, %b: tensor<3x8xf32>, %c: tensor<4x8xf32>, %n: tensor<8xf32>, %ws: tensor<1xf32>) {
  // expected-error @below {{found sums of type 'tensor<8xf32>', expected the elements of 'tensor<4xf32>'}}
  %0:3 = kernel.fused_gemm lhs_sums %a, %b into %c sums(%n), %ws : (tensor<4x3xf32>, tensor<3x8xf32>, tensor<4x8xf32>, tensor<8xf32>, tensor<1xf32>) -> (tensor<4x8xf32>, tensor<8xf32>, tensor<1xf32>)
  return
}

// -----

func.func @f(%a: tensor<4x3xbf16>, %b: tensor<3x8xbf16>, %c: tensor<4x8xbf16>, %x: tensor<4x8xf32>, %ws: tensor<1xf32>) {
  // expected-error @below {{found input of type 'tensor<4x8xf32>', expected the elements of 'tensor<4x8xbf16>'}}
  %0:2 = kernel.fused_gemm gelu_grad %a, %b input(%x) into %c, %ws : (tensor<4x3xbf16>, tensor<3x8xbf16>, tensor<4x8xf32>, tensor<4x8xbf16>, tensor<1xf32>) -> (tensor<4x8xbf16>, tensor<1xf32>)
  return
}

// -----

func.func @f(%a: memref<4x3xf32>, %b: memref<3x8xf32>, %n: memref<8xf32, strided<[2]>>, %c: memref<4x8xf32>, %ws: memref<1xf32>) {
  // expected-error @below {{found bias of type 'memref<8xf32, strided<[2]>>', expected neighbouring elements; copy it first}}
  kernel.fused_gemm bias %a, %b bias(%n) into %c, %ws : (memref<4x3xf32>, memref<3x8xf32>, memref<8xf32, strided<[2]>>, memref<4x8xf32>, memref<1xf32>) -> ()
  return
}

// -----

// (C6)
func.func @f(%a: tensor<4x3xf32>, %b: tensor<3x12xf32>, %c: tensor<4x12xf32>, %ws: tensor<1xf32>) {
  // expected-error @below {{found 12 columns with the epilogue gelu, expected a multiple of 8: leave the product alone}}
  %0:3 = kernel.fused_gemm gelu %a, %b into %c aux(%c), %ws : (tensor<4x3xf32>, tensor<3x12xf32>, tensor<4x12xf32>, tensor<4x12xf32>, tensor<1xf32>) -> (tensor<4x12xf32>, tensor<4x12xf32>, tensor<1xf32>)
  return
}

// -----

// (C7)
func.func @f(%a: tensor<4x3xbf16>, %b: tensor<3x8xbf16>, %c: tensor<4x8xbf16>, %n: tensor<8xbf16>, %ws: tensor<1xf32>) {
  // expected-error @below {{found sums of type 'tensor<8xbf16>', expected elements of f32}}
  %0:3 = kernel.fused_gemm rhs_sums %a, %b into %c sums(%n), %ws : (tensor<4x3xbf16>, tensor<3x8xbf16>, tensor<4x8xbf16>, tensor<8xbf16>, tensor<1xf32>) -> (tensor<4x8xbf16>, tensor<8xbf16>, tensor<1xf32>)
  return
}

// -----

// (C8)
func.func @f(%a: tensor<4x3xf32>, %b: tensor<3x8xf32>, %n: tensor<8xf32>, %c: tensor<4x8xf32>, %ws: tensor<1xbf16>) {
  // expected-error @below {{found workspace of type 'tensor<1xbf16>', expected elements of f32}}
  %0:2 = kernel.fused_gemm bias %a, %b bias(%n) into %c, %ws : (tensor<4x3xf32>, tensor<3x8xf32>, tensor<8xf32>, tensor<4x8xf32>, tensor<1xbf16>) -> (tensor<4x8xf32>, tensor<1xbf16>)
  return
}

// -----

func.func @f(%a: memref<4x3xf32>, %b: memref<3x8xf32>, %n: memref<8xf32>, %c: memref<4x8xf32>, %ws: memref<1x1xf32>) {
  // expected-error @below {{found workspace of type 'memref<1x1xf32>', expected a vector}}
  kernel.fused_gemm bias %a, %b bias(%n) into %c, %ws : (memref<4x3xf32>, memref<3x8xf32>, memref<8xf32>, memref<4x8xf32>, memref<1x1xf32>) -> ()
  return
}

// -----

// (C9)
func.func @f(%a: tensor<4x3xf32>, %b: tensor<3x5xf32>, %x: tensor<4x5xf32>, %c: tensor<4x5xf32>, %ws: tensor<1xf32>) {
  // expected-error @below {{found accumulate with the epilogue add, expected one of them: the library adds one matrix}}
  %0:2 = kernel.fused_gemm add %a, %b input(%x) into %c, %ws {accumulate} : (tensor<4x3xf32>, tensor<3x5xf32>, tensor<4x5xf32>, tensor<4x5xf32>, tensor<1xf32>) -> (tensor<4x5xf32>, tensor<1xf32>)
  return
}

// -----

func.func @f(%a: tensor<4x3xf32>, %b: tensor<3x5xf32>, %n: tensor<5xf32>, %c: tensor<4x5xf32>, %ws: tensor<1xf32>) {
  // expected-error @below {{found no input with the epilogue add, expected one}}
  %0:2 = kernel.fused_gemm add %a, %b bias(%n) into %c, %ws : (tensor<4x3xf32>, tensor<3x5xf32>, tensor<5xf32>, tensor<4x5xf32>, tensor<1xf32>) -> (tensor<4x5xf32>, tensor<1xf32>)
  return
}

// -----

func.func @f(%a: tensor<4x3xf32>, %b: tensor<3x5xf32>, %x: tensor<5x4xf32>, %c: tensor<4x5xf32>, %ws: tensor<1xf32>) {
  // expected-error @below {{found input of type 'tensor<5x4xf32>', expected the elements of 'tensor<4x5xf32>'}}
  %0:2 = kernel.fused_gemm add %a, %b input(%x) into %c, %ws : (tensor<4x3xf32>, tensor<3x5xf32>, tensor<5x4xf32>, tensor<4x5xf32>, tensor<1xf32>) -> (tensor<4x5xf32>, tensor<1xf32>)
  return
}
