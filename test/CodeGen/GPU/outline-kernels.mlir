// RUN: pp-opt %s --split-input-file --pp-layers-to-gpu-kernels | FileCheck %s
// RUN: pp-opt %s --split-input-file --pp-lower-layers-gpu=chip=sm_80 | FileCheck %s --check-prefix=CODE

// 16 bytes a thread, and no view left.
// CHECK: gpu.func @[[ACTIVATION:elementwise_[0-9]+]](
// CHECK-SAME: memref<192xf32> {llvm.align = 64 : i64, llvm.noalias, llvm.readonly}
// CHECK-SAME: known_block_size = array<i32: {{[0-9]+}}, 1, 1>
// CHECK: vector.load {{.*}} {alignment = 16 : i64} : memref<192xf32>, vector<4xf32>
// CHECK: vector.store {{.*}} {alignment = 16 : i64}
// CHECK-LABEL: func.func @activation
// CHECK: gpu.launch_func @kernels::@[[ACTIVATION]] blocks
// CHECK-NOT: launch_func
func.func @activation(%x: tensor<3x64xf32>, %y: tensor<3x64xf32>) -> tensor<3x64xf32> {
  %r = nn.gelu_grad %x, %y : (tensor<3x64xf32>, tensor<3x64xf32>) -> tensor<3x64xf32>
  return %r : tensor<3x64xf32>
}

// -----

// A norm is one kernel, a warp for each short row: no barrier, no temporary.
// CHECK: gpu.func @[[NORM:rows_[0-9]+]](
// CHECK-SAME: known_block_size = array<i32: 32, {{[0-9]+}}, 1>
// CHECK-NOT: {{gpu.barrier|memref.alloc}}
// CHECK: gpu.shuffle xor
// CHECK-NOT: {{gpu.barrier|memref.alloc}}
// CHECK: math.sqrt
// CHECK-NOT: {{gpu.barrier|memref.alloc}}
// CHECK: vector.store
// CHECK-NOT: {{gpu.barrier|memref.alloc}}
// CHECK: gpu.return
// CHECK-NOT: gpu.func
// CHECK-LABEL: func.func @norm
// CHECK: gpu.launch_func @kernels::@[[NORM]] blocks
// CHECK-NOT: launch_func
func.func @norm(%x: tensor<257x64xf32>, %g: tensor<64xf32>, %b: tensor<64xf32>) -> tensor<257x64xf32> {
  %r = nn.layer_norm %x, %g, %b : (tensor<257x64xf32>, tensor<64xf32>, tensor<64xf32>) -> tensor<257x64xf32>
  return %r : tensor<257x64xf32>
}

// Equal kernels are one.
// CHECK-LABEL: func.func @again
// CHECK: gpu.launch_func @kernels::@[[NORM]] blocks
func.func @again(%x: tensor<257x64xf32>, %g: tensor<64xf32>, %b: tensor<64xf32>) -> tensor<257x64xf32> {
  %r = nn.layer_norm %x, %g, %b : (tensor<257x64xf32>, tensor<64xf32>, tensor<64xf32>) -> tensor<257x64xf32>
  return %r : tensor<257x64xf32>
}

// -----

// A block for each long row: the sums of warps meet in shared memory.
// CHECK: gpu.func @[[LONG:rows_[0-9]+]](
// CHECK-SAME: workgroup({{.*}} memref<{{[0-9]+}}xf32, #gpu.address_space<workgroup>>
// CHECK-SAME: known_block_size = array<i32: {{[0-9]+}}, 1, 1>
// CHECK: gpu.barrier
// CHECK-LABEL: func.func @long
// CHECK: gpu.launch_func @kernels::@[[LONG]] blocks in (%c257, %c1, %c1)
func.func @long(%x: tensor<257x4096xf32>, %g: tensor<4096xf32>) -> tensor<257x4096xf32> {
  %r = nn.rms_norm %x, %g : (tensor<257x4096xf32>, tensor<4096xf32>) -> tensor<257x4096xf32>
  return %r : tensor<257x4096xf32>
}

// -----

