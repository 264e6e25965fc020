// RUN: pp-opt %s -pp-add-optimizer -pp-lower-layers -pp-plan-memory -pp-lower-programs | FileCheck %s

// A program with code for a device: a key is an address, what it is mixed with
// stands above; copies are enqueued.

// CHECK-LABEL: llvm.func internal @stage0.forward(
// CHECK-SAME: %[[CONTEXT:[a-z0-9]*]]: !llvm.ptr,
// CHECK-SAME: %[[KEY:[a-z0-9]*]]: i64
// CHECK: %[[SALT:.*]] = llvm.add
// CHECK: %[[ABOVE:.*]] = llvm.shl %[[SALT]]
// CHECK: %[[BOTH:.*]] = llvm.or %[[KEY]], %[[ABOVE]]
// CHECK: llvm.call @layer(%[[CONTEXT]], %{{.*}}, %[[BOTH]],
// CHECK-NOT: memcpy
// CHECK: llvm.call @pprt_gpu_copy(%[[CONTEXT]],
module @device {
  pp.input @tokens : tensor<2x4xi32> {pp.bound = 50 : i64}
  pp.parameter @w : tensor<32xf32> init(#nn.normal<std = 0.5>)
  func.func private @layer(tensor<2x4xi32>, tensor<32xf32>, i64) -> tensor<f32> attributes {pp.workspace = 64 : i64}
  func.func private @layer.backward(tensor<f32>, tensor<32xf32>)
      -> (tensor<32xf32> {pp.accumulates = 1 : i64}) attributes {pp.workspace = 0 : i64}
  module @layers {
    llvm.mlir.global external constant @pprt_gpu_program_code(0 : i32) : i32
    llvm.func @layer(%ctx: !llvm.ptr, %t: !llvm.ptr, %w: !llvm.ptr, %key: i64, %y: !llvm.ptr, %ws: !llvm.ptr) {
      llvm.return
    }
    llvm.func @layer.backward(%ctx: !llvm.ptr, %dy: !llvm.ptr, %acc: !llvm.ptr, %ws: !llvm.ptr) {
      llvm.return
    }
  }
  func.func private @stage0.forward(%t: tensor<2x4xi32> {pp.data = "tokens"}, %w: tensor<32xf32> {pp.param = "w"}, %k: i64 {pp.key})
      -> (tensor<f32> {pp.value = "loss", pp.loss}, tensor<f32> {pp.value = "again"}) {
    %key = nn.mix_key %k {salt = 3 : i64} : (i64) -> i64
    %l = func.call @layer(%t, %w, %key) : (tensor<2x4xi32>, tensor<32xf32>, i64) -> tensor<f32>
    return %l, %l : tensor<f32>, tensor<f32>
  }
  func.func private @stage0.backward(%l: tensor<f32> {pp.value = "again"}, %acc: tensor<32xf32> {pp.grad = "w", pp.use = 0 : i64})
      -> (tensor<32xf32> {pp.accumulates = 1 : i64}) {
    %n = func.call @layer.backward(%l, %acc) : (tensor<f32>, tensor<32xf32>) -> tensor<32xf32>
    return %n : tensor<32xf32>
  }
  pp.stage 0 forward(@stage0.forward) backward(@stage0.backward)
  pp.schedule "1f1b" microbatches(1) placement [0] rows ["0F0,0B0"]
  pp.program @pipe0 pipe(0) {
    pp.zero_gradient @w use(0)
    %l, %again = pp.run F stage(0) mb(0) @stage0.forward() : () -> (tensor<f32>, tensor<f32>)
    pp.loss %l mb(0) : tensor<f32>
    pp.run B stage(0) mb(0) @stage0.backward(%again) : (tensor<f32>) -> ()
    %g = pp.load_gradient @w use(0) : tensor<32xf32>
    pp.grad_norm @w, %g : tensor<32xf32>
    pp.all_reduce_report
    pp.update @w, %g : tensor<32xf32>
    pp.return
  }
}
