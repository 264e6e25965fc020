// RUN: pp-opt %s -pp-split-backward -split-input-file -verify-diagnostics

// expected-error @below {{result 1 of @unmarked: found no pp.grad, expected it on every result of a backward function: mark the result "input" or "param"}}
func.func private @unmarked(%x: tensor<4xf32>) -> (tensor<4xf32> {pp.grad = "input"}, tensor<4xf32>) attributes {pp.layer_function} {
  %0 = arith.negf %x : tensor<4xf32>
  return %0, %0 : tensor<4xf32>, tensor<4xf32>
}
