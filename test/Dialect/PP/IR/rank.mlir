// RUN: pp-opt %s | pp-opt | FileCheck %s
// RUN: pp-opt %s --mlir-print-op-generic | pp-opt | FileCheck %s
// Nothing of a program may be dropped, merged or moved, used or not.
// RUN: pp-opt %s --canonicalize --cse --sccp --remove-dead-values | FileCheck %s

pp.parameter @w : tensor<8x8xf32> init(#nn.zeros)
func.func private @forward(tensor<4x8xf32> {pp.value = "x"}, tensor<8x8xf32> {pp.param = "w"})
    -> (tensor<f32> {pp.value = "loss", pp.loss}, tensor<4x8xf32> {pp.value = "r"})
func.func private @backward(tensor<4x8xf32> {pp.value = "r"}, tensor<8x8xf32> {pp.grad = "w", pp.use = 1 : i64})
    -> (tensor<4x8xf32> {pp.value = "x.grad"}, tensor<8x8xf32> {pp.accumulates = 1 : i64})

// CHECK: pp.channel @p0_to_p1 from(0) to(1)
pp.channel @p0_to_p1 from(0) to(1)
// CHECK: pp.channel @p1_to_p0 from(1) to(0)
pp.channel @p1_to_p0 from(1) to(0)

// CHECK-LABEL: pp.program @pipe1 pipe(1) {
pp.program @pipe1 pipe(1) {
  // CHECK: pp.zero_gradient @w use(1)
  pp.zero_gradient @w use(1)
  // CHECK: %[[B:.*]], %[[T:.*]] = pp.irecv channel(@p0_to_p1) value("x") mb(0) tag(0) : tensor<4x8xf32>
  %b, %t = pp.irecv channel(@p0_to_p1) value("x") mb(0) tag(0) : tensor<4x8xf32>
  // CHECK: %[[X:.*]] = pp.wait %[[T]], %[[B]] : tensor<4x8xf32>
  %x = pp.wait %t, %b : tensor<4x8xf32>
  // CHECK: %[[F:.*]]:2 = pp.run F stage(1) mb(0) @forward(%[[X]]) : (tensor<4x8xf32>) -> (tensor<f32>, tensor<4x8xf32>)
  %loss, %r = pp.run F stage(1) mb(0) @forward(%x) : (tensor<4x8xf32>) -> (tensor<f32>, tensor<4x8xf32>)
  // The same again is another action.
  // CHECK: pp.run F stage(1) mb(0) @forward(%[[X]])
  %loss1, %r1 = pp.run F stage(1) mb(0) @forward(%x) : (tensor<4x8xf32>) -> (tensor<f32>, tensor<4x8xf32>)
  // CHECK: pp.loss %[[F]]#0 mb(0) : tensor<f32>
  pp.loss %loss mb(0) : tensor<f32>
  // CHECK: %[[DX:.*]] = pp.run B stage(1) mb(0) @backward(%[[F]]#1) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %dx = pp.run B stage(1) mb(0) @backward(%r) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  // CHECK: %[[S:.*]] = pp.isend %[[DX]] channel(@p1_to_p0) value("x.grad") mb(0) tag(0) : tensor<4x8xf32>
  %s = pp.isend %dx channel(@p1_to_p0) value("x.grad") mb(0) tag(0) : tensor<4x8xf32>
  // CHECK: pp.wait_send %[[S]], %[[DX]] : tensor<4x8xf32>
  pp.wait_send %s, %dx : tensor<4x8xf32>
  // CHECK: %[[G:.*]] = pp.load_gradient @w use(1) : tensor<8x8xf32>
  %g = pp.load_gradient @w use(1) : tensor<8x8xf32>
  // Without a micro-batch.
  // CHECK: %[[GB:.*]], %[[GT:.*]] = pp.irecv channel(@p0_to_p1) value("w.grad.0") tag(1) : tensor<8x8xf32>
  %gb, %gt = pp.irecv channel(@p0_to_p1) value("w.grad.0") tag(1) : tensor<8x8xf32>
  // CHECK: %[[G1:.*]] = pp.wait %[[GT]], %[[GB]]
  %g1 = pp.wait %gt, %gb : tensor<8x8xf32>
  // CHECK: %[[SUM:.*]] = pp.reduce_gradients @w(%[[G]], %[[G1]]) : tensor<8x8xf32>
  %sum = pp.reduce_gradients @w(%g, %g1) : tensor<8x8xf32>
  // CHECK: pp.grad_norm @w, %[[SUM]] : tensor<8x8xf32>
  pp.grad_norm @w, %sum : tensor<8x8xf32>
  // CHECK: pp.all_reduce_report
  pp.all_reduce_report
  // CHECK: pp.update @w, %[[SUM]] : tensor<8x8xf32>
  pp.update @w, %sum : tensor<8x8xf32>
  // CHECK: %[[P:.*]] = pp.load_parameter @w : tensor<8x8xf32>
  %p = pp.load_parameter @w : tensor<8x8xf32>
  // CHECK: pp.store_parameter @w, %[[P]] : tensor<8x8xf32>
  pp.store_parameter @w, %p : tensor<8x8xf32>
  // CHECK: pp.return
  pp.return
}

// CHECK-LABEL: pp.program @pipe1.evaluation pipe(1) evaluates([@w]) {
pp.program @pipe1.evaluation pipe(1) evaluates([@w]) {
  pp.all_reduce_report
  pp.return
}

// CHECK-LABEL: pp.program @loops pipe(1) {
pp.program @loops pipe(1) {
  // CHECK: %[[B0:.*]], %[[T0:.*]] = pp.irecv
  %b0, %t0 = pp.irecv channel(@p0_to_p1) value("x") mb(0) tag(0) : tensor<4x8xf32>
  // CHECK: pp.begin_loop rounds(7) step(1)
  pp.begin_loop rounds(7) step(1)
  // CHECK: pp.irecv
  %b1, %t1 = pp.irecv channel(@p0_to_p1) value("x") mb(1) tag(1) : tensor<4x8xf32>
  // CHECK: pp.wait %[[T0]], %[[B0]] mb(0) : tensor<4x8xf32>
  %x0 = pp.wait %t0, %b0 mb(0) : tensor<4x8xf32>
  // CHECK: pp.end_loop
  pp.end_loop
  // CHECK: pp.wait %{{.*}}, %{{.*}} mb(7) : tensor<4x8xf32>
  %x1 = pp.wait %t1, %b1 mb(7) : tensor<4x8xf32>
  pp.return
}
