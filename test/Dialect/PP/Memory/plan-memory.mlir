// RUN: pp-opt %s -pp-plan-memory | FileCheck %s
// RUN: pp-opt %s -pp-plan-memory -pp-verify-memory | FileCheck %s

// Two ranks, one micro-batch, and a parameter that both use: rank 0 owns it.

module @m {
  pp.input @tokens : tensor<4xi32>
  pp.parameter @w : tensor<32xf32> init(#nn.zeros)
  pp.state @w.m "m" of @w : tensor<32xf32> init(#nn.zeros)
  pp.state @w.v "v" of @w : tensor<32xf32> init(#nn.zeros)

  func.func private @embed.forward(tensor<4xi32>, tensor<32xf32>) -> (tensor<32xf32>, tensor<48xf32>)
      attributes {pp.workspace = 64 : i64}
  func.func private @embed.backward(tensor<4xi32>, tensor<48xf32>, tensor<32xf32>, tensor<32xf32>)
      -> (tensor<32xf32> {pp.accumulates = 3 : i64}) attributes {pp.workspace = 0 : i64}
  func.func private @head.forward(tensor<32xf32>, tensor<32xf32>) -> tensor<f32>
      attributes {pp.workspace = 100 : i64}
  func.func private @head.backward(tensor<32xf32>, tensor<32xf32>, tensor<32xf32>)
      -> (tensor<32xf32>, tensor<32xf32> {pp.accumulates = 2 : i64}) attributes {pp.workspace = 0 : i64}

  // The first call's result 0 is read by the second call only: it lies in the
  // workspace. At the first call the callee's 64 bytes lie behind it; at the
  // second its results go where the caller wants them.
  // CHECK-LABEL: func.func private @stage0.forward
  // CHECK-SAME: pp.workspace = 192 : i64
  // CHECK: call @embed.forward
  // CHECK-SAME: {pp.offsets = array<i64: [[OFF:.*]], -1>, pp.workspace_offset = {{.*}} : i64}
  // CHECK: call @embed.forward
  // CHECK-SAME: {pp.workspace_offset = {{.*}} : i64}
  func.func private @stage0.forward(%t: tensor<4xi32> {pp.data = "tokens"}, %w: tensor<32xf32> {pp.param = "w"})
      -> (tensor<32xf32> {pp.value = "x0"}, tensor<48xf32> {pp.value = "r0"}, tensor<48xf32> {pp.value = "r1"}) {
    %a, %r0 = func.call @embed.forward(%t, %w) : (tensor<4xi32>, tensor<32xf32>) -> (tensor<32xf32>, tensor<48xf32>)
    %b, %r1 = func.call @embed.forward(%t, %a) : (tensor<4xi32>, tensor<32xf32>) -> (tensor<32xf32>, tensor<48xf32>)
    return %b, %r0, %r1 : tensor<32xf32>, tensor<48xf32>, tensor<48xf32>
  }
  func.func private @stage0.backward(%t: tensor<4xi32> {pp.data = "tokens"}, %r: tensor<48xf32> {pp.value = "r0"},
      %dx: tensor<32xf32> {pp.value = "x0.grad"}, %acc: tensor<32xf32> {pp.grad = "w", pp.use = 0 : i64})
      -> (tensor<32xf32> {pp.accumulates = 3 : i64}) {
    %n = func.call @embed.backward(%t, %r, %dx, %acc) : (tensor<4xi32>, tensor<48xf32>, tensor<32xf32>, tensor<32xf32>) -> tensor<32xf32>
    return %n : tensor<32xf32>
  }
  func.func private @stage1.forward(%x: tensor<32xf32> {pp.value = "x0"}, %w: tensor<32xf32> {pp.param = "w"})
      -> (tensor<f32> {pp.value = "loss", pp.loss}) {
    %l = func.call @head.forward(%x, %w) : (tensor<32xf32>, tensor<32xf32>) -> tensor<f32>
    return %l : tensor<f32>
  }
  func.func private @stage1.backward(%x: tensor<32xf32> {pp.value = "x0"}, %w: tensor<32xf32> {pp.param = "w"},
      %acc: tensor<32xf32> {pp.grad = "w", pp.use = 1 : i64})
      -> (tensor<32xf32> {pp.value = "x0.grad"}, tensor<32xf32> {pp.accumulates = 2 : i64}) {
    %dx, %n = func.call @head.backward(%x, %w, %acc) : (tensor<32xf32>, tensor<32xf32>, tensor<32xf32>) -> (tensor<32xf32>, tensor<32xf32>)
    return %dx, %n : tensor<32xf32>, tensor<32xf32>
  }
  pp.stage 0 forward(@stage0.forward) backward(@stage0.backward)
  pp.stage 1 forward(@stage1.forward) backward(@stage1.backward)
  pp.channel @p0_to_p1 from(0) to(1)
  pp.channel @p1_to_p0 from(1) to(0)

  // Parameter, accumulator, then at the forward: the sent value (128), two
  // residuals (192 each), workspace (192).
  // CHECK-LABEL: pp.program @pipe0
  // CHECK-SAME: pp.gradients = {w = array<i64: 128>}
  // CHECK-SAME: pp.memory = {activations = 384 : i64, arena = 960 : i64, communication = 128 : i64, gradients = 128 : i64, lower_bound = 960 : i64, optimizer = 256 : i64, parameters = 128 : i64, workspace = 192 : i64}
  // CHECK-SAME: pp.parameters = {w = 0 : i64}
  // CHECK-SAME: pp.states = {w.m = 0 : i64, w.v = 128 : i64}
  pp.program @pipe0 pipe(0) {
    pp.zero_gradient @w use(0)
    %x, %r0, %r1 = pp.run F stage(0) mb(0) @stage0.forward() : () -> (tensor<32xf32>, tensor<48xf32>, tensor<48xf32>)
    %t0 = pp.isend %x channel(@p0_to_p1) value("x0") mb(0) tag(0) : tensor<32xf32>
    pp.wait_send %t0, %x : tensor<32xf32>
    // CHECK: pp.irecv
    // CHECK-SAME: pp.offsets = array<i64: {{[0-9]+}}>
    %b, %t1 = pp.irecv channel(@p1_to_p0) value("x0.grad") mb(0) tag(0) : tensor<32xf32>
    %dx = pp.wait %t1, %b : tensor<32xf32>
    pp.run B stage(0) mb(0) @stage0.backward(%r0, %dx) : (tensor<48xf32>, tensor<32xf32>) -> ()
    %g0 = pp.load_gradient @w use(0) : tensor<32xf32>
    %b1, %t2 = pp.irecv channel(@p1_to_p0) value("w.grad.1") tag(1) : tensor<32xf32>
    %g1 = pp.wait %t2, %b1 : tensor<32xf32>
    %g = pp.reduce_gradients @w(%g0, %g1) : tensor<32xf32>
    pp.grad_norm @w, %g : tensor<32xf32>
    pp.all_reduce_report
    pp.update @w, %g : tensor<32xf32>
    %p = pp.load_parameter @w : tensor<32xf32>
    %t3 = pp.isend %p channel(@p0_to_p1) value("w") tag(1) : tensor<32xf32>
    pp.wait_send %t3, %p : tensor<32xf32>
    pp.return
  }

  // The received parameter goes straight into its buffer: its irecv has no
  // offset of its own.
  // CHECK-LABEL: pp.program @pipe1
  // CHECK-SAME: pp.gradients = {w = array<i64: -1, 128>}
  // CHECK-SAME: optimizer = 0 : i64
  // CHECK: pp.irecv channel(@p0_to_p1) value("w") tag(1) : tensor<32xf32>
  pp.program @pipe1 pipe(1) {
    pp.zero_gradient @w use(1)
    %b, %t0 = pp.irecv channel(@p0_to_p1) value("x0") mb(0) tag(0) : tensor<32xf32>
    %x = pp.wait %t0, %b : tensor<32xf32>
    %l = pp.run F stage(1) mb(0) @stage1.forward(%x) : (tensor<32xf32>) -> tensor<f32>
    pp.loss %l mb(0) : tensor<f32>
    %dx = pp.run B stage(1) mb(0) @stage1.backward(%x) : (tensor<32xf32>) -> tensor<32xf32>
    %t1 = pp.isend %dx channel(@p1_to_p0) value("x0.grad") mb(0) tag(0) : tensor<32xf32>
    pp.wait_send %t1, %dx : tensor<32xf32>
    %g1 = pp.load_gradient @w use(1) : tensor<32xf32>
    %t2 = pp.isend %g1 channel(@p1_to_p0) value("w.grad.1") tag(1) : tensor<32xf32>
    pp.wait_send %t2, %g1 : tensor<32xf32>
    pp.all_reduce_report
    %b1, %t3 = pp.irecv channel(@p0_to_p1) value("w") tag(1) : tensor<32xf32>
    %new = pp.wait %t3, %b1 : tensor<32xf32>
    pp.store_parameter @w, %new : tensor<32xf32>
    pp.return
  }
}
