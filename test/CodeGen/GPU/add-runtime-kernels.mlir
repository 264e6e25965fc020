// RUN: pp-opt %s --pp-gpu-add-runtime-kernels | FileCheck %s

// Kernels that the runtime launches by name, beside those of layers.
// CHECK: gpu.module @kernels
// CHECK: gpu.func @mine
// CHECK: gpu.func @pprt_kernel_widen
// CHECK: gpu.func @pprt_kernel_add(
// CHECK: gpu.func @pprt_kernel_add_f64(
// CHECK: gpu.func @pprt_kernel_check_ids
// CHECK: gpu.func @pprt_kernel_epilogue
// CHECK: gpu.func @pprt_kernel_sums
module attributes {gpu.container_module} {
  gpu.module @kernels {
    gpu.func @mine(%x: !llvm.ptr) kernel {
      gpu.return
    }
  }
}
