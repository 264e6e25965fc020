// RUN: pp-opt %s --pass-pipeline='builtin.module(func.func(pp-fuse-epilogues))' | FileCheck %s
// RUN: pp-opt %s --pass-pipeline='builtin.module(func.func(pp-fuse-epilogues{gelu=false}))' | FileCheck %s --check-prefix=BIAS --implicit-check-not='fused_gemm gelu'
// RUN: pp-opt %s --pp-layers-to-gpu-kernels=epilogues=bias | FileCheck %s --check-prefix=BIAS --implicit-check-not='fused_gemm gelu'
// RUN: pp-opt %s --pp-layers-to-gpu-kernels=epilogues=none | FileCheck %s --check-prefix=CPU
// RUN: pp-opt %s --pp-layers-to-gpu-kernels | FileCheck %s --check-prefix=GPU
// RUN: pp-opt %s --pp-lower-layers | FileCheck %s --check-prefix=CPU

// Programs for CPUs do not know it, others may go without.
// CPU-NOT: fused_gemm

// BIAS: kernel.fused_gemm bias
// BIAS: kernel.fused_gemm bias
// BIAS: kernel.fused_gemm rhs_sums

// CHECK-LABEL: @bias
// CHECK: %[[X:.*]] = tensor.collapse_shape %arg0
// CHECK: %[[P:.*]]:2 = kernel.fused_gemm bias %[[X]], %arg1 bias(%arg2) into
// CHECK-NOT: nn.linear
// CHECK: tensor.expand_shape %[[P]]#0
// GPU-LABEL: func.func @bias
// GPU-NOT: gpu.launch_func
// GPU: kernel.fused_gemm bias {{.*}} into %{{.*}}, %{{.*}} :
// GPU-NOT: gpu.launch_func
// GPU: return
func.func @bias(%x: tensor<2x4x16xf32>, %w: tensor<16x12xf32>, %b: tensor<12xf32>) -> tensor<2x4x12xf32> attributes {pp.layer_function} {
  %y = nn.linear %x, %w, %b : (tensor<2x4x16xf32>, tensor<16x12xf32>, tensor<12xf32>) -> tensor<2x4x12xf32>
  return %y : tensor<2x4x12xf32>
}

// The pre-activation is saved beside it, in bf16 where the model is.
// CHECK-LABEL: @gelu
// CHECK: %[[P:.*]]:3 = kernel.fused_gemm gelu %{{.*}}, %arg1 bias(%arg2) into %{{.*}} aux(%{{.*}}), %{{.*}} {transpose_b} : {{.*}} -> (tensor<8x24xbf16>, tensor<8x24xbf16>, tensor<1xf32>)
// CHECK-DAG: %[[A:.*]] = tensor.expand_shape %[[P]]#0
// CHECK-DAG: %[[F:.*]] = tensor.expand_shape %[[P]]#1
// CHECK: return %[[F]], %[[A]]
// GPU-LABEL: func.func @gelu
// GPU-NOT: gpu.launch_func
// GPU: kernel.fused_gemm gelu
// GPU-NOT: gpu.launch_func
// GPU: return
func.func @gelu(%x: tensor<2x4x16xbf16>, %w: tensor<24x16xbf16>, %b: tensor<24xbf16>) -> (tensor<2x4x24xbf16>, tensor<2x4x24xbf16>) attributes {pp.layer_function} {
  %f = nn.linear %x, %w, %b {transposed} : (tensor<2x4x16xbf16>, tensor<24x16xbf16>, tensor<24xbf16>) -> tensor<2x4x24xbf16>
  %a = nn.gelu %f {approximate = "tanh"} : (tensor<2x4x24xbf16>) -> tensor<2x4x24xbf16>
  return %f, %a : tensor<2x4x24xbf16>, tensor<2x4x24xbf16>
}

