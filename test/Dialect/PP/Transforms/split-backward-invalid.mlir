// RUN: pp-opt %s -pp-split-backward -split-input-file -verify-diagnostics

// expected-error @below {{result 1 of @unmarked: found no pp.grad, expected it on every result of a backward function: mark the result "input" or "param"}}
func.func private @unmarked(%x: tensor<4xf32>) -> (tensor<4xf32> {pp.grad = "input"}, tensor<4xf32>) attributes {pp.layer_function} {
  %0 = arith.negf %x : tensor<4xf32>
  return %0, %0 : tensor<4xf32>, tensor<4xf32>
}

// -----

// expected-error @+1 {{result 0 of @scale.backward: found pp.accumulates = 1, an argument that its half of the function does not read, expected the accumulator that the result adds to}}
func.func private @scale.backward(%x: tensor<4xf32>, %acc: tensor<4xf32>) -> (tensor<4xf32> {pp.accumulates = 1 : i64, pp.grad = "param"}) {
  %dw = arith.mulf %x, %x : tensor<4xf32>
  return %dw : tensor<4xf32>
}
