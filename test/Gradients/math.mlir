// RUN: pp-gradcheck %s | FileCheck %s
// CHECK: all gradients agree

func.func @exponential(%x: tensor<3x5xf32>) -> (tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>) {
  %0 = math.exp %x : tensor<3x5xf32>
  %1 = math.exp2 %x : tensor<3x5xf32>
  %2 = math.expm1 %x : tensor<3x5xf32>
  return %0, %1, %2 : tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>
}
func.func @logarithm(%x: tensor<3x5xf32> {nn.range = [0.3, 2.0]}) -> (tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>) {
  %0 = math.log %x : tensor<3x5xf32>
  %1 = math.log2 %x : tensor<3x5xf32>
  %2 = math.log10 %x : tensor<3x5xf32>
  %3 = math.log1p %x : tensor<3x5xf32>
  return %0, %1, %2, %3 : tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>
}
func.func @root(%x: tensor<3x5xf32> {nn.range = [0.3, 2.0]}) -> (tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>) {
  %0 = math.sqrt %x : tensor<3x5xf32>
  %1 = math.rsqrt %x : tensor<3x5xf32>
  %2 = math.cbrt %x : tensor<3x5xf32>
  return %0, %1, %2 : tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>
}
func.func @circular(%x: tensor<3x5xf32>) -> (tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>) {
  %0 = math.sin %x : tensor<3x5xf32>
  %1 = math.cos %x : tensor<3x5xf32>
  %2 = math.tan %x : tensor<3x5xf32>
  return %0, %1, %2 : tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>
}
func.func @inverse_circular(%x: tensor<3x5xf32> {nn.range = [-0.8, 0.8]}, %z: tensor<3x5xf32> {nn.range = [0.3, 1.0]}) -> (tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>) {
  %0 = math.asin %x : tensor<3x5xf32>
  %1 = math.acos %x : tensor<3x5xf32>
  %2 = math.atan %x : tensor<3x5xf32>
  %3 = math.atan2 %x, %z : tensor<3x5xf32>
  return %0, %1, %2, %3 : tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>
}
func.func @hyperbolic(%x: tensor<3x5xf32>) -> (tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>) {
  %0 = math.sinh %x : tensor<3x5xf32>
  %1 = math.cosh %x : tensor<3x5xf32>
  %2 = math.tanh %x : tensor<3x5xf32>
  return %0, %1, %2 : tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>
}
func.func @inverse_hyperbolic(%x: tensor<3x5xf32> {nn.range = [-0.8, 0.8]}, %z: tensor<3x5xf32> {nn.range = [1.2, 2.0]}) -> (tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>) {
  %0 = math.asinh %x : tensor<3x5xf32>
  %1 = math.acosh %z : tensor<3x5xf32>
  %2 = math.atanh %x : tensor<3x5xf32>
  return %0, %1, %2 : tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>
}
func.func @error_function(%x: tensor<3x5xf32> {nn.range = [-2.0, 2.0]}) -> (tensor<3x5xf32>, tensor<3x5xf32>) {
  %0 = math.erf %x : tensor<3x5xf32>
  %1 = math.erfc %x : tensor<3x5xf32>
  return %0, %1 : tensor<3x5xf32>, tensor<3x5xf32>
}
// Away from zero, where |x| has a kink.
func.func @sign(%x: tensor<5xf32> {nn.range = [0.2, 1.0]}, %z: tensor<5xf32> {nn.range = [-1.0, -0.2]}) -> (tensor<5xf32>, tensor<5xf32>, tensor<5xf32>) {
  %0 = math.absf %x : tensor<5xf32>
  %1 = math.absf %z : tensor<5xf32>
  %2 = math.copysign %x, %z : tensor<5xf32>
  return %0, %1, %2 : tensor<5xf32>, tensor<5xf32>, tensor<5xf32>
}
func.func @power(%x: tensor<3x5xf32> {nn.range = [0.3, 2.0]}, %p: tensor<3x5xf32> {nn.range = [-2.0, 3.0]}) -> tensor<3x5xf32> {
  %0 = math.powf %x, %p : tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}
func.func @fma(%a: tensor<3x5xf32>, %b: tensor<3x5xf32>, %c: tensor<3x5xf32>) -> tensor<3x5xf32> {
  %0 = math.fma %a, %b, %c : tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}
// Steps: the derivative is zero, away from the jumps.
func.func @rounding(%x: tensor<7xf32> {nn.range = [1.1, 1.4]}, %z: tensor<7xf32>) -> tensor<7xf32> {
  %0 = math.floor %x : tensor<7xf32>
  %1 = math.ceil %x : tensor<7xf32>
  %2 = math.roundeven %x : tensor<7xf32>
  %3 = arith.addf %0, %1 : tensor<7xf32>
  %4 = arith.addf %3, %2 : tensor<7xf32>
  %5 = arith.mulf %4, %z : tensor<7xf32>
  return %5 : tensor<7xf32>
}