// CHECK-LABEL: @gelu_without_bias
// CHECK: kernel.fused_gemm gelu %arg0, %arg1 into %{{.*}} aux(%{{.*}}),
func.func @gelu_without_bias(%x: tensor<4x16xf32>, %w: tensor<16x8xf32>) -> tensor<4x8xf32> attributes {pp.layer_function} {
  %f = nn.linear %x, %w : (tensor<4x16xf32>, tensor<16x8xf32>) -> tensor<4x8xf32>
  %a = nn.gelu %f {approximate = "tanh"} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %a : tensor<4x8xf32>
}

// The library has no GELU by the error function: the bias alone.
// CHECK-LABEL: @exact_gelu
// CHECK: kernel.fused_gemm bias
// CHECK: nn.gelu
func.func @exact_gelu(%x: tensor<4x16xf32>, %w: tensor<16x8xf32>, %b: tensor<8xf32>) -> tensor<4x8xf32> attributes {pp.layer_function} {
  %f = nn.linear %x, %w, %b : (tensor<4x16xf32>, tensor<16x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  %a = nn.gelu %f : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %a : tensor<4x8xf32>
}

// Rows of the auxiliary matrix have a multiple of 8 elements.
// CHECK-LABEL: @narrow_gelu
// CHECK: kernel.fused_gemm bias
// CHECK: nn.gelu
func.func @narrow_gelu(%x: tensor<4x16xf32>, %w: tensor<16x12xf32>, %b: tensor<12xf32>) -> tensor<4x12xf32> attributes {pp.layer_function} {
  %f = nn.linear %x, %w, %b : (tensor<4x16xf32>, tensor<16x12xf32>, tensor<12xf32>) -> tensor<4x12xf32>
  %a = nn.gelu %f {approximate = "tanh"} : (tensor<4x12xf32>) -> tensor<4x12xf32>
  return %a : tensor<4x12xf32>
}

// Not a product of the library.
// CHECK-LABEL: @double
// CHECK: nn.linear
// CHECK-NOT: fused_gemm
// CHECK: return
func.func @double(%x: tensor<4x16xf64>, %w: tensor<16x8xf64>, %b: tensor<8xf64>) -> tensor<4x8xf64> attributes {pp.layer_function} {
  %y = nn.linear %x, %w, %b : (tensor<4x16xf64>, tensor<16x8xf64>, tensor<8xf64>) -> tensor<4x8xf64>
  return %y : tensor<4x8xf64>
}

// CHECK-LABEL: @plain
// CHECK: nn.linear
// CHECK-NOT: fused_gemm
// CHECK: return
func.func @plain(%x: tensor<4x16xf32>, %w: tensor<16x8xf32>) -> tensor<4x8xf32> attributes {pp.layer_function} {
  %y = nn.linear %x, %w : (tensor<4x16xf32>, tensor<16x8xf32>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// CHECK-LABEL: @gelu_grad
// CHECK: %[[F:.*]] = tensor.collapse_shape %arg1
// CHECK: %[[P:.*]]:2 = kernel.fused_gemm gelu_grad %{{.*}}, %arg2 input(%[[F]]) into %{{.*}}, %{{.*}} {transpose_b}
// CHECK-NOT: nn.linear
// CHECK: tensor.expand_shape %[[P]]#0
func.func @gelu_grad(%dy: tensor<2x4x16xf32>, %f: tensor<2x4x24xf32>, %w: tensor<24x16xf32>) -> tensor<2x4x24xf32> attributes {pp.layer_function} {
  %da = nn.linear %dy, %w {transposed} : (tensor<2x4x16xf32>, tensor<24x16xf32>) -> tensor<2x4x24xf32>
  %df = nn.gelu_grad %f, %da {approximate = "tanh"} : (tensor<2x4x24xf32>, tensor<2x4x24xf32>) -> tensor<2x4x24xf32>
  return %df : tensor<2x4x24xf32>
}

// The cotangent of the activation has another use.
// CHECK-LABEL: @used_cotangent
// CHECK-NOT: fused_gemm
// CHECK: nn.gelu_grad
func.func @used_cotangent(%dy: tensor<4x16xf32>, %f: tensor<4x24xf32>, %w: tensor<24x16xf32>) -> (tensor<4x24xf32>, tensor<4x24xf32>) attributes {pp.layer_function} {
  %da = nn.linear %dy, %w {transposed} : (tensor<4x16xf32>, tensor<24x16xf32>) -> tensor<4x24xf32>
  %df = nn.gelu_grad %f, %da {approximate = "tanh"} : (tensor<4x24xf32>, tensor<4x24xf32>) -> tensor<4x24xf32>
  return %df, %da : tensor<4x24xf32>, tensor<4x24xf32>
}

// CHECK-LABEL: @exact_gelu_grad
// CHECK-NOT: fused_gemm
// CHECK: nn.gelu_grad
func.func @exact_gelu_grad(%dy: tensor<4x16xf32>, %f: tensor<4x24xf32>, %w: tensor<24x16xf32>) -> tensor<4x24xf32> attributes {pp.layer_function} {
  %da = nn.linear %dy, %w {transposed} : (tensor<4x16xf32>, tensor<24x16xf32>) -> tensor<4x24xf32>
  %df = nn.gelu_grad %f, %da : (tensor<4x24xf32>, tensor<4x24xf32>) -> tensor<4x24xf32>
  return %df : tensor<4x24xf32>
}

// CHECK-LABEL: @narrow_gelu_grad
// CHECK-NOT: fused_gemm
// CHECK: nn.gelu_grad
func.func @narrow_gelu_grad(%dy: tensor<4x16xf32>, %f: tensor<4x12xf32>, %w: tensor<12x16xf32>) -> tensor<4x12xf32> attributes {pp.layer_function} {
  %da = nn.linear %dy, %w {transposed} : (tensor<4x16xf32>, tensor<12x16xf32>) -> tensor<4x12xf32>
  %df = nn.gelu_grad %f, %da {approximate = "tanh"} : (tensor<4x12xf32>, tensor<4x12xf32>) -> tensor<4x12xf32>
  return %df : tensor<4x12xf32>
}

// Gradients of bf16 add up in f32; the sums of this micro-batch are added to
// those before, whichever op came first.
// CHECK-LABEL: @gradients
// CHECK: %[[P:.*]]:3 = kernel.fused_gemm rhs_sums %{{.*}}, %{{.*}} into %arg2 sums(%{{.*}}), %{{.*}} {accumulate, transpose_a} : (tensor<8x16xbf16>, tensor<8x12xbf16>, tensor<16x12xf32>, tensor<12xf32>, tensor<1xf32>)
// CHECK: %[[B:.*]] = linalg.generic {{.*}} ins(%[[P]]#1 : tensor<12xf32>) outs(%arg3 : tensor<12xf32>)
// CHECK-NOT: nn.reduce_sum
// CHECK: return %[[P]]#0, %[[B]]
// GPU-LABEL: func.func @gradients
// GPU: kernel.fused_gemm rhs_sums {{.*}} into %arg2 sums(%[[S:.*]]), %
// GPU: gpu.launch_func {{.*}} args(%[[S]] : memref<12xf32>, %arg3 : memref<12xf32>)
// GPU-NEXT: return
func.func @gradients(%x: tensor<2x4x16xbf16>, %dy: tensor<2x4x12xbf16>, %dw: tensor<16x12xf32>, %db: tensor<12xf32>) -> (tensor<16x12xf32> {pp.accumulates = 2 : i64}, tensor<12xf32> {pp.accumulates = 3 : i64}) attributes {pp.layer_function} {
  %b = nn.reduce_sum %dy init(%db) axes = [0, 1] : (tensor<2x4x12xbf16>, tensor<12xf32>) -> tensor<12xf32>
  %0 = nn.reshape %x : (tensor<2x4x16xbf16>) -> tensor<8x16xbf16>
  %1 = nn.reshape %dy : (tensor<2x4x12xbf16>) -> tensor<8x12xbf16>
  %w = nn.matmul %0, %1 init(%dw) {transpose_a} : (tensor<8x16xbf16>, tensor<8x12xbf16>, tensor<16x12xf32>) -> tensor<16x12xf32>
  return %w, %b : tensor<16x12xf32>, tensor<12xf32>
}

// Of a weight that is stored transposed; one sum a product.
// CHECK-LABEL: @transposed_gradients
// CHECK: %[[P:.*]]:3 = kernel.fused_gemm lhs_sums %arg1, %arg0 into %{{.*}} sums(%{{.*}}), %{{.*}} {transpose_a}
// CHECK: %[[S:.*]] = nn.reduce_sum %arg1
// CHECK: return %[[P]]#0, %[[P]]#1, %[[S]]
func.func @transposed_gradients(%x: tensor<8x16xf32>, %dy: tensor<8x12xf32>) -> (tensor<12x16xf32>, tensor<12xf32>, tensor<12xf32>) attributes {pp.layer_function} {
  %w = nn.matmul %dy, %x {transpose_a} : (tensor<8x12xf32>, tensor<8x16xf32>) -> tensor<12x16xf32>
  %b = nn.reduce_sum %dy axes = [0] : (tensor<8x12xf32>) -> tensor<12xf32>
  %c = nn.reduce_sum %dy axes = [0] : (tensor<8x12xf32>) -> tensor<12xf32>
  return %w, %b, %c : tensor<12x16xf32>, tensor<12xf32>, tensor<12xf32>
}

// Sums in bf16 would be rounded once a micro-batch.
// CHECK-LABEL: @narrow_sums
// CHECK-NOT: fused_gemm
// CHECK: return
func.func @narrow_sums(%x: tensor<8x16xbf16>, %dy: tensor<8x12xbf16>) -> (tensor<16x12xbf16>, tensor<12xbf16>) attributes {pp.layer_function} {
  %w = nn.matmul %x, %dy {transpose_a} : (tensor<8x16xbf16>, tensor<8x12xbf16>) -> tensor<16x12xbf16>
  %b = nn.reduce_sum %dy axes = [0] : (tensor<8x12xbf16>) -> tensor<12xbf16>
  return %w, %b : tensor<16x12xbf16>, tensor<12xbf16>
}

// Sums of columns, of other dimensions, of another matrix, of a batch.
// CHECK-LABEL: @other_sums
// CHECK-NOT: fused_gemm
// CHECK: return
func.func @other_sums(%x: tensor<8x12xf32>, %dy: tensor<8x12xf32>, %z: tensor<2x8x12xf32>) -> (tensor<12x12xf32>, tensor<8xf32>, tensor<1x12xf32>, tensor<8x8xf32>, tensor<2x8x8xf32>, tensor<12xf32>) attributes {pp.layer_function} {
  %w = nn.matmul %x, %dy {transpose_a} : (tensor<8x12xf32>, tensor<8x12xf32>) -> tensor<12x12xf32>
  %b = nn.reduce_sum %dy axes = [1] : (tensor<8x12xf32>) -> tensor<8xf32>
  %c = nn.reduce_sum %dy axes = [0] {keepdims} : (tensor<8x12xf32>) -> tensor<1x12xf32>
  %v = nn.matmul %x, %dy {transpose_b} : (tensor<8x12xf32>, tensor<8x12xf32>) -> tensor<8x8xf32>
  %u = nn.matmul %z, %z {transpose_b} : (tensor<2x8x12xf32>, tensor<2x8x12xf32>) -> tensor<2x8x8xf32>
  %d = nn.reduce_sum %z axes = [0, 1] : (tensor<2x8x12xf32>) -> tensor<12xf32>
  return %w, %b, %c, %v, %u, %d : tensor<12x12xf32>, tensor<8xf32>, tensor<1x12xf32>, tensor<8x8xf32>, tensor<2x8x8xf32>, tensor<12xf32>
}

// The product needs the sum.
// CHECK-LABEL: @sum_before_product
// CHECK: nn.reduce_sum
// CHECK-NOT: fused_gemm
// CHECK: return
func.func @sum_before_product(%x: tensor<8x12xf32>, %dy: tensor<8x12xf32>) -> tensor<12x12xf32> attributes {pp.layer_function} {
  %b = nn.reduce_sum %dy axes = [0] : (tensor<8x12xf32>) -> tensor<12xf32>
  %y = nn.add %x, %b : (tensor<8x12xf32>, tensor<12xf32>) -> tensor<8x12xf32>
  %w = nn.matmul %y, %dy {transpose_a} : (tensor<8x12xf32>, tensor<8x12xf32>) -> tensor<12x12xf32>
  return %w : tensor<12x12xf32>
}

// The residual stream goes through the product.
// CHECK-LABEL: @residual
// CHECK: %[[X1:.*]] = tensor.collapse_shape %arg0
// CHECK: %[[P:.*]]:2 = kernel.fused_gemm add %{{.*}}, %arg2 bias(%arg3) input(%{{.*}}) into
// CHECK-NOT: nn.add
// CHECK: return
// GPU-LABEL: func.func @residual
// GPU-NOT: gpu.launch_func
// GPU: kernel.fused_gemm add
// GPU-NOT: gpu.launch_func
// GPU: return
func.func @residual(%x: tensor<2x4x12xbf16>, %a: tensor<2x4x16xbf16>, %w: tensor<16x12xbf16>, %b: tensor<12xbf16>) -> tensor<2x4x12xbf16> attributes {pp.layer_function} {
  %o = nn.linear %a, %w, %b : (tensor<2x4x16xbf16>, tensor<16x12xbf16>, tensor<12xbf16>) -> tensor<2x4x12xbf16>
  %y = nn.add %x, %o : (tensor<2x4x12xbf16>, tensor<2x4x12xbf16>) -> tensor<2x4x12xbf16>
  return %y : tensor<2x4x12xbf16>
}

// Parts of a cotangent: one after the other.
// CHECK-LABEL: @parts
// CHECK: %[[Q:.*]] = nn.linear %arg1, %arg3
// CHECK: %[[S:.*]]:2 = kernel.fused_gemm add %arg0, %arg2 input(%[[Q]]) into
// CHECK: %[[T:.*]]:2 = kernel.fused_gemm add %arg0, %arg3 input(%[[S]]#0) into
// CHECK: return %[[T]]#0
func.func @parts(%p: tensor<4x16xf32>, %q: tensor<4x16xf32>, %w: tensor<16x12xf32>, %v: tensor<16x12xf32>) -> tensor<4x12xf32> attributes {pp.layer_function} {
  %0 = nn.linear %p, %w : (tensor<4x16xf32>, tensor<16x12xf32>) -> tensor<4x12xf32>
  %1 = nn.linear %q, %v : (tensor<4x16xf32>, tensor<16x12xf32>) -> tensor<4x12xf32>
  %2 = arith.addf %0, %1 : tensor<4x12xf32>
  %3 = nn.linear %p, %v : (tensor<4x16xf32>, tensor<16x12xf32>) -> tensor<4x12xf32>
  %4 = arith.addf %2, %3 : tensor<4x12xf32>
  return %4 : tensor<4x12xf32>
}

// A product that is needed itself, and a sum that is not of two like matrices.
// CHECK-LABEL: @no_residual
// CHECK: nn.add
// CHECK: nn.add
func.func @no_residual(%x: tensor<4x12xf32>, %a: tensor<4x16xf32>, %w: tensor<16x12xf32>, %v: tensor<16x12xf32>, %b: tensor<12xf32>) -> (tensor<4x12xf32>, tensor<4x12xf32>, tensor<4x12xf32>) attributes {pp.layer_function} {
  %0 = nn.linear %a, %w : (tensor<4x16xf32>, tensor<16x12xf32>) -> tensor<4x12xf32>
  %1 = nn.add %x, %0 : (tensor<4x12xf32>, tensor<4x12xf32>) -> tensor<4x12xf32>
  %2 = nn.linear %a, %v : (tensor<4x16xf32>, tensor<16x12xf32>) -> tensor<4x12xf32>
  %3 = nn.add %2, %b : (tensor<4x12xf32>, tensor<12xf32>) -> tensor<4x12xf32>
  return %0, %1, %3 : tensor<4x12xf32>, tensor<4x12xf32>, tensor<4x12xf32>
}
