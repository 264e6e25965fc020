// RUN: not pp-gradcheck %s 2>&1 | FileCheck %s

// CHECK: found no public function in {{.*}}empty.mlir, expected at least one func.func or pp.layer
func.func private @hidden(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