// What is loaded stays in registers: 768 numbers of 32 threads are three vectors
// of 16 bytes each, once of the row and once of the scale.
// CHECK: gpu.func @[[WIDE:rows_[0-9]+]](
// CHECK-SAME: known_block_size = array<i32: 32, {{[0-9]+}}, 1>
// CHECK-COUNT-6: vector.load {{.*}} vector<8xbf16>
// CHECK-NOT: vector.load
// CHECK: gpu.return
// CHECK-LABEL: func.func @wide
// CHECK: gpu.launch_func @kernels::@[[WIDE]] blocks
func.func @wide(%x: tensor<4096x768xbf16>, %g: tensor<768xbf16>) -> tensor<4096x768xbf16> {
  %r = nn.rms_norm %x, %g : (tensor<4096x768xbf16>, tensor<768xbf16>) -> tensor<4096x768xbf16>
  return %r : tensor<4096x768xbf16>
}

// -----

// Maximum and sum of powers of a long row in one loop, eight numbers of bf16 at a
// time, which are never stored in f32.
// CHECK: gpu.func @[[LOSS:rows_[0-9]+]](
// CHECK-NOT: vector.load
// CHECK: vector.load {{.*}} vector<8xbf16>
// CHECK: math.exp
// CHECK-NOT: vector.load
// CHECK: gpu.return
// CHECK-LABEL: func.func @loss
// CHECK-NOT: memref<{{[0-9]*}}x50304xf32>
// CHECK: gpu.launch_func @kernels::@[[LOSS]] blocks in (%c64, %c1, %c1)
func.func @loss(%x: tensor<64x50304xbf16>, %i: tensor<64xi32>) -> (tensor<f32>, tensor<64xf32>) {
  %l, %s = nn.cross_entropy %x, %i {nn.ids_in_range} : (tensor<64x50304xbf16>, tensor<64xi32>) -> (tensor<f32>, tensor<64xf32>)
  return %l, %s : tensor<f32>, tensor<64xf32>
}

// -----

// Sums over many rows in parts, added in order; several terms of two columns at a
// time.
// CHECK: gpu.func @[[SUMS:column_sums_[0-9]+]](
// CHECK: scf.for
// CHECK-COUNT-2: vector.load {{.*}} memref<131072xf32>, vector<2xf32>
// CHECK: scf.yield
// CHECK: gpu.func @[[TOTALS:column_totals_[0-9]+]](
// CHECK-LABEL: func.func @bias
// CHECK: gpu.launch_func @kernels::@[[SUMS]] blocks
// CHECK: gpu.launch_func @kernels::@[[TOTALS]] blocks
func.func @bias(%x: tensor<2048x64xf32>, %b: tensor<64xf32>) -> (tensor<64xf32> {pp.accumulates = 1 : i64}) {
  %r = nn.reduce_sum %x init(%b) axes = [0] : (tensor<2048x64xf32>, tensor<64xf32>) -> tensor<64xf32>
  return %r : tensor<64xf32>
}

// -----

// The first of equal ids adds the rows of all.
// CHECK: gpu.func @[[TABLE:scatter_add_[0-9]+]](
// CHECK-NOT: atomic
// CHECK: math.cttz
// CHECK-NOT: atomic
// CHECK: gpu.return
// CHECK-LABEL: func.func @table
// CHECK: gpu.launch_func @kernels::@[[TABLE]] blocks in (%c128, %c1, %c1)
func.func @table(%i: tensor<128xi32>, %y: tensor<128x64xf32>, %t: tensor<1000x64xf32>) -> (tensor<1000x64xf32> {pp.accumulates = 2 : i64}) {
  %r = nn.embedding_grad %i, %y init(%t) : (tensor<128xi32>, tensor<128x64xf32>, tensor<1000x64xf32>) -> tensor<1000x64xf32>
  return %r : tensor<1000x64xf32>
}

// -----

// A product and its shape; a launch and its arguments.
// CODE-LABEL: llvm.func @product(
// CODE: llvm.call @pprt_gpu_matmul(
// CODE: llvm.call @pprt_gpu_launch(
func.func @product(%x: tensor<8x16xf32>, %w: tensor<16x4xf32>, %b: tensor<4xf32>) -> tensor<8x4xf32> {
  %p = nn.linear %x, %w, %b : (tensor<8x16xf32>, tensor<16x4xf32>, tensor<4xf32>) -> tensor<8x4xf32>
  %y = nn.silu %p : (tensor<8x4xf32>) -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// The PTX and the tables.
// CODE: llvm.mlir.global internal constant @pp.gpu.image.0("{{.*}}.target sm_80
// CODE-SAME: ld.global.nc.v4
// CODE: llvm.mlir.global external constant @pprt_gpu_program_code()
