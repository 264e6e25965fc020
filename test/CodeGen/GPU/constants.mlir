// RUN: pp-opt %s --pp-layers-to-gpu-kernels | FileCheck %s --check-prefix=KERNELS
// RUN: pp-opt %s --pp-lower-layers-gpu | FileCheck %s

// Small tables are part of the code of kernels, larger ones are copied to the
// device and passed: code is text, which the driver compiles.

// KERNELS-DAG: gpu.func @{{[a-z_0-9]+}}({{.*}}memref<2048xf32>{{.*}}memref<2048xf32>
// KERNELS-DAG: memref.global {{.*}}memref<32xf32>
// KERNELS-LABEL: func.func private @long
// KERNELS: memref.get_global @{{.*}} : memref<128x16xf32>
// KERNELS: gpu.launch_func
// KERNELS-LABEL: func.func private @short
// KERNELS-NOT: memref.get_global
// KERNELS: return

// CHECK-DAG: llvm.mlir.global private constant @[[TABLE:.*]](dense<{{.*}}> : tensor<128x16xf32>)
// CHECK-LABEL: llvm.func {{.*}}@long
// CHECK-COUNT-2: llvm.call @pprt_gpu_constant(%{{.*}}, %{{.*}}, %{{.*}}) : (!llvm.ptr, !llvm.ptr, i64) -> !llvm.ptr
// CHECK: llvm.call @pprt_gpu_launch
// CHECK-LABEL: llvm.func {{.*}}@short
// CHECK-NOT: pprt_gpu_constant
// CHECK: llvm.return

func.func private @long(%x: tensor<2x128x4x32xf32>) -> tensor<2x128x4x32xf32> attributes {pp.layer_function} {
  %y = nn.rotary %x : (tensor<2x128x4x32xf32>) -> tensor<2x128x4x32xf32>
  return %y : tensor<2x128x4x32xf32>
}

func.func private @short(%x: tensor<2x8x4x8xf32>) -> tensor<2x8x4x8xf32> attributes {pp.layer_function} {
  %y = nn.rotary %x : (tensor<2x8x4x8xf32>) -> tensor<2x8x4x8xf32>
  return %y : tensor<2x8x4x8xf32>
}

// A library gets the copy, be it a slice of the constant.
// CHECK-LABEL: llvm.func {{.*}}@library
// CHECK: %[[TABLE:.*]] = llvm.call @pprt_gpu_constant(
// CHECK: %[[SLICE:.*]] = llvm.getelementptr %[[TABLE]][2]
// CHECK: llvm.call @pprt_gpu_matmul(%{{.*}}, %{{.*}}, %{{.*}}, %[[SLICE]],
func.func private @library(%x: tensor<4x2xf32>) -> tensor<4x3xf32> attributes {pp.layer_function} {
  %c = arith.constant dense<[[0.0, 1.0], [2.0, 3.0], [4.0, 5.0], [6.0, 7.0]]> : tensor<4x2xf32>
  %s = nn.slice %c offsets = [1, 0] sizes = [3, 2] strides = [1, 1] : (tensor<4x2xf32>) -> tensor<3x2xf32>
  %y = nn.matmul %x, %s {transpose_b} : (tensor<4x2xf32>, tensor<3x2xf32>) -> tensor<4x3xf32>
  return %y : tensor<4x3xf32>
}
