// RUN: pp-opt %s --pp-gpu-add-runtime-kernels | FileCheck %s
// RUN: pp-opt %s --pass-pipeline='builtin.module(pp-gpu-add-runtime-kernels,pp-gpu-expand-math,gpu.module(convert-scf-to-cf,convert-gpu-to-nvvm{use-bare-ptr-memref-call-conv=1 index-bitwidth=32},reconcile-unrealized-casts),nvvm-attach-target{chip=sm_80 O=3},gpu-module-to-binary{format=isa})' | FileCheck %s --check-prefix=PTX

// Kernels that the runtime launches by name, beside those of layers.
// CHECK: gpu.module @kernels
// CHECK: gpu.func @mine
// CHECK: gpu.func @pprt_kernel_widen
// CHECK: gpu.func @pprt_kernel_add
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
