// RUN: pp-opt %s --pp-schedule="schedule=1f1b microbatches=32" --pp-project-ranks=loops=1 --pp-place-communication --pp-verify-communication | FileCheck %s
// RUN: pp-opt %s --pp-schedule="schedule=gpipe microbatches=32" --pp-project-ranks=loops=1 --pp-place-communication --pp-verify-communication | FileCheck %s --check-prefix=GPIPE
// The program does not grow with the micro-batches.
// RUN: pp-opt %s --pp-schedule="schedule=zb-h1 microbatches=40" --pp-project-ranks=loops=1 --pp-place-communication | grep -c "pp\." > %t.40
// RUN: pp-opt %s --pp-schedule="schedule=zb-h1 microbatches=4000" --pp-project-ranks=loops=1 --pp-place-communication | grep -c "pp\." > %t.4000
// RUN: diff %t.40 %t.4000
// Where sends cannot be waited for early, as many waits as there are
// micro-batches stand at the end: they are a loop, too.
// RUN: pp-opt %s --pp-schedule="schedule=1f1b microbatches=32" --pp-project-ranks=loops=1 --pp-verify-communication | FileCheck %s --check-prefix=LATE
// Few rounds stay written out.
// RUN: pp-opt %s --pp-schedule="schedule=1f1b microbatches=6" --pp-project-ranks=loops=1 --pp-place-communication | FileCheck %s --check-prefix=SHORT
// RUN: pp-opt %s --pp-schedule="schedule=1f1b microbatches=32" --pp-project-ranks --pp-place-communication | FileCheck %s --check-prefix=SHORT
// A value that B makes for one micro-batch and I for another is two series.
// RUN: printf '0F0,0F1,0B0,0B1\n1F0,1B0,1F1,1I1,1W1\n' > %t.csv
// RUN: pp-opt %s --pp-schedule="schedule=%t.csv microbatches=2" --pp-project-ranks=loops=1 --pp-place-communication | FileCheck %s --check-prefix=MIXED

pp.parameter @w : tensor<8x8xf32> init(#nn.zeros)
pp.input @tokens : tensor<2x4xi32>
func.func private @f0(tensor<2x4xi32> {pp.data = "tokens"}, tensor<8x8xf32> {pp.param = "w"})
    -> (tensor<4x8xf32> {pp.value = "x"}, tensor<4x8xf32> {pp.value = "r0"})
func.func private @b0(tensor<4x8xf32> {pp.value = "x.grad"}, tensor<4x8xf32> {pp.value = "r0"}, tensor<8x8xf32> {pp.grad = "w", pp.use = 0 : i64})
    -> (tensor<8x8xf32> {pp.accumulates = 2 : i64})
func.func private @i0(tensor<4x8xf32> {pp.value = "x.grad"}) -> (tensor<4x8xf32> {pp.value = "c0"})
func.func private @w0(tensor<4x8xf32> {pp.value = "c0"}, tensor<4x8xf32> {pp.value = "r0"}, tensor<8x8xf32> {pp.grad = "w", pp.use = 0 : i64})
    -> (tensor<8x8xf32> {pp.accumulates = 2 : i64})
func.func private @f1(tensor<4x8xf32> {pp.value = "x"}) -> (tensor<f32> {pp.value = "loss", pp.loss}, tensor<4x8xf32> {pp.value = "r1"})
func.func private @b1(tensor<4x8xf32> {pp.value = "r1"}) -> (tensor<4x8xf32> {pp.value = "x.grad"})
func.func private @i1(tensor<4x8xf32> {pp.value = "r1"}) -> (tensor<4x8xf32> {pp.value = "x.grad"})
func.func private @w1(tensor<4x8xf32> {pp.value = "r1"})
pp.stage 0 forward(@f0) backward(@b0) input(@i0) weight(@w0)
pp.stage 1 forward(@f1) backward(@b1) input(@i1) weight(@w1)

// CHECK-LABEL: pp.program @pipe0
// CHECK: pp.run F stage(0) mb(0) @f0
// CHECK: pp.begin_loop rounds(30) step(1)
// CHECK: pp.run F stage(0) mb([[F:[0-9]+]])
// CHECK: pp.isend %{{.*}} value("x") mb([[F]]) tag([[F]])
// CHECK: pp.wait %{{.*}} mb({{[0-9]+}})
// CHECK: pp.run B stage(0)
// CHECK: pp.end_loop
// CHECK: pp.run B stage(0) mb(31) @b0
// CHECK: pp.all_reduce_report
// CHECK-LABEL: pp.program @pipe1
// CHECK: pp.begin_loop rounds(30) step(1)
// CHECK: pp.run F stage(1)
// CHECK: pp.loss
// CHECK: pp.run B stage(1)
// CHECK: pp.end_loop
// CHECK: pp.run B stage(1) mb(31) @b1

// All forwards in one loop, all backwards in another.
// GPIPE-LABEL: pp.program @pipe0
// GPIPE: pp.begin_loop rounds(30) step(1)
// GPIPE-NOT: pp.run B
// GPIPE: pp.end_loop
// GPIPE: pp.run F stage(0) mb(31)
// GPIPE: pp.begin_loop rounds(31) step(1)
// GPIPE-NOT: pp.run F
// GPIPE: pp.run B stage(0)
// GPIPE: pp.end_loop
// GPIPE: pp.run B stage(0) mb(31)

// LATE-LABEL: pp.program @pipe0
// LATE: pp.begin_loop
// LATE: pp.end_loop
// LATE: pp.run B stage(0) mb(31)
// LATE-NEXT: pp.begin_loop
// LATE-NEXT: pp.wait_send %{{.*}} mb(0)
// LATE-NEXT: pp.end_loop

// SHORT-LABEL: pp.program @pipe0
// SHORT-NOT: loop

// MIXED-LABEL: pp.program @pipe1
// MIXED: %[[B:.*]] = pp.run B stage(1) mb(0)
// MIXED: pp.isend %[[B]] channel(@p1_to_p0) value("x.grad") mb(0)
// MIXED: %[[I:.*]] = pp.run I stage(1) mb(1)
// MIXED: pp.isend %[[I]] channel(@p1_to_p0) value("x.grad") mb(1)
