module @small attributes {llvm.data_layout = "e-i64:64", llvm.target_triple = "x86_64-unknown-linux-gnu"} {
  llvm.func @pprt_update(!llvm.ptr, i32, !llvm.ptr, !llvm.ptr, !llvm.ptr, !llvm.ptr, i64) -> i32
  llvm.func @pprt_exchange(!llvm.ptr) -> i32
  llvm.func @pprt_square_norm(!llvm.ptr, i32, !llvm.ptr, i64) -> i32
  llvm.func @pprt_loss(!llvm.ptr, i32, !llvm.ptr) -> i32
  llvm.func @pprt_action_end(!llvm.ptr, i32)
  llvm.func @pprt_data(!llvm.ptr, i32, i32) -> !llvm.ptr
  llvm.func @pprt_key(!llvm.ptr, i32) -> i64
  llvm.func @pprt_action_begin(!llvm.ptr, i32)
  llvm.func @pprt_zero(!llvm.ptr, i64)
  llvm.func internal @stage0.forward(%arg0: !llvm.ptr, %arg1: !llvm.ptr, %arg2: !llvm.ptr, %arg3: i64, %arg4: !llvm.ptr) attributes {no_inline, optimize_none} {
    %0 = llvm.mlir.constant(8709371129873690708 : i64) : i64
    %1 = llvm.add %arg3, %0 : i64
    %2 = llvm.mlir.constant(30 : i64) : i64
    %3 = llvm.lshr %1, %2 : i64
    %4 = llvm.xor %1, %3 : i64
    %5 = llvm.mlir.constant(-4658895280553007687 : i64) : i64
    %6 = llvm.mul %4, %5 : i64
    %7 = llvm.mlir.constant(27 : i64) : i64
    %8 = llvm.lshr %6, %7 : i64
    %9 = llvm.xor %6, %8 : i64
    %10 = llvm.mlir.constant(-7723592293110705685 : i64) : i64
    %11 = llvm.mul %9, %10 : i64
    %12 = llvm.mlir.constant(31 : i64) : i64
    %13 = llvm.lshr %11, %12 : i64
    %14 = llvm.xor %11, %13 : i64
    %15 = llvm.getelementptr %arg1[0] : (!llvm.ptr) -> !llvm.ptr, i64
    %16 = llvm.load %15 : !llvm.ptr -> i64
    %17 = llvm.getelementptr %arg0[%16] : (!llvm.ptr, i64) -> !llvm.ptr, i8
    %18 = llvm.getelementptr %arg1[1] : (!llvm.ptr) -> !llvm.ptr, i64
    %19 = llvm.load %18 : !llvm.ptr -> i64
    %20 = llvm.getelementptr %arg0[%19] : (!llvm.ptr, i64) -> !llvm.ptr, i8
    %21 = llvm.getelementptr %arg1[2] : (!llvm.ptr) -> !llvm.ptr, i64
    %22 = llvm.load %21 : !llvm.ptr -> i64
    %23 = llvm.getelementptr %arg0[%22] : (!llvm.ptr, i64) -> !llvm.ptr, i8
    %24 = llvm.mlir.constant(0 : i64) : i64
    %25 = llvm.getelementptr %arg2[%24] : (!llvm.ptr, i64) -> !llvm.ptr, i8
    llvm.call @layer(%arg4, %17, %14, %20, %23, %25) : (!llvm.ptr, !llvm.ptr, i64, !llvm.ptr, !llvm.ptr, !llvm.ptr) -> ()
    %26 = llvm.getelementptr %arg1[3] : (!llvm.ptr) -> !llvm.ptr, i64
    %27 = llvm.load %26 : !llvm.ptr -> i64
    %28 = llvm.getelementptr %arg0[%27] : (!llvm.ptr, i64) -> !llvm.ptr, i8
    %29 = llvm.getelementptr %arg1[1] : (!llvm.ptr) -> !llvm.ptr, i64
    %30 = llvm.load %29 : !llvm.ptr -> i64
    %31 = llvm.getelementptr %arg0[%30] : (!llvm.ptr, i64) -> !llvm.ptr, i8
    %32 = llvm.mlir.constant(4 : i64) : i64
    "llvm.intr.memcpy"(%28, %31, %32) <{isVolatile = false}> : (!llvm.ptr, !llvm.ptr, i64) -> ()
    llvm.return
  }
  llvm.mlir.global internal constant @stage0.backward.constant0(dense<1.000000e+00> : tensor<1xf32>) {addr_space = 0 : i32, alignment = 64 : i64} : !llvm.array<1 x f32>
  llvm.func internal @stage0.backward(%arg0: !llvm.ptr, %arg1: !llvm.ptr, %arg2: !llvm.ptr, %arg3: i64) attributes {no_inline, optimize_none} {
    %0 = llvm.getelementptr %arg1[0] : (!llvm.ptr) -> !llvm.ptr, i64
    %1 = llvm.load %0 : !llvm.ptr -> i64
    %2 = llvm.getelementptr %arg0[%1] : (!llvm.ptr, i64) -> !llvm.ptr, i8
    %3 = llvm.mlir.addressof @stage0.backward.constant0 : !llvm.ptr
    %4 = llvm.getelementptr %arg1[1] : (!llvm.ptr) -> !llvm.ptr, i64
    %5 = llvm.load %4 : !llvm.ptr -> i64
    %6 = llvm.getelementptr %arg0[%5] : (!llvm.ptr, i64) -> !llvm.ptr, i8
    llvm.call @layer.backward(%2, %3, %6, %arg2) : (!llvm.ptr, !llvm.ptr, !llvm.ptr, !llvm.ptr) -> ()
    llvm.return
  }
  llvm.mlir.global internal constant @pp.table.rank0.0(dense<[0, 448, 256, 512]> : tensor<4xi64>) {addr_space = 0 : i32} : !llvm.array<4 x i64>
  llvm.mlir.global internal constant @pp.table.rank0.1(dense<[256, 128]> : tensor<2xi64>) {addr_space = 0 : i32} : !llvm.array<2 x i64>
  llvm.func internal @pp.step.rank0(%arg0: !llvm.ptr, %arg1: !llvm.ptr) -> i32 attributes {no_inline, optimize_none} {
    %0 = llvm.mlir.constant(128 : i64) : i64
    %1 = llvm.getelementptr %arg1[%0] : (!llvm.ptr, i64) -> !llvm.ptr, i8
    %2 = llvm.mlir.constant(128 : i64) : i64
    llvm.call @pprt_zero(%1, %2) : (!llvm.ptr, i64) -> ()
    %3 = llvm.mlir.addressof @pp.table.rank0.0 : !llvm.ptr
    %4 = llvm.mlir.constant(0 : i32) : i32
    llvm.call @pprt_action_begin(%arg0, %4) : (!llvm.ptr, i32) -> ()
    %5 = llvm.mlir.constant(0 : i32) : i32
    %6 = llvm.mlir.constant(576 : i64) : i64
    %7 = llvm.getelementptr %arg1[%6] : (!llvm.ptr, i64) -> !llvm.ptr, i8
    %8 = llvm.call @pprt_key(%arg0, %5) : (!llvm.ptr, i32) -> i64
    %9 = llvm.mlir.constant(0 : i32) : i32
    %10 = llvm.call @pprt_data(%arg0, %9, %5) : (!llvm.ptr, i32, i32) -> !llvm.ptr
    llvm.call @stage0.forward(%arg1, %3, %7, %8, %10) : (!llvm.ptr, !llvm.ptr, !llvm.ptr, i64, !llvm.ptr) -> ()
    %11 = llvm.mlir.constant(0 : i32) : i32
    llvm.call @pprt_action_end(%arg0, %11) : (!llvm.ptr, i32) -> ()
    %12 = llvm.mlir.constant(0 : i32) : i32
    %13 = llvm.mlir.constant(448 : i64) : i64
    %14 = llvm.getelementptr %arg1[%13] : (!llvm.ptr, i64) -> !llvm.ptr, i8
    %15 = llvm.call @pprt_loss(%arg0, %12, %14) : (!llvm.ptr, i32, !llvm.ptr) -> i32
    %16 = llvm.mlir.constant(0 : i32) : i32
    %17 = llvm.icmp "eq" %15, %16 : i32
    llvm.cond_br %17, ^bb1, ^bb5(%15 : i32)
  ^bb1:  // pred: ^bb0
    %18 = llvm.mlir.addressof @pp.table.rank0.1 : !llvm.ptr
    %19 = llvm.mlir.constant(1 : i32) : i32
    llvm.call @pprt_action_begin(%arg0, %19) : (!llvm.ptr, i32) -> ()
    %20 = llvm.mlir.constant(0 : i32) : i32
    %21 = llvm.mlir.constant(0 : i64) : i64
    llvm.call @stage0.backward(%arg1, %18, %arg1, %21) : (!llvm.ptr, !llvm.ptr, !llvm.ptr, i64) -> ()
    %22 = llvm.mlir.constant(1 : i32) : i32
    llvm.call @pprt_action_end(%arg0, %22) : (!llvm.ptr, i32) -> ()
    %23 = llvm.mlir.constant(2 : i32) : i32
    llvm.call @pprt_action_begin(%arg0, %23) : (!llvm.ptr, i32) -> ()
    %24 = llvm.mlir.constant(0 : i32) : i32
    %25 = llvm.mlir.constant(128 : i64) : i64
    %26 = llvm.getelementptr %arg1[%25] : (!llvm.ptr, i64) -> !llvm.ptr, i8
    %27 = llvm.mlir.constant(32 : i64) : i64
    %28 = llvm.call @pprt_square_norm(%arg0, %24, %26, %27) : (!llvm.ptr, i32, !llvm.ptr, i64) -> i32
    %29 = llvm.mlir.constant(0 : i32) : i32
    %30 = llvm.icmp "eq" %28, %29 : i32
    llvm.cond_br %30, ^bb2, ^bb5(%28 : i32)
  ^bb2:  // pred: ^bb1
    %31 = llvm.mlir.constant(2 : i32) : i32
    llvm.call @pprt_action_end(%arg0, %31) : (!llvm.ptr, i32) -> ()
    %32 = llvm.call @pprt_exchange(%arg0) : (!llvm.ptr) -> i32
    %33 = llvm.mlir.constant(0 : i32) : i32
    %34 = llvm.icmp "eq" %32, %33 : i32
    llvm.cond_br %34, ^bb3, ^bb5(%32 : i32)
  ^bb3:  // pred: ^bb2
    %35 = llvm.mlir.constant(3 : i32) : i32
    llvm.call @pprt_action_begin(%arg0, %35) : (!llvm.ptr, i32) -> ()
    %36 = llvm.mlir.constant(0 : i32) : i32
    %37 = llvm.mlir.constant(0 : i64) : i64
    %38 = llvm.getelementptr %arg1[%37] : (!llvm.ptr, i64) -> !llvm.ptr, i8
    %39 = llvm.mlir.constant(128 : i64) : i64
    %40 = llvm.getelementptr %arg1[%39] : (!llvm.ptr, i64) -> !llvm.ptr, i8
    %41 = llvm.mlir.constant(640 : i64) : i64
    %42 = llvm.getelementptr %arg1[%41] : (!llvm.ptr, i64) -> !llvm.ptr, i8
    %43 = llvm.mlir.constant(768 : i64) : i64
    %44 = llvm.getelementptr %arg1[%43] : (!llvm.ptr, i64) -> !llvm.ptr, i8
    %45 = llvm.mlir.constant(32 : i64) : i64
    %46 = llvm.call @pprt_update(%arg0, %36, %38, %40, %42, %44, %45) : (!llvm.ptr, i32, !llvm.ptr, !llvm.ptr, !llvm.ptr, !llvm.ptr, i64) -> i32
    %47 = llvm.mlir.constant(0 : i32) : i32
    %48 = llvm.icmp "eq" %46, %47 : i32
    llvm.cond_br %48, ^bb4, ^bb5(%46 : i32)
  ^bb4:  // pred: ^bb3
    %49 = llvm.mlir.constant(3 : i32) : i32
    llvm.call @pprt_action_end(%arg0, %49) : (!llvm.ptr, i32) -> ()
    %50 = llvm.mlir.constant(0 : i32) : i32
    llvm.return %50 : i32
  ^bb5(%51: i32):  // 4 preds: ^bb0, ^bb1, ^bb2, ^bb3
    llvm.return %51 : i32
  }
  llvm.mlir.global external constant @pp_program_description("{\22batch\22:2,\22channels\22:[],\22fingerprint\22:\22\22,\22format\22:1,\22hash\22:\225a92ce0e57c44e2d676dc54e2593c919\22,\22inputs\22:[{\22kind\22:\22tokens\22,\22name\22:\22tokens\22,\22shape\22:[2,4],\22type\22:\22i32\22}],\22microbatches\22:1,\22name\22:\22small\22,\22parameters\22:[{\22decay\22:false,\22elements\22:32,\22init\22:{\22kind\22:\22normal\22,\22mean\22:0,\22std\22:0.5},\22name\22:\22w\22,\22owner\22:0,\22shape\22:[32],\22uses\22:1}],\22programs\22:[{\22actions\22:[{\22kind\22:\22F\22,\22microbatch\22:0,\22name\22:\22stage0.forward\22,\22stage\22:0},{\22kind\22:\22B\22,\22microbatch\22:0,\22name\22:\22stage0.backward\22,\22stage\22:0},{\22kind\22:\22norm\22,\22name\22:\22w\22},{\22kind\22:\22update\22,\22name\22:\22w\22}],\22arena_bytes\22:640,\22memory\22:{\22activations\22:320,\22communication\22:0,\22gradients\22:128,\22lower_bound\22:640,\22optimizer\22:256,\22parameters\22:128,\22workspace\22:64},\22optimizer_bytes\22:256,\22optimizer_offset\22:640,\22parameters\22:[{\22index\22:0,\22m_offset\22:0,\22offset\22:0,\22owned\22:true,\22v_offset\22:128}],\22requests\22:0}],\22ranks\22:1,\22recompute\22:\22none\22,\22schedule\22:\221f1b\22,\22sequence\22:4,\22stages\22:1,\22vocabulary\22:50}\00") {addr_space = 0 : i32}
  llvm.mlir.global external constant @pp_program_steps() {addr_space = 0 : i32} : !llvm.array<1 x ptr> {
    %0 = llvm.mlir.undef : !llvm.array<1 x ptr>
    %1 = llvm.mlir.addressof @pp.step.rank0 : !llvm.ptr
    %2 = llvm.insertvalue %1, %0[0] : !llvm.array<1 x ptr> 
    llvm.return %2 : !llvm.array<1 x ptr>
  }
  llvm.func @layer(%arg0: !llvm.ptr, %arg1: !llvm.ptr, %arg2: i64, %arg3: !llvm.ptr, %arg4: !llvm.ptr, %arg5: !llvm.ptr) {
    llvm.return
  }
  llvm.func @layer.backward(%arg0: !llvm.ptr, %arg1: !llvm.ptr, %arg2: !llvm.ptr, %arg3: !llvm.ptr) {
    llvm.return
  }
}

