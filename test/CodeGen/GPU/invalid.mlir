// RUN: pp-opt %s --pp-lower-layers-gpu --split-input-file --verify-diagnostics

func.func @f64(%x: tensor<8xf64>) -> tensor<8xf64> {
  // expected-error @below {{found on 'f64' in a kernel for a GPU, which has no code for it; expected f32, cast the operand}}
  %y = math.exp %x : tensor<8xf64>
  return %y : tensor<8xf64>
}
