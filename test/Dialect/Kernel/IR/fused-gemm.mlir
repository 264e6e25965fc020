// RUN: pp-opt %s | pp-opt | FileCheck %s
// RUN: pp-opt %s --pp-gpu-lower-calls --cse | FileCheck %s --check-prefix=CALL
// RUN: pp-opt %s --pp-gpu-lower-calls | FileCheck %s --check-prefix=FIELD

// The last first. Of pprt_gpu_gemm: distance of rows of the auxiliary matrix,
// accumulation, and epilogue.
// FIELD: @pp.gemm.5()
// FIELD: llvm.insertvalue {{.*}}[5] :
// FIELD-NEXT: llvm.mlir.constant(0 : i64)
// FIELD: llvm.insertvalue {{.*}}[13] :
// FIELD-NEXT: llvm.mlir.constant(0 : i32)
// FIELD: llvm.insertvalue {{.*}}[18] :
// FIELD-NEXT: llvm.mlir.constant(5 : i32)
// FIELD: @pp.gemm.4()
// FIELD: llvm.insertvalue {{.*}}[5] :
// FIELD-NEXT: llvm.mlir.constant(0 : i64)
// FIELD: llvm.insertvalue {{.*}}[13] :
// FIELD-NEXT: llvm.mlir.constant(0 : i32)
// FIELD: llvm.insertvalue {{.*}}[18] :
// FIELD-NEXT: llvm.mlir.constant(6 : i32)
// FIELD: @pp.gemm.3()
// FIELD: llvm.insertvalue {{.*}}[5] :
// FIELD-NEXT: llvm.mlir.constant(8 : i64)
// FIELD: llvm.insertvalue {{.*}}[13] :
// FIELD-NEXT: llvm.mlir.constant(1 : i32)
// FIELD: llvm.insertvalue {{.*}}[18] :
// FIELD-NEXT: llvm.mlir.constant(4 : i32)
// FIELD: @pp.gemm.2()
// FIELD: llvm.insertvalue {{.*}}[5] :
// FIELD-NEXT: llvm.mlir.constant(8 : i64)
// FIELD: llvm.insertvalue {{.*}}[13] :
// FIELD-NEXT: llvm.mlir.constant(0 : i32)
// FIELD: llvm.insertvalue {{.*}}[18] :
// FIELD-NEXT: llvm.mlir.constant(2 : i32)
// FIELD: @pp.gemm.1()
// FIELD: llvm.insertvalue {{.*}}[5] :
// FIELD-NEXT: llvm.mlir.constant(8 : i64)
// FIELD: llvm.insertvalue {{.*}}[13] :
// FIELD-NEXT: llvm.mlir.constant(0 : i32)
// FIELD: llvm.insertvalue {{.*}}[18] :
// FIELD-NEXT: llvm.mlir.constant(3 : i32)
// FIELD: @pp.gemm.0()
// FIELD: llvm.insertvalue {{.*}}[5] :
// FIELD-NEXT: llvm.mlir.constant(0 : i64)
// FIELD: llvm.insertvalue {{.*}}[13] :
// FIELD-NEXT: llvm.mlir.constant(0 : i32)
// FIELD: llvm.insertvalue {{.*}}[18] :
// FIELD-NEXT: llvm.mlir.constant(1 : i32)

