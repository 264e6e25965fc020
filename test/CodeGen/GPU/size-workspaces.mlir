// RUN: pp-opt %s --pass-pipeline='builtin.module(func.func(pp-gpu-size-workspaces))' | FileCheck %s --check-prefixes=CHECK,HOPPER
// RUN: pp-opt %s --pass-pipeline='builtin.module(func.func(pp-gpu-size-workspaces{any-order=true}))' | FileCheck %s --check-prefixes=CHECK,ANY
// RUN: pp-opt %s --pass-pipeline='builtin.module(func.func(pp-gpu-size-workspaces{cudnn=92500}))' | FileCheck %s --check-prefixes=CHECK,LINEAR
// RUN: pp-opt %s --pass-pipeline='builtin.module(func.func(pp-gpu-size-workspaces{chip=sm_80}))' | FileCheck %s --check-prefixes=CHECK,NEWER
// RUN: pp-opt %s --pass-pipeline='builtin.module(func.func(pp-gpu-size-workspaces{chip=sm_100a}))' | FileCheck %s --check-prefixes=CHECK,BLACKWELL

// 32 MiB for cuBLASLt wherever the memory begins.
// CHECK-LABEL: @product
// CHECK: kernel.gemm {{.*}} memref<8388672xf32>)
func.func @product(%a: memref<8x4xf32>, %b: memref<4x16xf32>, %c: memref<8x16xf32>) {
  %w = memref.alloc() : memref<112xf32>
  kernel.gemm %a, %b into %c, %w : (memref<8x4xf32>, memref<4x16xf32>, memref<8x16xf32>, memref<112xf32>) -> ()
  return
}

// 256 bytes of cuDNN; here the host's kernel would take more.
// CHECK-LABEL: @forward
// CHECK: kernel.attention {{.*}} memref<819280xf32>)
func.func @forward(%q: memref<2048x4096xbf16>, %l: memref<2x64x1024xf32>) {
  %w = memref.alloc() : memref<819280xf32>
  kernel.attention %q, %q, %q into %q, %l, %w {batch = 2 : i64, heads = 64 : i64, kv_heads = 64 : i64, scale = 0.5 : f64} : (memref<2048x4096xbf16>, memref<2048x4096xbf16>, memref<2048x4096xbf16>, memref<2048x4096xbf16>, memref<2x64x1024xf32>, memref<819280xf32>) -> ()
  return
}

// Sums of rows; dS in bf16 in tiles, or f32 sums of dq. Neither on sm_100, where
// the host's kernel would take more.
// CHECK-LABEL: @adjoint
// HOPPER: kernel.attention_grad {{.*}} pp.sums = {any_order = false, {{.*}} memref<67240064xf32>)
// ANY: kernel.attention_grad {{.*}} pp.sums = {any_order = true, {{.*}} memref<8519808xf32>)
// LINEAR: kernel.attention_grad {{.*}} pp.sums = {any_order = false, {{.*}} memref<8523904xf32>)
// NEWER: kernel.attention_grad {{.*}} pp.sums = {any_order = false, {{.*}} memref<67240064xf32>)
// BLACKWELL: kernel.attention_grad {{.*}} pp.sums = {any_order = false, {{.*}} memref<819280xf32>)
func.func @adjoint(%q: memref<2048x4096xbf16>, %k: memref<2048x4096xbf16>, %l: memref<2x64x1024xf32>) {
  %w = memref.alloc() : memref<819280xf32>
  kernel.attention_grad %q, %k, %k, %q, %l, %q into %q, %k, %k, %w {batch = 2 : i64, heads = 64 : i64, kv_heads = 64 : i64, scale = 0.5 : f64, causal} : (memref<2048x4096xbf16>, memref<2048x4096xbf16>, memref<2048x4096xbf16>, memref<2048x4096xbf16>, memref<2x64x1024xf32>, memref<2048x4096xbf16>, memref<2048x4096xbf16>, memref<2048x4096xbf16>, memref<2048x4096xbf16>, memref<819280xf32>) -> ()
  return
}

// Gradients of keys and values for each query head beside them.
// CHECK-LABEL: @grouped
// HOPPER: kernel.attention_grad {{.*}} pp.sums = {any_order = false, {{.*}} memref<75628672xf32>)
// ANY: kernel.attention_grad {{.*}} pp.sums = {any_order = true, {{.*}} memref<16908416xf32>)
// LINEAR: kernel.attention_grad {{.*}} pp.sums = {any_order = false, {{.*}} memref<16912512xf32>)
// NEWER: kernel.attention_grad {{.*}} pp.sums = {any_order = false, {{.*}} memref<75628672xf32>)
// BLACKWELL: kernel.attention_grad {{.*}} pp.sums = {any_order = false, {{.*}} memref<16908416xf32>)
func.func @grouped(%q: memref<2048x4096xbf16>, %k: memref<2048x512xbf16>, %l: memref<2x64x1024xf32>) {
  %w = memref.alloc() : memref<819280xf32>
  kernel.attention_grad %q, %k, %k, %q, %l, %q into %q, %k, %k, %w {batch = 2 : i64, heads = 64 : i64, kv_heads = 8 : i64, scale = 0.5 : f64, causal} : (memref<2048x4096xbf16>, memref<2048x512xbf16>, memref<2048x512xbf16>, memref<2048x4096xbf16>, memref<2x64x1024xf32>, memref<2048x4096xbf16>, memref<2048x4096xbf16>, memref<2048x512xbf16>, memref<2048x512xbf16>, memref<819280xf32>) -> ()
  return
}
