// RUN: not pp-opt %s --pp-lower-precision=type=fp8 2>&1 | FileCheck %s --check-prefix=TYPE
// RUN: not pp-opt %s --pp-lower-precision 2>&1 | FileCheck %s --check-prefix=REGION

// TYPE: error: found precision 'fp8', expected f32 or bf16

pp.layer @looping(%x: tensor<4xf32>) -> tensor<4xf32> {
  %from = arith.constant 0 : index
  %to = arith.constant 2 : index
  %step = arith.constant 1 : index
  // REGION: error: 'scf.for' op found regions in a layer, expected an op without: a layer is a list of ops on tensors
  %y = scf.for %i = %from to %to step %step iter_args(%v = %x) -> tensor<4xf32> {
    %s = arith.addf %v, %v : tensor<4xf32>
    scf.yield %s : tensor<4xf32>
  }
  pp.yield %y : tensor<4xf32>
}
