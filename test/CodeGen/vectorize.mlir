// The loops of the ops that are not matrix products become vector code, in f32
// lanes of the features asked for, whatever the host has.
// RUN: pp-opt %s --pp-lower-layers="cpu=x86-64-v3 features=+avx,+avx2,+fma" \
// RUN:   | sed -n '/^  module @layers/,/^  }/p' | mlir-translate --mlir-to-llvmir \
// RUN:   | opt -passes='default<O2>' -S -o %t.ll
//
// Each function with the kernels that it calls, in any order.
// RUN: llvm-extract -S --recursive --func=layer_norm %t.ll | FileCheck %s --check-prefix=NORM
// RUN: llvm-extract -S --recursive --func=gelu %t.ll | FileCheck %s --check-prefix=GELU
// RUN: llvm-extract -S --recursive --func=cross_entropy %t.ll | FileCheck %s --check-prefix=LOSS
// RUN: llvm-extract -S --recursive --func=cross_entropy_grad %t.ll | FileCheck %s --check-prefix=GRADIENT
// RUN: llvm-extract -S --recursive --func=dropout %t.ll | FileCheck %s --check-prefix=DROPOUT

// NORM-DAG: fadd reassoc <8 x float>
// NORM-DAG: fmul <8 x float>
func.func @layer_norm(%x: tensor<8x256xf32>, %g: tensor<256xf32>, %b: tensor<256xf32>) -> tensor<8x256xf32> {
  %y = nn.layer_norm %x, %g, %b : (tensor<8x256xf32>, tensor<256xf32>, tensor<256xf32>) -> tensor<8x256xf32>
  return %y : tensor<8x256xf32>
}

// GELU: fdiv <8 x float>
func.func @gelu(%x: tensor<16x256xf32>) -> tensor<16x256xf32> {
  %y = nn.gelu %x {approximate = "tanh"} : (tensor<16x256xf32>) -> tensor<16x256xf32>
  return %y : tensor<16x256xf32>
}

// LOSS-DAG: call {{.*}}@llvm.maximum.v8f32(
// LOSS-DAG: call {{.*}}@llvm.fma.v8f32(
// LOSS-DAG: fadd reassoc <8 x float>
func.func @cross_entropy(%x: tensor<32x256xf32>, %t: tensor<32xi32>) -> (tensor<f32>, tensor<32xf32>) {
  %loss, %lse = nn.cross_entropy %x, %t : (tensor<32x256xf32>, tensor<32xi32>) -> (tensor<f32>, tensor<32xf32>)
  return %loss, %lse : tensor<f32>, tensor<32xf32>
}

// GRADIENT: call {{.*}}@llvm.fma.v8f32(
func.func @cross_entropy_grad(%x: tensor<64x256xf32>, %t: tensor<64xi32>, %lse: tensor<64xf32>, %d: tensor<f32>) -> tensor<64x256xf32> {
  %dx = nn.cross_entropy_grad %x, %t, %lse, %d : (tensor<64x256xf32>, tensor<64xi32>, tensor<64xf32>, tensor<f32>) -> tensor<64x256xf32>
  return %dx : tensor<64x256xf32>
}

// Four words of each counter, each drawn once.
// DROPOUT-DAG: mul {{.*}}<{{[0-9]+}} x i64>
// DROPOUT-DAG: select <8 x i1> {{.*}}, <8 x float>
func.func @dropout(%x: tensor<128x256xf32>, %key: i64) -> tensor<128x256xf32> {
  %y = nn.dropout %x key(%key) {p = 0.1, site = 0 : i64} : (tensor<128x256xf32>, i64) -> tensor<128x256xf32>
  return %y : tensor<128x256xf32>
}
