// RUN: pp-check-layers --same-types --gpu --tolerance=0 %s
// RUN: pp-check-layers --print %s | FileCheck %s --check-prefix=VALUES
// RUN: pp-opt %s --convert-nn-to-linalg | FileCheck %s

// Functions of math that upstream has code for on some processors only become
// arithmetic, the same everywhere. (Products with 0 keep the constants from
// being folded.)

// CHECK-NOT: math.is
// CHECK-NOT: math.absi

// VALUES: classes result 0: equal
// VALUES-NEXT: 0 0 0 0 1 0 0 0
// VALUES: classes result 1: equal
// VALUES-NEXT: 0 0 1 1 0 0 0 0
// VALUES: classes result 2: equal
// VALUES-NEXT: 1 1 0 0 0 1 1 1
// VALUES: classes result 3: equal
// VALUES-NEXT: 0 1 0 0 0 1 1 1
func.func @classes(%x: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) attributes {pp.layer_function} {
  %zero = arith.constant dense<0.0> : tensor<8xf32>
  %one = arith.constant dense<1.0> : tensor<8xf32>
  %a = arith.constant dense<[0.0, -1.5, 1.0, -1.0, 0.0, 2.0, 3.0, 4.0]> : tensor<8xf32>
  %b = arith.constant dense<[1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]> : tensor<8xf32>
  %none = arith.mulf %x, %zero : tensor<8xf32>
  %n = arith.addf %none, %a : tensor<8xf32>
  %d = arith.addf %none, %b : tensor<8xf32>
  %c = arith.divf %n, %d : tensor<8xf32>
  %0 = math.isnan %c : tensor<8xf32>
  %1 = math.isinf %c : tensor<8xf32>
  %2 = math.isfinite %c : tensor<8xf32>
  %3 = math.isnormal %c : tensor<8xf32>
  %w = arith.select %0, %one, %zero : tensor<8xi1>, tensor<8xf32>
  %y = arith.select %1, %one, %zero : tensor<8xi1>, tensor<8xf32>
  %z = arith.select %2, %one, %zero : tensor<8xi1>, tensor<8xf32>
  %v = arith.select %3, %one, %zero : tensor<8xi1>, tensor<8xf32>
  return %w, %y, %z, %v : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
}

// VALUES: absolute result 0: equal
func.func @absolute(%x: tensor<100xf32>) -> tensor<100xf32> attributes {pp.layer_function} {
  %c = arith.constant dense<100.0> : tensor<100xf32>
  %0 = arith.mulf %x, %c : tensor<100xf32>
  %1 = arith.fptosi %0 : tensor<100xf32> to tensor<100xi32>
  %2 = math.absi %1 : tensor<100xi32>
  %3 = arith.sitofp %2 : tensor<100xi32> to tensor<100xf32>
  return %3 : tensor<100xf32>
}
