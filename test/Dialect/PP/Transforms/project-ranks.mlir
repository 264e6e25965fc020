// RUN: pp-opt %s -pp-project-ranks | FileCheck %s
// Every transport can run it, also those which match by order alone.
// RUN: pp-opt %s -pp-project-ranks -pp-verify-communication="semantics=buffered" \
// RUN:   -pp-verify-communication="semantics=rendezvous" \
// RUN:   -pp-verify-communication="semantics=fifo-per-edge" -o %t

// Three stages; w is tied between the first and the last, x0 skips the second,
// stage 1 has no parameters, fewer micro-batches than stages.
pp.input @tokens : tensor<4xi32>
pp.parameter @w : tensor<8x8xf32> init(#nn.zeros)
func.func private @f0(tensor<4xi32> {pp.data = "tokens"}, tensor<8x8xf32> {pp.param = "w"}, i64 {pp.key}) -> (tensor<4x8xf32> {pp.value = "x0"})
func.func private @b0(tensor<4xi32> {pp.data = "tokens"}, tensor<4x8xf32> {pp.value = "x0.grad.1"}, tensor<4x8xf32> {pp.value = "x0.grad.2"}, tensor<8x8xf32> {pp.grad = "w", pp.use = 0 : i64}) -> (tensor<8x8xf32> {pp.accumulates = 3 : i64})
func.func private @f1(tensor<4x8xf32> {pp.value = "x0"}) -> (tensor<4x8xf32> {pp.value = "x1"}, tensor<4xf32> {pp.value = "r1"})
func.func private @b1(tensor<4xf32> {pp.value = "r1"}, tensor<4x8xf32> {pp.value = "x0"}, tensor<4x8xf32> {pp.value = "x1.grad"}) -> (tensor<4x8xf32> {pp.value = "x0.grad.1"})
func.func private @f2(tensor<4x8xf32> {pp.value = "x1"}, tensor<4x8xf32> {pp.value = "x0"}, tensor<8x8xf32> {pp.param = "w"}) -> (tensor<f32> {pp.value = "loss", pp.loss})
func.func private @b2(tensor<4x8xf32> {pp.value = "x1"}, tensor<4x8xf32> {pp.value = "x0"}, tensor<8x8xf32> {pp.grad = "w", pp.use = 1 : i64}) -> (tensor<4x8xf32> {pp.value = "x1.grad"}, tensor<4x8xf32> {pp.value = "x0.grad.2"}, tensor<8x8xf32> {pp.accumulates = 2 : i64})
pp.stage 0 forward(@f0) backward(@b0)
pp.stage 1 forward(@f1) backward(@b1)
pp.stage 2 forward(@f2) backward(@b2)
pp.schedule "gpipe" microbatches(2) placement [0, 1, 2]
    rows ["0F0,0F1,0B0,0B1", "1F0,1F1,1B0,1B1", "2F0,2F1,2B0,2B1"]

// CHECK-DAG: pp.channel @p0_to_p1 from(0) to(1)
// CHECK-DAG: pp.channel @p0_to_p2 from(0) to(2)
// CHECK-DAG: pp.channel @p1_to_p0 from(1) to(0)
// CHECK-DAG: pp.channel @p1_to_p2 from(1) to(2)
// CHECK-DAG: pp.channel @p2_to_p0 from(2) to(0)
// CHECK-DAG: pp.channel @p2_to_p1 from(2) to(1)

// CHECK-LABEL: pp.program @pipe0 pipe(0) {
// CHECK-NEXT: pp.zero_gradient @w use(0)
// CHECK-NEXT: %[[X:.*]] = pp.run F stage(0) mb(0) @f0() : () -> tensor<4x8xf32>
// The skip goes directly to each reader.
// CHECK-NEXT: pp.isend %[[X]] channel(@p0_to_p1) value("x0") mb(0) tag(0)
// CHECK-NEXT: pp.isend %[[X]] channel(@p0_to_p2) value("x0") mb(0) tag(0)
// CHECK-NEXT: %[[X1:.*]] = pp.run F stage(0) mb(1) @f0()
// CHECK-NEXT: pp.isend %[[X1]] channel(@p0_to_p1) value("x0") mb(1) tag(1)
// CHECK-NEXT: pp.isend %[[X1]] channel(@p0_to_p2) value("x0") mb(1) tag(1)
// CHECK-NEXT: %[[B:.*]], %[[T:.*]] = pp.irecv channel(@p1_to_p0) value("x0.grad.1") mb(0) tag(0)
// CHECK-NEXT: %[[D1:.*]] = pp.wait %[[T]], %[[B]]
// CHECK-NEXT: %[[B:.*]], %[[T:.*]] = pp.irecv channel(@p2_to_p0) value("x0.grad.2") mb(0) tag(0)
// CHECK-NEXT: %[[D2:.*]] = pp.wait %[[T]], %[[B]]
// CHECK-NEXT: pp.run B stage(0) mb(0) @b0(%[[D1]], %[[D2]])
// CHECK: pp.run B stage(0) mb(1) @b0
// CHECK-COUNT-4: pp.wait_send
// The owner is the rank of the first use; sums are in use order.
// CHECK: %[[G0:.*]] = pp.load_gradient @w use(0)
// CHECK-NEXT: %[[B:.*]], %[[T:.*]] = pp.irecv channel(@p2_to_p0) value("w.grad.1") tag(2)
// CHECK-NEXT: %[[G1:.*]] = pp.wait %[[T]], %[[B]]
// CHECK-NEXT: %[[G:.*]] = pp.reduce_gradients @w(%[[G0]], %[[G1]])
// CHECK-NEXT: pp.grad_norm @w, %[[G]]
// CHECK-NEXT: pp.all_reduce_report
// CHECK-NEXT: pp.update @w, %[[G]]
// CHECK-NEXT: %[[W:.*]] = pp.load_parameter @w
// CHECK-NEXT: %[[S:.*]] = pp.isend %[[W]] channel(@p0_to_p2) value("w") tag(2)
// CHECK-NEXT: pp.wait_send %[[S]], %[[W]]
// CHECK-NEXT: pp.return

// CHECK-LABEL: pp.program @pipe1 pipe(1) {
// No parameter, no gradient: the first is a receive.
// CHECK-NEXT: %[[B:.*]], %[[T:.*]] = pp.irecv channel(@p0_to_p1) value("x0") mb(0) tag(0)
// CHECK-NEXT: %[[X:.*]] = pp.wait %[[T]], %[[B]]
// CHECK-NEXT: %[[F:.*]]:2 = pp.run F stage(1) mb(0) @f1(%[[X]])
// CHECK-NEXT: pp.isend %[[F]]#0 channel(@p1_to_p2) value("x1") mb(0) tag(0)
// What was received for F is there for B.
// CHECK: %[[DX:.*]] = pp.run B stage(1) mb(0) @b1(%[[F]]#1, %[[X]], %{{.*}})
// CHECK-NEXT: pp.isend %[[DX]] channel(@p1_to_p0) value("x0.grad.1") mb(0) tag(0)
// CHECK-NOT: pp.grad_norm
// CHECK: pp.all_reduce_report
// CHECK-NEXT: pp.return

// CHECK-LABEL: pp.program @pipe2 pipe(2) {
// CHECK-NEXT: pp.zero_gradient @w use(1)
// CHECK: %[[L:.*]] = pp.run F stage(2) mb(0) @f2
// CHECK-NEXT: pp.loss %[[L]] mb(0) : tensor<f32>
// CHECK: %[[L:.*]] = pp.run F stage(2) mb(1) @f2
// CHECK-NEXT: pp.loss %[[L]] mb(1) : tensor<f32>
// CHECK: %[[G1:.*]] = pp.load_gradient @w use(1)
// CHECK-NEXT: %[[S:.*]] = pp.isend %[[G1]] channel(@p2_to_p0) value("w.grad.1") tag(2)
// CHECK-NEXT: pp.wait_send %[[S]], %[[G1]]
// CHECK-NEXT: pp.all_reduce_report
// CHECK-NEXT: %[[B:.*]], %[[T:.*]] = pp.irecv channel(@p0_to_p2) value("w") tag(2)
// CHECK-NEXT: %[[W:.*]] = pp.wait %[[T]], %[[B]]
// CHECK-NEXT: pp.store_parameter @w, %[[W]]
// CHECK-NEXT: pp.return
