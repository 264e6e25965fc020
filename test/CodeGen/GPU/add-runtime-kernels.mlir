// RUN: pp-opt %s --pp-gpu-add-runtime-kernels | FileCheck %s
// RUN: pp-opt %s --pass-pipeline='builtin.module(pp-gpu-add-runtime-kernels,pp-gpu-expand-math,gpu.module(convert-scf-to-cf,convert-gpu-to-nvvm{use-bare-ptr-memref-call-conv=1 index-bitwidth=32},reconcile-unrealized-casts),nvvm-attach-target{chip=sm_80 O=3},gpu-module-to-binary{format=isa})' | FileCheck %s --check-prefix=PTX

// Kernels that the runtime launches by name, beside those of layers.
// What they move for an element, counted in their code: updates and norms the
// least, which is the number of a count by hand. A copy in bf16 (2 bytes) may be missing.
// CHECK: pp.runtime_kernels = {
// CHECK-SAME: pprt_kernel_adamw = {bytes = 30 : i64, fixed = 32 : i64, least = 30 : i64, optional = 2 : i64}
// CHECK-SAME: pprt_kernel_add = {bytes = 12 : i64, fixed = 0 : i64, least = 12 : i64, optional = 0 : i64}
// CHECK-SAME: pprt_kernel_add_f64 = {bytes = 24 : i64, fixed = 0 : i64, least = 24 : i64, optional = 0 : i64}
// CHECK-SAME: pprt_kernel_conclude = {bytes = 16 : i64, fixed = {{[0-9]+}} : i64, least = 8 : i64, optional = 0 : i64}
// CHECK-SAME: pprt_kernel_sgd = {bytes = 14 : i64, fixed = 12 : i64, least = 14 : i64, optional = 2 : i64}
// CHECK-SAME: pprt_kernel_square_norm = {bytes = 4 : i64, fixed = 8 : i64, least = 4 : i64, optional = 0 : i64}
// CHECK-SAME: pprt_kernel_sum = {bytes = 8 : i64, fixed = 8 : i64, least = 8 : i64, optional = 0 : i64}
// CHECK-SAME: pprt_kernel_widen = {bytes = 0 : i64, fixed = 12 : i64, least = 0 : i64, optional = 0 : i64}
// CHECK: gpu.module @kernels
// CHECK: gpu.func @mine
// CHECK: gpu.func @pprt_kernel_widen
// CHECK: gpu.func @pprt_kernel_add(
// CHECK: gpu.func @pprt_kernel_add_f64(
// CHECK: gpu.func @pprt_kernel_sgd
// CHECK: gpu.func @pprt_kernel_adamw
// CHECK: gpu.func @pprt_kernel_square_norm
// CHECK: gpu.func @pprt_kernel_sum
// CHECK: gpu.func @pprt_kernel_conclude
// CHECK: gpu.func @pprt_kernel_check_ids
// CHECK: gpu.func @pprt_kernel_epilogue
// CHECK: gpu.func @pprt_kernel_sums

// Four elements at once; roundings as on the host, and no fused products.
// PTX: ld.global.v4
// PTX-NOT: fma.rn
// PTX-NOT: approx
// PTX: sqrt.rn.f32
// PTX: sqrt.rn.f64
module attributes {gpu.container_module} {
  gpu.module @kernels {
    gpu.func @mine(%x: !llvm.ptr) kernel {
      gpu.return
    }
  }
}
