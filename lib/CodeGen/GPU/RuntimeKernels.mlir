// Kernels that the runtime itself launches: norms, the conclusion of a step, and
// updates (runtime/gpu/DeviceBackend.cpp), and epilogues of products
// (runtime/gpu/Fallback.cpp). pp-gpu-add-runtime-kernels puts them into each
// program, beside the kernels of its layers.
//
// The first compute what runtime/lib/Update.cpp does, each element in the same order.
// Sums are f64, and cut into blocks by their length alone. A block has 256
// threads; in element-wise kernels a thread has four elements side by side: as a
// vector, or one by one at the end of the data.

gpu.module @kernels {
  // The f64 at `to` is the f32 at `from`.
  gpu.func @pprt_kernel_widen(%from: !llvm.ptr, %to: !llvm.ptr) kernel attributes {known_block_size = array<i32: 1, 1, 1>} {
    %x = llvm.load %from : !llvm.ptr -> f32
    %y = arith.extf %x : f32 to f64
    llvm.store %y, %to : f64, !llvm.ptr
    gpu.return
  }

  // to[i] += from[i]
  gpu.func @pprt_kernel_add(%to: !llvm.ptr, %from: !llvm.ptr, %n: i64) kernel attributes {known_block_size = array<i32: 256, 1, 1>} {
    %x = gpu.block_id x
    %t = gpu.thread_id x
    %xi = arith.index_cast %x : index to i64
    %ti = arith.index_cast %t : index to i64
    %size = arith.constant 256 : i64
    %block = arith.muli %xi, %size : i64
    %thread = arith.addi %block, %ti : i64
    %four = arith.constant 4 : i64
    %first = arith.muli %thread, %four : i64
    %behind = arith.addi %first, %four : i64
    %whole = arith.cmpi sle, %behind, %n : i64
    scf.if %whole {
      %a_at = llvm.getelementptr %to[%first] : (!llvm.ptr, i64) -> !llvm.ptr, f32
      %a0 = llvm.load %a_at {alignment = 16} : !llvm.ptr -> vector<4xf32>
      %b_at = llvm.getelementptr %from[%first] : (!llvm.ptr, i64) -> !llvm.ptr, f32
      %b0 = llvm.load %b_at {alignment = 16} : !llvm.ptr -> vector<4xf32>
      %c = arith.addf %a0, %b0 : vector<4xf32>
      llvm.store %c, %a_at {alignment = 16} : vector<4xf32>, !llvm.ptr
    } else {
      %one = arith.constant 1 : i64
      scf.for %i = %first to %n step %one : i64 {
        %a_at = llvm.getelementptr %to[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
        %a0 = llvm.load %a_at : !llvm.ptr -> f32
        %b_at = llvm.getelementptr %from[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
        %b0 = llvm.load %b_at : !llvm.ptr -> f32
        %c = arith.addf %a0, %b0 : f32
        llvm.store %c, %a_at : f32, !llvm.ptr
      }
    }
    gpu.return
  }

  // The same for f64.
  gpu.func @pprt_kernel_add_f64(%to: !llvm.ptr, %from: !llvm.ptr, %n: i64) kernel attributes {known_block_size = array<i32: 256, 1, 1>} {
    %x = gpu.block_id x
    %t = gpu.thread_id x
    %xi = arith.index_cast %x : index to i64
    %ti = arith.index_cast %t : index to i64
    %size = arith.constant 256 : i64
    %block = arith.muli %xi, %size : i64
    %thread = arith.addi %block, %ti : i64
    %four = arith.constant 4 : i64
    %first = arith.muli %thread, %four : i64
    %behind = arith.addi %first, %four : i64
    %whole = arith.cmpi sle, %behind, %n : i64
    scf.if %whole {
      %a_at = llvm.getelementptr %to[%first] : (!llvm.ptr, i64) -> !llvm.ptr, f64
      %a0 = llvm.load %a_at {alignment = 16} : !llvm.ptr -> vector<4xf64>
      %b_at = llvm.getelementptr %from[%first] : (!llvm.ptr, i64) -> !llvm.ptr, f64
      %b0 = llvm.load %b_at {alignment = 16} : !llvm.ptr -> vector<4xf64>
      %c = arith.addf %a0, %b0 : vector<4xf64>
      llvm.store %c, %a_at {alignment = 16} : vector<4xf64>, !llvm.ptr
    } else {
      %one = arith.constant 1 : i64
      scf.for %i = %first to %n step %one : i64 {
        %a_at = llvm.getelementptr %to[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f64
        %a0 = llvm.load %a_at : !llvm.ptr -> f64
        %b_at = llvm.getelementptr %from[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f64
        %b0 = llvm.load %b_at : !llvm.ptr -> f64
        %c = arith.addf %a0, %b0 : f64
        llvm.store %c, %a_at : f64, !llvm.ptr
      }
    }
    gpu.return
  }

  // p = p (1 - lr wd) - lr g. The scalars are UpdateScalars of DeviceBackend.h.
  // `copy` is null or p in bf16.
  gpu.func @pprt_kernel_sgd(%parameter: !llvm.ptr, %gradient: !llvm.ptr, %scalars: !llvm.ptr, %decay: f32, %n: i64, %copy: !llvm.ptr {pprt.optional}) kernel attributes {known_block_size = array<i32: 256, 1, 1>} {
    %x = gpu.block_id x
    %t = gpu.thread_id x
    %xi = arith.index_cast %x : index to i64
    %ti = arith.index_cast %t : index to i64
    %size = arith.constant 256 : i64
    %block = arith.muli %xi, %size : i64
    %thread = arith.addi %block, %ti : i64
    %four = arith.constant 4 : i64
    %first = arith.muli %thread, %four : i64
    %behind = arith.addi %first, %four : i64
    %whole = arith.cmpi sle, %behind, %n : i64
    %scale_place = llvm.getelementptr %scalars[0] : (!llvm.ptr) -> !llvm.ptr, f32
    %scale = llvm.load %scale_place : !llvm.ptr -> f32
    %lr_place = llvm.getelementptr %scalars[1] : (!llvm.ptr) -> !llvm.ptr, f32
    %lr = llvm.load %lr_place : !llvm.ptr -> f32
    %finite_place = llvm.getelementptr %scalars[7] : (!llvm.ptr) -> !llvm.ptr, f32
    %finite = llvm.load %finite_place : !llvm.ptr -> f32
    %zero = arith.constant 0.0 : f32
    %unit = arith.constant 1.0 : f32
    %shrink = arith.mulf %lr, %decay : f32
    %keep = arith.subf %unit, %shrink : f32
    %none = llvm.mlir.zero : !llvm.ptr
    %has_copy = llvm.icmp "ne" %copy, %none : !llvm.ptr
    %go = arith.cmpf une, %finite, %zero : f32
    scf.if %go {
      scf.if %whole {
        %p_at = llvm.getelementptr %parameter[%first] : (!llvm.ptr, i64) -> !llvm.ptr, f32
        %p0 = llvm.load %p_at {alignment = 16} : !llvm.ptr -> vector<4xf32>
        %g_at = llvm.getelementptr %gradient[%first] : (!llvm.ptr, i64) -> !llvm.ptr, f32
        %g0 = llvm.load %g_at {alignment = 16} : !llvm.ptr -> vector<4xf32>
        %scale_s = vector.broadcast %scale : f32 to vector<4xf32>
        %g1 = arith.mulf %g0, %scale_s : vector<4xf32>
        %lr_s = vector.broadcast %lr : f32 to vector<4xf32>
        %d = arith.mulf %g1, %lr_s : vector<4xf32>
        %keep_s = vector.broadcast %keep : f32 to vector<4xf32>
        %k = arith.mulf %p0, %keep_s : vector<4xf32>
        %p1 = arith.subf %k, %d : vector<4xf32>
        llvm.store %p1, %p_at {alignment = 16} : vector<4xf32>, !llvm.ptr
        scf.if %has_copy {
          %a0 = vector.extract %p1[0] : f32 from vector<4xf32>
          %b0 = arith.truncf %a0 : f32 to bf16
          %a1 = vector.extract %p1[1] : f32 from vector<4xf32>
          %b1 = arith.truncf %a1 : f32 to bf16
          %a2 = vector.extract %p1[2] : f32 from vector<4xf32>
          %b2 = arith.truncf %a2 : f32 to bf16
          %a3 = vector.extract %p1[3] : f32 from vector<4xf32>
          %b3 = arith.truncf %a3 : f32 to bf16
          %b = vector.from_elements %b0, %b1, %b2, %b3 : vector<4xbf16>
          %b_at = llvm.getelementptr %copy[%first] : (!llvm.ptr, i64) -> !llvm.ptr, bf16
          llvm.store %b, %b_at {alignment = 8} : vector<4xbf16>, !llvm.ptr
        }
      } else {
        %one = arith.constant 1 : i64
        scf.for %i = %first to %n step %one : i64 {
          %p_at = llvm.getelementptr %parameter[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
          %p0 = llvm.load %p_at : !llvm.ptr -> f32
          %g_at = llvm.getelementptr %gradient[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
          %g0 = llvm.load %g_at : !llvm.ptr -> f32
          %g1 = arith.mulf %g0, %scale : f32
          %d = arith.mulf %g1, %lr : f32
          %k = arith.mulf %p0, %keep : f32
          %p1 = arith.subf %k, %d : f32
          llvm.store %p1, %p_at : f32, !llvm.ptr
          scf.if %has_copy {
            %b = arith.truncf %p1 : f32 to bf16
            %b_at = llvm.getelementptr %copy[%i] : (!llvm.ptr, i64) -> !llvm.ptr, bf16
            llvm.store %b, %b_at : bf16, !llvm.ptr
          }
        }
      }
    }
    gpu.return
  }

  // AdamW, as in docs/Runtime.md; `copy` is null or p in bf16.
  gpu.func @pprt_kernel_adamw(%parameter: !llvm.ptr, %gradient: !llvm.ptr, %moment1: !llvm.ptr, %moment2: !llvm.ptr, %scalars: !llvm.ptr, %decay: f32, %n: i64, %copy: !llvm.ptr {pprt.optional}) kernel attributes {known_block_size = array<i32: 256, 1, 1>} {
    %x = gpu.block_id x
    %t = gpu.thread_id x
    %xi = arith.index_cast %x : index to i64
    %ti = arith.index_cast %t : index to i64
    %size = arith.constant 256 : i64
    %block = arith.muli %xi, %size : i64
    %thread = arith.addi %block, %ti : i64
    %four = arith.constant 4 : i64
    %first = arith.muli %thread, %four : i64
    %behind = arith.addi %first, %four : i64
    %whole = arith.cmpi sle, %behind, %n : i64
    %scale_place = llvm.getelementptr %scalars[0] : (!llvm.ptr) -> !llvm.ptr, f32
    %scale = llvm.load %scale_place : !llvm.ptr -> f32
    %lr_place = llvm.getelementptr %scalars[1] : (!llvm.ptr) -> !llvm.ptr, f32
    %lr = llvm.load %lr_place : !llvm.ptr -> f32
    %beta1_place = llvm.getelementptr %scalars[2] : (!llvm.ptr) -> !llvm.ptr, f32
    %beta1 = llvm.load %beta1_place : !llvm.ptr -> f32
    %beta2_place = llvm.getelementptr %scalars[3] : (!llvm.ptr) -> !llvm.ptr, f32
    %beta2 = llvm.load %beta2_place : !llvm.ptr -> f32
    %epsilon_place = llvm.getelementptr %scalars[4] : (!llvm.ptr) -> !llvm.ptr, f32
    %epsilon = llvm.load %epsilon_place : !llvm.ptr -> f32
    %correction1_place = llvm.getelementptr %scalars[5] : (!llvm.ptr) -> !llvm.ptr, f32
    %correction1 = llvm.load %correction1_place : !llvm.ptr -> f32
    %correction2_place = llvm.getelementptr %scalars[6] : (!llvm.ptr) -> !llvm.ptr, f32
    %correction2 = llvm.load %correction2_place : !llvm.ptr -> f32
    %finite_place = llvm.getelementptr %scalars[7] : (!llvm.ptr) -> !llvm.ptr, f32
    %finite = llvm.load %finite_place : !llvm.ptr -> f32
    %zero = arith.constant 0.0 : f32
    %unit = arith.constant 1.0 : f32
    %rest1 = arith.subf %unit, %beta1 : f32
    %rest2 = arith.subf %unit, %beta2 : f32
    %shrink = arith.mulf %lr, %decay : f32
    %keep = arith.subf %unit, %shrink : f32
    %rate = arith.divf %lr, %correction1 : f32
    %scale2 = arith.divf %unit, %correction2 : f32
    %none = llvm.mlir.zero : !llvm.ptr
    %has_copy = llvm.icmp "ne" %copy, %none : !llvm.ptr
    %go = arith.cmpf une, %finite, %zero : f32
    scf.if %go {
      scf.if %whole {
        %p_at = llvm.getelementptr %parameter[%first] : (!llvm.ptr, i64) -> !llvm.ptr, f32
        %p0 = llvm.load %p_at {alignment = 16} : !llvm.ptr -> vector<4xf32>
        %g_at = llvm.getelementptr %gradient[%first] : (!llvm.ptr, i64) -> !llvm.ptr, f32
        %g0 = llvm.load %g_at {alignment = 16} : !llvm.ptr -> vector<4xf32>
        %m_at = llvm.getelementptr %moment1[%first] : (!llvm.ptr, i64) -> !llvm.ptr, f32
        %m0 = llvm.load %m_at {alignment = 16} : !llvm.ptr -> vector<4xf32>
        %v_at = llvm.getelementptr %moment2[%first] : (!llvm.ptr, i64) -> !llvm.ptr, f32
        %v0 = llvm.load %v_at {alignment = 16} : !llvm.ptr -> vector<4xf32>
        %scale_s = vector.broadcast %scale : f32 to vector<4xf32>
        %g1 = arith.mulf %g0, %scale_s : vector<4xf32>
        %beta1_s = vector.broadcast %beta1 : f32 to vector<4xf32>
        %ma = arith.mulf %m0, %beta1_s : vector<4xf32>
        %rest1_s = vector.broadcast %rest1 : f32 to vector<4xf32>
        %mb = arith.mulf %g1, %rest1_s : vector<4xf32>
        %m1 = arith.addf %ma, %mb : vector<4xf32>
        %gg = arith.mulf %g1, %g1 : vector<4xf32>
        %beta2_s = vector.broadcast %beta2 : f32 to vector<4xf32>
        %va = arith.mulf %v0, %beta2_s : vector<4xf32>
        %rest2_s = vector.broadcast %rest2 : f32 to vector<4xf32>
        %vb = arith.mulf %gg, %rest2_s : vector<4xf32>
        %v1 = arith.addf %va, %vb : vector<4xf32>
        llvm.store %m1, %m_at {alignment = 16} : vector<4xf32>, !llvm.ptr
        llvm.store %v1, %v_at {alignment = 16} : vector<4xf32>, !llvm.ptr
        %scale2_s = vector.broadcast %scale2 : f32 to vector<4xf32>
        %vc = arith.mulf %v1, %scale2_s : vector<4xf32>
        %root = llvm.call_intrinsic "llvm.sqrt"(%vc) : (vector<4xf32>) -> vector<4xf32>
        %epsilon_s = vector.broadcast %epsilon : f32 to vector<4xf32>
        %den = arith.addf %root, %epsilon_s : vector<4xf32>
        %rate_s = vector.broadcast %rate : f32 to vector<4xf32>
        %num = arith.mulf %m1, %rate_s : vector<4xf32>
        %d = arith.divf %num, %den : vector<4xf32>
        %keep_s = vector.broadcast %keep : f32 to vector<4xf32>
        %k = arith.mulf %p0, %keep_s : vector<4xf32>
        %p1 = arith.subf %k, %d : vector<4xf32>
        llvm.store %p1, %p_at {alignment = 16} : vector<4xf32>, !llvm.ptr
        scf.if %has_copy {
          %a0 = vector.extract %p1[0] : f32 from vector<4xf32>
          %b0 = arith.truncf %a0 : f32 to bf16
          %a1 = vector.extract %p1[1] : f32 from vector<4xf32>
          %b1 = arith.truncf %a1 : f32 to bf16
          %a2 = vector.extract %p1[2] : f32 from vector<4xf32>
          %b2 = arith.truncf %a2 : f32 to bf16
          %a3 = vector.extract %p1[3] : f32 from vector<4xf32>
          %b3 = arith.truncf %a3 : f32 to bf16
          %b = vector.from_elements %b0, %b1, %b2, %b3 : vector<4xbf16>
          %b_at = llvm.getelementptr %copy[%first] : (!llvm.ptr, i64) -> !llvm.ptr, bf16
          llvm.store %b, %b_at {alignment = 8} : vector<4xbf16>, !llvm.ptr
        }
      } else {
        %one = arith.constant 1 : i64
        scf.for %i = %first to %n step %one : i64 {
          %p_at = llvm.getelementptr %parameter[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
          %p0 = llvm.load %p_at : !llvm.ptr -> f32
          %g_at = llvm.getelementptr %gradient[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
          %g0 = llvm.load %g_at : !llvm.ptr -> f32
          %m_at = llvm.getelementptr %moment1[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
          %m0 = llvm.load %m_at : !llvm.ptr -> f32
          %v_at = llvm.getelementptr %moment2[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
          %v0 = llvm.load %v_at : !llvm.ptr -> f32
          %g1 = arith.mulf %g0, %scale : f32
          %ma = arith.mulf %m0, %beta1 : f32
          %mb = arith.mulf %g1, %rest1 : f32
          %m1 = arith.addf %ma, %mb : f32
          %gg = arith.mulf %g1, %g1 : f32
          %va = arith.mulf %v0, %beta2 : f32
          %vb = arith.mulf %gg, %rest2 : f32
          %v1 = arith.addf %va, %vb : f32
          llvm.store %m1, %m_at : f32, !llvm.ptr
          llvm.store %v1, %v_at : f32, !llvm.ptr
          %vc = arith.mulf %v1, %scale2 : f32
          %root = llvm.call_intrinsic "llvm.sqrt"(%vc) : (f32) -> f32
          %den = arith.addf %root, %epsilon : f32
          %num = arith.mulf %m1, %rate : f32
          %d = arith.divf %num, %den : f32
          %k = arith.mulf %p0, %keep : f32
          %p1 = arith.subf %k, %d : f32
          llvm.store %p1, %p_at : f32, !llvm.ptr
          scf.if %has_copy {
            %b = arith.truncf %p1 : f32 to bf16
            %b_at = llvm.getelementptr %copy[%i] : (!llvm.ptr, i64) -> !llvm.ptr, bf16
            llvm.store %b, %b_at : bf16, !llvm.ptr
          }
        }
      }
    }
    gpu.return
  }

  // partials[block] = sum of the squares of the block's elements.
  gpu.func @pprt_kernel_square_norm(%data: !llvm.ptr, %n: i64, %partials: !llvm.ptr) workgroup(%shared: memref<256xf64, #gpu.address_space<workgroup>>) kernel attributes {known_block_size = array<i32: 256, 1, 1>} {
    %x = gpu.block_id x
    %t = gpu.thread_id x
    %blocks = gpu.grid_dim x
    %xi = arith.index_cast %x : index to i64
    %ti = arith.index_cast %t : index to i64
    %bi = arith.index_cast %blocks : index to i64
    %size = arith.constant 256 : i64
    %none = arith.constant 0 : i64
    %start = arith.muli %xi, %size : i64
    %first = arith.addi %start, %ti : i64
    %stride = arith.muli %bi, %size : i64
    %zero = arith.constant 0.0 : f64
    %mine = scf.for %i = %first to %n step %stride iter_args(%sum = %zero) -> (f64) : i64 {
      %at = llvm.getelementptr %data[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
      %narrow = llvm.load %at : !llvm.ptr -> f32
      %wide = arith.extf %narrow : f32 to f64
      %square = arith.mulf %wide, %wide : f64
      %next = arith.addf %sum, %square : f64
      scf.yield %next : f64
    }
    %target = llvm.getelementptr %partials[%xi] : (!llvm.ptr, i64) -> !llvm.ptr, f64
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c8 = arith.constant 8 : index
    memref.store %mine, %shared[%t] : memref<256xf64, #gpu.address_space<workgroup>>
    gpu.barrier
    // Halves, from 128 threads to one.
    scf.for %round = %c0 to %c8 step %c1 {
      %r = arith.index_cast %round : index to i64
      %half = arith.constant 128 : i64
      %reach = arith.shrui %half, %r : i64
      %active = arith.cmpi slt, %ti, %reach : i64
      scf.if %active {
        %otherPlace = arith.addi %ti, %reach : i64
        %other = arith.index_cast %otherPlace : i64 to index
        %a = memref.load %shared[%t] : memref<256xf64, #gpu.address_space<workgroup>>
        %b = memref.load %shared[%other] : memref<256xf64, #gpu.address_space<workgroup>>
        %c = arith.addf %a, %b : f64
        memref.store %c, %shared[%t] : memref<256xf64, #gpu.address_space<workgroup>>
      }
      gpu.barrier
    }
    %isFirst = arith.cmpi eq, %ti, %none : i64
    scf.if %isFirst {
      %total = memref.load %shared[%c0] : memref<256xf64, #gpu.address_space<workgroup>>
      llvm.store %total, %target : f64, !llvm.ptr
    }
    gpu.return
  }

  // The f64 at `target` is the sum of `n` of them. One block.
  gpu.func @pprt_kernel_sum(%data: !llvm.ptr, %n: i64, %target: !llvm.ptr) workgroup(%shared: memref<256xf64, #gpu.address_space<workgroup>>) kernel attributes {known_block_size = array<i32: 256, 1, 1>} {
    %t = gpu.thread_id x
    %ti = arith.index_cast %t : index to i64
    %size = arith.constant 256 : i64
    %none = arith.constant 0 : i64
    %zero = arith.constant 0.0 : f64
    %mine = scf.for %i = %ti to %n step %size iter_args(%sum = %zero) -> (f64) : i64 {
      %at = llvm.getelementptr %data[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f64
      %x = llvm.load %at : !llvm.ptr -> f64
      %next = arith.addf %sum, %x : f64
      scf.yield %next : f64
    }
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c8 = arith.constant 8 : index
    memref.store %mine, %shared[%t] : memref<256xf64, #gpu.address_space<workgroup>>
    gpu.barrier
    // Halves, from 128 threads to one.
    scf.for %round = %c0 to %c8 step %c1 {
      %r = arith.index_cast %round : index to i64
      %half = arith.constant 128 : i64
      %reach = arith.shrui %half, %r : i64
      %active = arith.cmpi slt, %ti, %reach : i64
      scf.if %active {
        %otherPlace = arith.addi %ti, %reach : i64
        %other = arith.index_cast %otherPlace : i64 to index
        %a = memref.load %shared[%t] : memref<256xf64, #gpu.address_space<workgroup>>
        %b = memref.load %shared[%other] : memref<256xf64, #gpu.address_space<workgroup>>
        %c = arith.addf %a, %b : f64
        memref.store %c, %shared[%t] : memref<256xf64, #gpu.address_space<workgroup>>
      }
      gpu.barrier
    }
    %isFirst = arith.cmpi eq, %ti, %none : i64
    scf.if %isFirst {
      %total = memref.load %shared[%c0] : memref<256xf64, #gpu.address_space<workgroup>>
      llvm.store %total, %target : f64, !llvm.ptr
    }
    gpu.return
  }

  // From the losses of `m` micro-batches and the square norms of `p` parameters
  // behind them: the factor of gradients (clipping, mean over micro-batches), and
  // whether all of them are finite and no rank has an id out of range, which the
  // value behind them counts. One thread: they are few.
  gpu.func @pprt_kernel_conclude(%values: !llvm.ptr, %m: i64, %p: i64, %scalars: !llvm.ptr) kernel attributes {known_block_size = array<i32: 1, 1, 1>} {
    %one = arith.constant 1 : i64
    %none = arith.constant 0 : i64
    %zero = arith.constant 0.0 : f64
    %unit = arith.constant 1.0 : f64
    %n = arith.addi %m, %p : i64
    // x - x is 0 for finite numbers, and not a number for others.
    %bad = scf.for %i = %none to %n step %one iter_args(%sum = %zero) -> (f64) : i64 {
      %at = llvm.getelementptr %values[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f64
      %x = llvm.load %at : !llvm.ptr -> f64
      %d = arith.subf %x, %x : f64
      %next = arith.addf %sum, %d : f64
      scf.yield %next : f64
    }
    %squares = scf.for %i = %m to %n step %one iter_args(%sum = %zero) -> (f64) : i64 {
      %at = llvm.getelementptr %values[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f64
      %x = llvm.load %at : !llvm.ptr -> f64
      %next = arith.addf %sum, %x : f64
      scf.yield %next : f64
    }
    %count = arith.sitofp %m : i64 to f64
    %root = llvm.call_intrinsic "llvm.sqrt"(%squares) : (f64) -> f64
    %norm = arith.divf %root, %count : f64
    %clip_place = llvm.getelementptr %scalars[4] : (!llvm.ptr) -> !llvm.ptr, f64
    %clip = llvm.load %clip_place : !llvm.ptr -> f64
    %isOn = arith.cmpf ogt, %clip, %zero : f64
    %isLong = arith.cmpf ogt, %norm, %clip : f64
    %clips = arith.andi %isOn, %isLong : i1
    %ratio = arith.divf %clip, %norm : f64
    %factor = arith.select %clips, %ratio, %unit : f64
    %wide = arith.divf %factor, %count : f64
    %scale = arith.truncf %wide : f64 to f32
    llvm.store %scale, %scalars : f32, !llvm.ptr
    %failures_place = llvm.getelementptr %values[%n] : (!llvm.ptr, i64) -> !llvm.ptr, f64
    %failures = llvm.load %failures_place : !llvm.ptr -> f64
    %isGood = arith.cmpf oeq, %failures, %zero : f64
    %isNumber = arith.cmpf oeq, %bad, %zero : f64
    %isFinite = arith.andi %isNumber, %isGood : i1
    %flag = arith.uitofp %isFinite : i1 to f32
    %flag_place = llvm.getelementptr %scalars[7] : (!llvm.ptr) -> !llvm.ptr, f32
    llvm.store %flag, %flag_place : f32, !llvm.ptr
    gpu.return
  }

  // Looks at `count` ids of `bits` bits, `stride` elements apart. If one is neither
  // in [0, size) nor `ignored`, `failures` becomes 1, and `record` the `number` of
  // this check and the first such id, unless a check before has found one. One
  // block; kernels of a stream come one after the other.
  gpu.func @pprt_kernel_check_ids(%ids: !llvm.ptr, %count: i64, %stride: i64, %bits: i32, %size: i64, %ignored: i64, %number: i64, %failures: !llvm.ptr, %record: !llvm.ptr) workgroup(%shared: memref<256xi64, #gpu.address_space<workgroup>>) kernel attributes {known_block_size = array<i32: 256, 1, 1>} {
    %t = gpu.thread_id x
    %ti = arith.index_cast %t : index to i64
    %threads = arith.constant 256 : i64
    %none = arith.constant 0 : i64
    %word = arith.constant 32 : i32
    %isWord = arith.cmpi eq, %bits, %word : i32
    %mine = scf.for %i = %ti to %count step %threads iter_args(%first = %count) -> (i64) : i64 {
      %place = arith.muli %i, %stride : i64
      %id = scf.if %isWord -> (i64) {
        %at = llvm.getelementptr %ids[%place] : (!llvm.ptr, i64) -> !llvm.ptr, i32
        %short = llvm.load %at : !llvm.ptr -> i32
        %long = arith.extsi %short : i32 to i64
        scf.yield %long : i64
      } else {
        %at = llvm.getelementptr %ids[%place] : (!llvm.ptr, i64) -> !llvm.ptr, i64
        %long = llvm.load %at : !llvm.ptr -> i64
        scf.yield %long : i64
      }
      %isBeyond = arith.cmpi uge, %id, %size : i64
      %counts = arith.cmpi ne, %id, %ignored : i64
      %isBad = arith.andi %isBeyond, %counts : i1
      %where = arith.select %isBad, %i, %count : i64
      %next = arith.minsi %first, %where : i64
      scf.yield %next : i64
    }
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c8 = arith.constant 8 : index
    memref.store %mine, %shared[%t] : memref<256xi64, #gpu.address_space<workgroup>>
    gpu.barrier
    scf.for %round = %c0 to %c8 step %c1 {
      %r = arith.index_cast %round : index to i64
      %half = arith.constant 128 : i64
      %reach = arith.shrui %half, %r : i64
      %active = arith.cmpi slt, %ti, %reach : i64
      scf.if %active {
        %otherPlace = arith.addi %ti, %reach : i64
        %other = arith.index_cast %otherPlace : i64 to index
        %a = memref.load %shared[%t] : memref<256xi64, #gpu.address_space<workgroup>>
        %b = memref.load %shared[%other] : memref<256xi64, #gpu.address_space<workgroup>>
        %c = arith.minsi %a, %b : i64
        memref.store %c, %shared[%t] : memref<256xi64, #gpu.address_space<workgroup>>
      }
      gpu.barrier
    }
    %isThread = arith.cmpi eq, %ti, %none : i64
    %first = memref.load %shared[%c0] : memref<256xi64, #gpu.address_space<workgroup>>
    %isFound = arith.cmpi slt, %first, %count : i64
    %before = llvm.load %record : !llvm.ptr -> i64
    %isNew = arith.cmpi eq, %before, %none : i64
    %isReport = arith.andi %isFound, %isNew : i1
    %writes = arith.andi %isReport, %isThread : i1
    scf.if %writes {
      %place = arith.muli %first, %stride : i64
      %id = scf.if %isWord -> (i64) {
        %at = llvm.getelementptr %ids[%place] : (!llvm.ptr, i64) -> !llvm.ptr, i32
        %short = llvm.load %at : !llvm.ptr -> i32
        %long = arith.extsi %short : i32 to i64
        scf.yield %long : i64
      } else {
        %at = llvm.getelementptr %ids[%place] : (!llvm.ptr, i64) -> !llvm.ptr, i64
        %long = llvm.load %at : !llvm.ptr -> i64
        scf.yield %long : i64
      }
      %id_place = llvm.getelementptr %record[1] : (!llvm.ptr) -> !llvm.ptr, i64
      llvm.store %id, %id_place : i64, !llvm.ptr
      llvm.store %number, %record : i64, !llvm.ptr
      %one = arith.constant 1.0 : f64
      llvm.store %one, %failures : f64, !llvm.ptr
    }
    gpu.return
  }

  // What the epilogue of a product does to its result, for products of which
  // cuBLASLt has no plan with it. By kind (pprt_gpu_epilogue), 1: c += bias;
  // 2 and 3: aux = c or c + bias, c = gelu(aux); 4: c *= gelu'(aux). A
  // thread has one element, of bf16 if `narrow` is 1.
  gpu.func @pprt_kernel_epilogue(%c: !llvm.ptr, %bias: !llvm.ptr, %aux: !llvm.ptr, %rows: i64, %columns: i64, %ldc: i64, %ldaux: i64, %kind: i32, %narrow: i32) kernel attributes {known_block_size = array<i32: 256, 1, 1>} {
    %x = gpu.block_id x
    %t = gpu.thread_id x
    %xi = arith.index_cast %x : index to i64
    %ti = arith.index_cast %t : index to i64
    %size = arith.constant 256 : i64
    %block = arith.muli %xi, %size : i64
    %i = arith.addi %block, %ti : i64
    %all = arith.muli %rows, %columns : i64
    %isInside = arith.cmpi slt, %i, %all : i64
    %one = arith.constant 1 : i32
    %two = arith.constant 2 : i32
    %three = arith.constant 3 : i32
    %isNarrow = arith.cmpi eq, %narrow, %one : i32
    %zero = arith.constant 0.0 : f32
    %half = arith.constant 0.5 : f32
    %unit = arith.constant 1.0 : f32
    %slope = arith.constant 0.7978845608028654 : f32
    %cubic = arith.constant 0.044715 : f32
    %cubic3 = arith.constant 0.134145 : f32
    scf.if %isInside {
      %row = arith.divui %i, %columns : i64
      %column = arith.remui %i, %columns : i64
      %c_row = arith.muli %row, %ldc : i64
      %c_at = arith.addi %c_row, %column : i64
      %aux_row = arith.muli %row, %ldaux : i64
      %aux_at = arith.addi %aux_row, %column : i64
      %product = scf.if %isNarrow -> f32 {
        %at = llvm.getelementptr %c[%c_at] : (!llvm.ptr, i64) -> !llvm.ptr, bf16
        %v = llvm.load %at : !llvm.ptr -> bf16
        %w = arith.extf %v : bf16 to f32
        scf.yield %w : f32
      } else {
        %at = llvm.getelementptr %c[%c_at] : (!llvm.ptr, i64) -> !llvm.ptr, f32
        %v = llvm.load %at : !llvm.ptr -> f32
        scf.yield %v : f32
      }
      %isBias = arith.cmpi eq, %kind, %one : i32
      %isGeluBias = arith.cmpi eq, %kind, %three : i32
      %hasBias = arith.ori %isBias, %isGeluBias : i1
      %isGrad = arith.cmpi sgt, %kind, %three : i32
      %isPlain = arith.cmpi slt, %kind, %two : i32
      %added = scf.if %hasBias -> f32 {
        %v = scf.if %isNarrow -> f32 {
          %at = llvm.getelementptr %bias[%column] : (!llvm.ptr, i64) -> !llvm.ptr, bf16
          %u = llvm.load %at : !llvm.ptr -> bf16
          %w = arith.extf %u : bf16 to f32
          scf.yield %w : f32
        } else {
          %at = llvm.getelementptr %bias[%column] : (!llvm.ptr, i64) -> !llvm.ptr, f32
          %u = llvm.load %at : !llvm.ptr -> f32
          scf.yield %u : f32
        }
        %sum = arith.addf %product, %v : f32
        scf.yield %sum : f32
      } else {
        scf.yield %product : f32
      }
      // What the activation is taken of.
      %input = scf.if %isGrad -> f32 {
        %v = scf.if %isNarrow -> f32 {
          %at = llvm.getelementptr %aux[%aux_at] : (!llvm.ptr, i64) -> !llvm.ptr, bf16
          %u = llvm.load %at : !llvm.ptr -> bf16
          %w = arith.extf %u : bf16 to f32
          scf.yield %w : f32
        } else {
          %at = llvm.getelementptr %aux[%aux_at] : (!llvm.ptr, i64) -> !llvm.ptr, f32
          %u = llvm.load %at : !llvm.ptr -> f32
          scf.yield %u : f32
        }
        scf.yield %v : f32
      } else {
        scf.if %isPlain {
        } else {
          scf.if %isNarrow {
            %at = llvm.getelementptr %aux[%aux_at] : (!llvm.ptr, i64) -> !llvm.ptr, bf16
            %u = arith.truncf %added : f32 to bf16
            llvm.store %u, %at : bf16, !llvm.ptr
          } else {
            %at = llvm.getelementptr %aux[%aux_at] : (!llvm.ptr, i64) -> !llvm.ptr, f32
            llvm.store %added, %at : f32, !llvm.ptr
          }
        }
        scf.yield %added : f32
      }
      %square = arith.mulf %input, %input : f32
      %cube = arith.mulf %square, %input : f32
      %bent = arith.mulf %cube, %cubic : f32
      %inner = arith.addf %input, %bent : f32
      %scaled = arith.mulf %inner, %slope : f32
      %tanh = math.tanh %scaled : f32
      %above = arith.addf %unit, %tanh : f32
      %part = arith.mulf %half, %above : f32
      %gelu = arith.mulf %input, %part : f32
      %tanh2 = arith.mulf %tanh, %tanh : f32
      %falling = arith.subf %unit, %tanh2 : f32
      %steep = arith.mulf %square, %cubic3 : f32
      %steeper = arith.addf %unit, %steep : f32
      %slopes = arith.mulf %slope, %steeper : f32
      %turn = arith.mulf %falling, %slopes : f32
      %halved = arith.mulf %half, %input : f32
      %second = arith.mulf %halved, %turn : f32
      %derivative = arith.addf %part, %second : f32
      %grad = arith.mulf %added, %derivative : f32
      %activated = arith.select %isGrad, %grad, %gelu : f32
      %result = arith.select %isPlain, %added, %activated : f32
      scf.if %isNarrow {
        %at = llvm.getelementptr %c[%c_at] : (!llvm.ptr, i64) -> !llvm.ptr, bf16
        %u = arith.truncf %result : f32 to bf16
        llvm.store %u, %at : bf16, !llvm.ptr
      } else {
        %at = llvm.getelementptr %c[%c_at] : (!llvm.ptr, i64) -> !llvm.ptr, f32
        llvm.store %result, %at : f32, !llvm.ptr
      }
    }
    gpu.return
  }

  // sums[j] = sum over i of x[i * stride + j * step], i < count: the bias
  // gradients of such products. A block has 16 sums, and 16 threads for each: each
  // adds every 16th term in order, and the parts are added in order.
  gpu.func @pprt_kernel_sums(%sums: !llvm.ptr, %x: !llvm.ptr, %n: i64, %count: i64, %step: i64, %stride: i64, %narrow: i32) workgroup(%shared: memref<256xf32, #gpu.address_space<workgroup>>) kernel attributes {known_block_size = array<i32: 256, 1, 1>} {
    %b = gpu.block_id x
    %t = gpu.thread_id x
    %bi = arith.index_cast %b : index to i64
    %ti = arith.index_cast %t : index to i64
    %workers = arith.constant 16 : i64
    %worker = arith.divui %ti, %workers : i64
    %column = arith.remui %ti, %workers : i64
    %block = arith.muli %bi, %workers : i64
    %j = arith.addi %block, %column : i64
    %isInside = arith.cmpi slt, %j, %n : i64
    %none = arith.constant 0 : i64
    %one = arith.constant 1 : i64
    %some = arith.constant 8 : i64
    %many = arith.constant 128 : i64
    %one32 = arith.constant 1 : i32
    %zero = arith.constant 0.0 : f32
    %isNarrow = arith.cmpi eq, %narrow, %one32 : i32
    %start = arith.muli %j, %step : i64
    %mine = scf.if %isInside -> f32 {
      // Eight terms are loaded before they are added.
      %part_of_any = scf.if %isNarrow -> f32 {
        %part = scf.for %i = %worker to %count step %many iter_args(%before = %zero) -> (f32) : i64 {
          %sum = scf.for %k = %none to %some step %one iter_args(%former = %before) -> (f32) : i64 {
            %ahead = arith.muli %k, %workers : i64
            %row = arith.addi %i, %ahead : i64
            %isRow = arith.cmpi slt, %row, %count : i64
            %safe = arith.select %isRow, %row, %worker : i64
            %line = arith.muli %safe, %stride : i64
            %place = arith.addi %line, %start : i64
            %at = llvm.getelementptr %x[%place] : (!llvm.ptr, i64) -> !llvm.ptr, bf16
            %u = llvm.load %at : !llvm.ptr -> bf16
            %v = arith.extf %u : bf16 to f32
            %term = arith.select %isRow, %v, %zero : f32
            %next = arith.addf %former, %term : f32
            scf.yield %next : f32
          }
          scf.yield %sum : f32
        }
        scf.yield %part : f32
      } else {
        %part = scf.for %i = %worker to %count step %many iter_args(%before = %zero) -> (f32) : i64 {
          %sum = scf.for %k = %none to %some step %one iter_args(%former = %before) -> (f32) : i64 {
            %ahead = arith.muli %k, %workers : i64
            %row = arith.addi %i, %ahead : i64
            %isRow = arith.cmpi slt, %row, %count : i64
            %safe = arith.select %isRow, %row, %worker : i64
            %line = arith.muli %safe, %stride : i64
            %place = arith.addi %line, %start : i64
            %at = llvm.getelementptr %x[%place] : (!llvm.ptr, i64) -> !llvm.ptr, f32
            %v = llvm.load %at : !llvm.ptr -> f32
            %term = arith.select %isRow, %v, %zero : f32
            %next = arith.addf %former, %term : f32
            scf.yield %next : f32
          }
          scf.yield %sum : f32
        }
        scf.yield %part : f32
      }
      scf.yield %part_of_any : f32
    } else {
      scf.yield %zero : f32
    }
    memref.store %mine, %shared[%t] : memref<256xf32, #gpu.address_space<workgroup>>
    gpu.barrier
    %isFirst = arith.cmpi slt, %ti, %workers : i64
    %isLast = arith.andi %isFirst, %isInside : i1
    scf.if %isLast {
      %total = scf.for %w = %none to %workers step %one iter_args(%before = %zero) -> (f32) : i64 {
        %line = arith.muli %w, %workers : i64
        %place = arith.addi %line, %column : i64
        %at = arith.index_cast %place : i64 to index
        %v = memref.load %shared[%at] : memref<256xf32, #gpu.address_space<workgroup>>
        %next = arith.addf %before, %v : f32
        scf.yield %next : f32
      }
      %to = llvm.getelementptr %sums[%j] : (!llvm.ptr, i64) -> !llvm.ptr, f32
      llvm.store %total, %to : f32, !llvm.ptr
    }
    gpu.return
  }
}
