// RUN: pp-opt %s --nn-differentiate --verify-diagnostics

pp.mesh @mesh <["tensor" = 2]>

func.func @max(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{'comm.all_reduce' op max has no derivative, but a gradient must pass through it: where the maximum cancels out, as in a softmax, put comm.detach behind it}}
  %y = comm.all_reduce max %x over ["tensor"] : tensor<4xf32>
  return %y : tensor<4xf32>
}
