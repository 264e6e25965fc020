// RUN: pp-opt %s | pp-opt | FileCheck %s

// CHECK-LABEL: @initialisers
// CHECK-SAME: a = #nn.normal<std = 2.000000e-02>
// CHECK-SAME: b = #nn.normal<std = 1.000000e+00, mean = -5.000000e-01>
// CHECK-SAME: c = #nn.uniform<low = -1.000000e-01, high = 1.000000e-01>
// CHECK-SAME: d = #nn.constant<value = 0.33333333333333331>
// CHECK-SAME: e = #nn.zeros
// CHECK-SAME: f = #nn.ones
func.func private @initialisers() attributes {
  a = #nn.normal<std = 0.02>,
  b = #nn.normal<mean = -0.5, std = 1.0>,
  c = #nn.uniform<low = -0.1, high = 0.1>,
  d = #nn.constant<value = 0.3333333333333333>,
  e = #nn.zeros,
  f = #nn.ones
}
