// RUN: pp-opt %s --pp-gpu-add-runtime-kernels | FileCheck %s

// Kernels that the runtime launches by name, beside those of layers.
// What they move for an element, counted in their code: the least there is.
// CHECK: pp.runtime_kernels = {
// CHECK-SAME: pprt_kernel_add = {bytes = 12 : i64, fixed = 0 : i64, least = 12 : i64, optional = 0 : i64}
// CHECK-SAME: pprt_kernel_add_f64 = {bytes = 24 : i64, fixed = 0 : i64, least = 24 : i64, optional = 0 : i64}
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