// CHECK-LABEL: @all
// CALL-LABEL: @all
func.func @all(%a: memref<4x16xf32>, %b: memref<16x8xf32>, %n: memref<8xf32>, %m: memref<4xf32>,
               %c: memref<4x8xf32, strided<[24, 1], offset: 8>>, %aux: memref<4x8xf32>, %ws: memref<64xf32>) {
  // CHECK: kernel.fused_gemm bias %{{.*}}, %{{.*}} bias(%{{.*}}) into %{{.*}}, %{{.*}} : (
  // CALL: llvm.call @pprt_gpu_matmul(%{{.*}}, %{{.*}}, %[[A:.*]], %[[B:.*]], %[[C:.*]], %[[N:.*]], %[[NONE:.*]], %[[WS:.*]]) {{.*}} :
  kernel.fused_gemm bias %a, %b bias(%n) into %c, %ws : (memref<4x16xf32>, memref<16x8xf32>, memref<8xf32>, memref<4x8xf32, strided<[24, 1], offset: 8>>, memref<64xf32>) -> ()
  // CHECK: kernel.fused_gemm gelu %{{.*}}, %{{.*}} bias(%{{.*}}) into %{{.*}} aux(%{{.*}}), %{{.*}} : (
  // CALL: llvm.call @pprt_gpu_matmul(%{{.*}}, %{{.*}}, %[[A]], %[[B]], %[[C]], %[[N]], %[[AUX:.*]], %[[WS]]) {{.*}} :
  kernel.fused_gemm gelu %a, %b bias(%n) into %c aux(%aux), %ws : (memref<4x16xf32>, memref<16x8xf32>, memref<8xf32>, memref<4x8xf32, strided<[24, 1], offset: 8>>, memref<4x8xf32>, memref<64xf32>) -> ()
  // CHECK: kernel.fused_gemm gelu %{{.*}}, %{{.*}} into %{{.*}} aux(%{{.*}}), %{{.*}} : (
  // CALL: llvm.call @pprt_gpu_matmul(%{{.*}}, %{{.*}}, %[[A]], %[[B]], %[[C]], %[[NONE]], %[[AUX]], %[[WS]]) {{.*}} :
  kernel.fused_gemm gelu %a, %b into %c aux(%aux), %ws : (memref<4x16xf32>, memref<16x8xf32>, memref<4x8xf32, strided<[24, 1], offset: 8>>, memref<4x8xf32>, memref<64xf32>) -> ()
  // CHECK: kernel.fused_gemm gelu_grad %{{.*}}, %{{.*}} input(%{{.*}}) into %{{.*}}, %{{.*}} {accumulate} : (
  // CALL: llvm.call @pprt_gpu_matmul(%{{.*}}, %{{.*}}, %[[A]], %[[B]], %[[C]], %[[NONE]], %[[AUX]], %[[WS]]) {{.*}} :
  kernel.fused_gemm gelu_grad %a, %b input(%aux) into %c, %ws {accumulate} : (memref<4x16xf32>, memref<16x8xf32>, memref<4x8xf32>, memref<4x8xf32, strided<[24, 1], offset: 8>>, memref<64xf32>) -> ()
  // CHECK: kernel.fused_gemm lhs_sums %{{.*}}, %{{.*}} into %{{.*}} sums(%{{.*}}), %{{.*}} : (
  // CALL: llvm.call @pprt_gpu_matmul(%{{.*}}, %{{.*}}, %[[A]], %[[B]], %[[C]], %[[M:.*]], %[[NONE]], %[[WS]]) {{.*}} :
  kernel.fused_gemm lhs_sums %a, %b into %c sums(%m), %ws : (memref<4x16xf32>, memref<16x8xf32>, memref<4x8xf32, strided<[24, 1], offset: 8>>, memref<4xf32>, memref<64xf32>) -> ()
  // CHECK: kernel.fused_gemm rhs_sums %{{.*}}, %{{.*}} into %{{.*}} sums(%{{.*}}), %{{.*}} : (
  // CALL: llvm.call @pprt_gpu_matmul(%{{.*}}, %{{.*}}, %[[A]], %[[B]], %[[C]], %[[N]], %[[NONE]], %[[WS]]) {{.*}} :
  kernel.fused_gemm rhs_sums %a, %b into %c sums(%n), %ws : (memref<4x16xf32>, memref<16x8xf32>, memref<4x8xf32, strided<[24, 1], offset: 8>>, memref<8xf32>, memref<64xf32>) -> ()
  return
}
