// RUN: pp-opt --pp-gpu-emulate-kernels %s | FileCheck %s

// A kernel gets a function of the host beside it; accesses that say how they are
// aligned are checked, and no others.

module attributes {gpu.container_module} {
  gpu.module @kernels {
    gpu.func @sample(%x: memref<64xf32>, %p: !llvm.ptr) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
      %t = gpu.thread_id x
      %v = vector.load %x[%t] {alignment = 16} : memref<64xf32>, vector<4xf32>
      %w = llvm.load %p {alignment = 8} : !llvm.ptr -> vector<4xbf16>
      gpu.barrier
      vector.store %v, %x[%t] : memref<64xf32>, vector<4xf32>
      gpu.return
    }
  }
}

// CHECK-LABEL: func.func private @sample.emulated(
// CHECK-SAME: %[[X:.*]]: memref<64xf32>, %[[P:.*]]: !llvm.ptr)
// CHECK-SAME: attributes {pp.emulates = "sample", pp.shared = array<i64>}
// CHECK: llvm.call @pprt_gpu_host_thread()
// CHECK: %[[T:.*]] = arith.index_cast
// CHECK: %[[BASE:.*]] = memref.extract_aligned_pointer_as_index %[[X]]
// CHECK: %[[FOUR:.*]] = arith.constant 4 : index
// CHECK: %[[OFFSET:.*]] = arith.muli %[[T]], %[[FOUR]]
// CHECK: %[[SUM:.*]] = arith.addi %[[BASE]], %[[OFFSET]]
// CHECK: %[[I64:.*]] = arith.index_cast %[[SUM]] : index to i64
// CHECK: %[[ADDRESS:.*]] = llvm.inttoptr %[[I64]]
// CHECK: %[[SIXTEEN:.*]] = arith.constant 16 : i32
// CHECK: llvm.call @pprt_gpu_host_aligned(%[[ADDRESS]], %[[SIXTEEN]])
// CHECK-NEXT: vector.load
// CHECK: %[[EIGHT:.*]] = arith.constant 8 : i32
// CHECK: llvm.call @pprt_gpu_host_aligned(%[[P]], %[[EIGHT]])
// CHECK-NEXT: llvm.load %[[P]]
// CHECK: llvm.call @pprt_gpu_host_barrier()
// CHECK-NOT: pprt_gpu_host_aligned
// CHECK: vector.store
// CHECK-NEXT: return
