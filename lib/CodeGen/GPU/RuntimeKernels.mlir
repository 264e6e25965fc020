// Kernels that the runtime itself launches: reports of losses and checks of ids
// (runtime/gpu/DeviceBackend.cpp), sums of collectives
// (runtime/gpu/RuntimeKernels.cpp), and epilogues of products
// (runtime/gpu/Fallback.cpp). pp-gpu-add-runtime-kernels puts them into each
// program, beside the kernels of its layers.

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
