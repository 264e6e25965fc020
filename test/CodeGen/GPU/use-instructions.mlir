// RUN: pp-opt %s --pp-gpu-use-instructions | FileCheck %s
// RUN: pp-opt %s --pp-gpu-use-instructions --pp-gpu-emulate-kernels | FileCheck %s --check-prefix=HOST

gpu.module @kernels {
  // What is rounded may be approximate; a power that is stored in f32 may not.
  // CHECK-LABEL: gpu.func @rounded
  // CHECK: llvm.call_intrinsic "llvm.exp2.f32"({{.*}}) {fastmathFlags = #llvm.fastmath<afn>}
  // CHECK: llvm.fptrunc {{.*}} : f32 to bf16
  // CHECK-LABEL: gpu.func @stored
  // CHECK: math.exp
  // CHECK-NOT: call_intrinsic
  // CHECK-LABEL: gpu.func @loose
  // CHECK: llvm.call_intrinsic
  gpu.func @rounded(%x: memref<8xf32>, %y: memref<8xbf16>) kernel {
    %i = gpu.thread_id x
    %a = memref.load %x[%i] : memref<8xf32>
    %e = math.exp %a : f32
    %s = arith.subf %e, %a : f32
    %r = arith.truncf %s : f32 to bf16
    memref.store %r, %y[%i] : memref<8xbf16>
    gpu.return
  }
  gpu.func @stored(%x: memref<8xf32>, %y: memref<8xbf16>) kernel {
    %i = gpu.thread_id x
    %a = memref.load %x[%i] : memref<8xf32>
    %e = math.exp %a : f32
    %r = arith.truncf %e : f32 to bf16
    memref.store %r, %y[%i] : memref<8xbf16>
    memref.store %e, %x[%i] : memref<8xf32>
    gpu.return
  }
  gpu.func @loose(%x: memref<8xf32>) kernel {
    %i = gpu.thread_id x
    %a = memref.load %x[%i] : memref<8xf32>
    %e = math.exp %a fastmath<afn> : f32
    memref.store %e, %x[%i] : memref<8xf32>
    gpu.return
  }
}

// The emulated device computes what the host does.
// HOST-LABEL: func.func private @rounded.emulated
// HOST: math.exp %{{.*}} : f32
// HOST: arith.truncf {{.*}} : f32 to bf16
// HOST: return
