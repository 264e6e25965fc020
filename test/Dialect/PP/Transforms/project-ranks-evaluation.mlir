// RUN: pp-opt %s -pp-project-ranks=evaluation=true | FileCheck %s
// RUN: pp-opt %s -pp-project-ranks | FileCheck %s --check-prefix=NONE
// Every transport can run them.
// RUN: pp-opt %s -pp-project-ranks=evaluation=true -pp-verify-communication="semantics=buffered" \
// RUN:   -pp-verify-communication="semantics=rendezvous" \
// RUN:   -pp-verify-communication="semantics=fifo-per-edge" -o %t

// NONE-NOT: evaluates

// Two replicas of two coordinates, w tied between the first and the last stage,
// both on coordinate 0; u has no gradient.
pp.mesh @mesh <["pipe" = 2, "data" = 2]> replicas("data")
pp.input @tokens : tensor<4xi32>
pp.parameter @w : tensor<64xf32> piece(32) cut init(#nn.zeros)
pp.parameter @v : tensor<64xf32> piece(32) cut init(#nn.zeros)
func.func private @f0(tensor<4xi32> {pp.data = "tokens"}, tensor<64xf32> {pp.param = "w"}, i64 {pp.key}) -> (tensor<8xf32> {pp.value = "x0"}, tensor<8xf32> {pp.value = "r0"})
func.func private @b0(tensor<8xf32> {pp.value = "r0"}, tensor<8xf32> {pp.value = "dx0"}, tensor<64xf32> {pp.grad = "w", pp.use = 0 : i64}) -> (tensor<64xf32> {pp.accumulates = 2 : i64})
func.func private @f1(tensor<8xf32> {pp.value = "x0"}, tensor<64xf32> {pp.param = "v"}) -> (tensor<8xf32> {pp.value = "x1"})
func.func private @b1(tensor<8xf32> {pp.value = "x0"}, tensor<8xf32> {pp.value = "dx1"}, tensor<64xf32> {pp.grad = "v", pp.use = 0 : i64}) -> (tensor<8xf32> {pp.value = "dx0"}, tensor<64xf32> {pp.accumulates = 2 : i64})
func.func private @f2(tensor<8xf32> {pp.value = "x1"}, tensor<64xf32> {pp.param = "w"}) -> (tensor<f32> {pp.value = "loss", pp.loss})
func.func private @b2(tensor<8xf32> {pp.value = "x1"}, tensor<64xf32> {pp.grad = "w", pp.use = 1 : i64}) -> (tensor<8xf32> {pp.value = "dx1"}, tensor<64xf32> {pp.accumulates = 1 : i64})
pp.stage 0 forward(@f0) backward(@b0)
pp.stage 1 forward(@f1) backward(@b1)
pp.stage 2 forward(@f2) backward(@b2)
pp.schedule "v" microbatches(2) groups(2) placement [0, 1, 0]
    rows ["0F0,0F1,2F0,2B0,2F1,0B0,2B1,0B1", "1F0,1F1,1B0,1B1"]

// The programs of a step come first, as they are without.
// CHECK-LABEL: pp.program @pipe0 pipe(0) {
// CHECK: pp.update @w
// CHECK-LABEL: pp.program @pipe1 pipe(1) {
// CHECK: pp.update @v

// What the step's update has left in pieces is gathered as in the next step;
// then the forward actions in the order of the row. What the backward reads, r0,
// is made and dropped.
// CHECK-LABEL: pp.program @pipe0.evaluation pipe(0) evaluates([@w]) {
// CHECK-NEXT: %[[P:.*]] = pp.load_piece @w
// CHECK-NEXT: %[[B:.*]], %[[T:.*]] = pp.start all_gather %[[P]]
// CHECK-NEXT: %[[W:.*]] = pp.finish %[[T]], %[[P]], %[[B]]
// CHECK-NEXT: pp.store_parameter @w, %[[W]]
// CHECK-NEXT: %[[X:.*]]:2 = pp.run F stage(0) mb(0) @f0()
// CHECK-NEXT: pp.isend %[[X]]#0 channel(@p0_to_p1) value("x0") mb(0) tag(0)
// CHECK-NEXT: pp.run F stage(0) mb(1) @f0()
// CHECK-NEXT: pp.isend {{.*}} channel(@p0_to_p1) value("x0") mb(1) tag(1)
// CHECK-NEXT: pp.irecv channel(@p1_to_p0) value("x1") mb(0) tag(0)
// CHECK-NEXT: %[[X1:.*]] = pp.wait
// CHECK-NEXT: %[[L:.*]] = pp.run F stage(2) mb(0) @f2(%[[X1]])
// CHECK-NEXT: pp.loss %[[L]] mb(0)
// CHECK-NEXT: pp.irecv channel(@p1_to_p0) value("x1") mb(1) tag(1)
// CHECK-NEXT: pp.wait
// CHECK-NEXT: pp.run F stage(2) mb(1)
// CHECK-NEXT: pp.loss
// CHECK-NEXT: pp.wait_send
// CHECK-NEXT: pp.wait_send
// CHECK-NEXT: pp.all_reduce_report
// CHECK-NEXT: pp.return

// CHECK-LABEL: pp.program @pipe1.evaluation pipe(1) evaluates([@v]) {
// CHECK: pp.store_parameter @v
// CHECK: pp.run F stage(1) mb(0)
// CHECK: pp.run F stage(1) mb(1)
// CHECK-NOT: pp.run
// CHECK: pp.all_reduce_report
