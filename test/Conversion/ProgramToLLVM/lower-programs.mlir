// RUN: pp-opt %s -pp-add-optimizer=optimizers=adamw,sgd -pp-lower-layers -pp-plan-memory -pp-verify-memory -pp-lower-programs -o %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: FileCheck %s --check-prefix=JSON < %t.mlir
// RUN: mlir-translate --mlir-to-llvmir %t.mlir | opt -passes=verify -disable-output

// One rank and one micro-batch: every op of a program that needs no peer, a
// dropout key, data, a constant cotangent, and a value returned twice.

module @small {
  pp.input @tokens : tensor<2x4xi32> {pp.bound = 50 : i64}
  pp.parameter @w : tensor<32xf32> init(#nn.normal<std = 0.5>)

  func.func private @layer(tensor<2x4xi32>, tensor<32xf32>, i64) -> (tensor<f32>, tensor<48xf32>)
      attributes {pp.workspace = 64 : i64}
  func.func private @layer.backward(tensor<48xf32>, tensor<f32>, tensor<32xf32>)
      -> (tensor<32xf32> {pp.accumulates = 2 : i64}) attributes {pp.workspace = 0 : i64}
  module @layers attributes {llvm.data_layout = "e-i64:64", llvm.target_triple = "x86_64-unknown-linux-gnu"} {
    llvm.func @layer(%ctx: !llvm.ptr, %t: !llvm.ptr, %w: !llvm.ptr, %key: i64, %y: !llvm.ptr, %r: !llvm.ptr, %ws: !llvm.ptr) {
      llvm.return
    }
    llvm.func @layer.backward(%ctx: !llvm.ptr, %r: !llvm.ptr, %dy: !llvm.ptr, %acc: !llvm.ptr, %ws: !llvm.ptr) {
      llvm.return
    }
  }

  // Slot 0 of the table is the parameter, 1 to 3 are the results; the data has
  // no slot: its pointer is an argument.
  // CHECK-LABEL: llvm.func internal @stage0.forward(
  // CHECK-SAME: %[[CONTEXT:.*]]: !llvm.ptr, %[[ARENA:.*]]: !llvm.ptr, %[[TABLE:.*]]: !llvm.ptr, %[[SPACE:.*]]: !llvm.ptr, %[[KEY:.*]]: i64, %[[DATA:.*]]: !llvm.ptr)
  // CHECK-SAME: no_inline, optimize_none
  // Nothing is computed while the runtime emulates.
  // CHECK: %[[EMULATING:.*]] = llvm.load %[[CONTEXT]]
  // CHECK: %[[REAL:.*]] = llvm.icmp "eq" %[[EMULATING]]
  // CHECK: llvm.cond_br %[[REAL]], ^[[COMPUTE:.*]], ^[[SKIP:.*]]
  // CHECK: ^[[COMPUTE]]:
  // CHECK: %[[OFFSET:.*]] = llvm.load %[[TABLE]]
  // CHECK: %[[W:.*]] = llvm.getelementptr %[[ARENA]][%[[OFFSET]]]
  // CHECK: %[[SALTED:.*]] = llvm.add %[[KEY]]
  // CHECK: llvm.mul
  // CHECK: llvm.mul
  // CHECK: %[[MIXED:.*]] = llvm.select
  // CHECK: %[[SECOND:.*]] = llvm.mlir.constant(1 : i64)
  // CHECK: llvm.getelementptr %[[TABLE]][%[[SECOND]]]
  // CHECK: llvm.call @layer(%[[CONTEXT]], %[[DATA]], %[[W]], %[[MIXED]],
  // CHECK: "llvm.intr.memcpy"
  // CHECK: llvm.br ^[[SKIP]]
  // CHECK: ^[[SKIP]]:
  // CHECK-NEXT: llvm.return
  func.func private @stage0.forward(%t: tensor<2x4xi32> {pp.data = "tokens"}, %w: tensor<32xf32> {pp.param = "w"}, %k: i64 {pp.key})
      -> (tensor<f32> {pp.value = "loss", pp.loss}, tensor<48xf32> {pp.value = "r0"}, tensor<f32> {pp.value = "again"}) {
    %key = nn.mix_key %k {salt = 3 : i64} : (i64) -> i64
    %l, %r = func.call @layer(%t, %w, %key) : (tensor<2x4xi32>, tensor<32xf32>, i64) -> (tensor<f32>, tensor<48xf32>)
    return %l, %r, %l : tensor<f32>, tensor<48xf32>, tensor<f32>
  }
  // The constant cotangent is a global.
  // CHECK: llvm.mlir.global internal constant @stage0.backward.constant0(dense<1.000000e+00> : tensor<1xf32>)
  // CHECK-SAME: alignment = 64
  // CHECK-LABEL: llvm.func internal @stage0.backward(
  // CHECK: %[[ONE:.*]] = llvm.mlir.addressof @stage0.backward.constant0
  // CHECK: llvm.call @layer.backward(%{{.*}}, %{{.*}}, %[[ONE]], %{{.*}}, %{{.*}})
  func.func private @stage0.backward(%r: tensor<48xf32> {pp.value = "r0"}, %acc: tensor<32xf32> {pp.grad = "w", pp.use = 0 : i64})
      -> (tensor<32xf32> {pp.accumulates = 1 : i64}) {
    %one = arith.constant dense<1.0> : tensor<f32>
    %n = func.call @layer.backward(%r, %one, %acc) : (tensor<48xf32>, tensor<f32>, tensor<32xf32>) -> tensor<32xf32>
    return %n : tensor<32xf32>
  }
  pp.stage 0 forward(@stage0.forward) backward(@stage0.backward)
  pp.schedule "1f1b" microbatches(1) placement [0] rows ["0F0,0B0"]

  // Arena: parameter at 0, accumulator at 128, then loss, residual, copy.
  // CHECK: llvm.mlir.global internal constant @pp.table.pipe0(dense<[0, {{[0-9]+}}, {{[0-9]+}}, {{[0-9]+}}, {{[0-9]+}}, 128]> : tensor<6xi64>)
  // CHECK-LABEL: llvm.func internal @pp.step.pipe0(
  // CHECK-SAME: %[[CTX:.*]]: !llvm.ptr, %[[BASE:.*]]: !llvm.ptr) -> i32
  // CHECK: llvm.call @pprt_zero(%[[CTX]],
  // CHECK: llvm.call @pprt_action_begin(%[[CTX]],
  // CHECK: llvm.call @pprt_key(%[[CTX]],
  // CHECK: llvm.call @pprt_data(%[[CTX]],
  // CHECK: llvm.call @stage0.forward(%[[CTX]], %[[BASE]],
  // CHECK: llvm.call @pprt_action_end(%[[CTX]],
  // CHECK: %[[STATUS:.*]] = llvm.call @pprt_loss
  // CHECK: %[[OK:.*]] = llvm.icmp "eq" %[[STATUS]]
  // CHECK: llvm.cond_br %[[OK]], ^[[NEXT:.*]], ^[[EXIT:.*]](%[[STATUS]] : i32)
  // CHECK: ^[[NEXT]]:
  // CHECK: llvm.call @stage0.backward(
  // CHECK: llvm.call @pprt_square_norm
  // CHECK: llvm.call @pprt_all_reduce_report
  // CHECK: llvm.call @pprt_update
  // CHECK: ^[[EXIT]](%[[RESULT:.*]]: i32):
  // CHECK-NEXT: llvm.return %[[RESULT]]
  pp.program @pipe0 pipe(0) {
    pp.zero_gradient @w use(0)
    %l, %r, %again = pp.run F stage(0) mb(0) @stage0.forward() : () -> (tensor<f32>, tensor<48xf32>, tensor<f32>)
    pp.loss %l mb(0) : tensor<f32>
    pp.run B stage(0) mb(0) @stage0.backward(%r) : (tensor<48xf32>) -> ()
    %g = pp.load_gradient @w use(0) : tensor<32xf32>
    pp.grad_norm @w, %g : tensor<32xf32>
    pp.all_reduce_report
    pp.update @w, %g : tensor<32xf32>
    pp.return
  }
}

// JSON: llvm.mlir.global external constant @pp_program_description
// JSON-SAME: \22init\22:{\22kind\22:\22normal\22,\22mean\22:0,\22std\22:0.5}
// JSON-SAME: \22actions\22:[{\22kind\22:\22F\22,\22microbatch\22:0,\22name\22:\22stage0.forward\22,\22stage\22:0},{\22kind\22:\22B\22
// JSON-SAME: \22arena_bytes\22:{{[0-9]+}}
// JSON-SAME: \22vocabulary\22:50
// JSON: llvm.mlir.global external constant @pp_program_steps() {{.*}} : !llvm.array<1 x ptr>
// JSON: llvm.mlir.addressof @pp.step.pipe0
// The functions that the runtime calls, as the description counts them.
// JSON: llvm.mlir.global external constant @pp_program_functions() {{.*}} : !llvm.array<4 x ptr>
// JSON: llvm.mlir.addressof @pp.entry.sum_of_squares.f32_32
// JSON: llvm.mlir.addressof @pp.entry.adamw.f32_32
// JSON: llvm.mlir.addressof @pp.entry.sgd.f32_32
// JSON: llvm.mlir.addressof @pp.entry.conclude
