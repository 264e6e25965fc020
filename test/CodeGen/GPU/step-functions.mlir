// RUN: pp-opt %s --pp-add-optimizer --pp-lower-layers-gpu -o %t.mlir
// RUN: grep -o 'pp.cost = {[^}]*}' %t.mlir | FileCheck %s
// RUN: FileCheck %s --check-prefix=PTX < %t.mlir

// What the kernels of a step's end move: the least, which is the number of a
// count by hand. For an element 4 bytes of a norm, 12 of a sum, 28 of AdamW, 12 of
// SGD and 20 of Lion, 2 more for a copy in bf16; and the numbers of the step.
// CHECK-DAG: least = 16416 : i64, name = "sum_of_squares_{{[0-9]+}}"
// CHECK-DAG: least = 49152 : i64, name = "add_0"
// CHECK-DAG: least = 114724 : i64, name = "adamw_0"
// CHECK-DAG: least = 49188 : i64, name = "sgd_0"
// CHECK-DAG: least = 81956 : i64, name = "lion_0"
// CHECK-DAG: least = 122916 : i64, name = "adamw_1"
// CHECK-DAG: least = 57380 : i64, name = "sgd_1"
// CHECK-DAG: least = 90148 : i64, name = "lion_1"
// CHECK-DAG: name = "conclude_0"

// 16 bytes at once; roundings as on the host, and no fused products.
// PTX: .entry adamw_0
// PTX-NOT: {{fma.rn|approx}}
// PTX: ld.global.v4
// PTX-NOT: {{fma.rn|approx}}
// PTX: sqrt.rn.f32
// PTX-NOT: {{fma.rn|approx}}
// PTX: .entry pprt_kernel_widen

pp.parameter @w : tensor<64x64xf32> init(#nn.zeros)
pp.parameter @b : tensor<64x64xbf16> init(#nn.zeros)
func.func private @uses(%acc: tensor<64x64xf32> {pp.grad = "w", pp.use = 1 : i64})
pp.schedule "1f1b" microbatches(2) placement [0] rows ["0F0,0F1,0B0,0B1"]
