// RUN: pp-opt %s -pp-project-ranks="semantics=fifo-shared" -pp-verify-communication="semantics=fifo-shared" -o %t
// RUN: FileCheck %s < %t
// RUN: pp-opt %t -pp-place-communication="semantics=fifo-shared" -pp-verify-communication="semantics=fifo-shared" | FileCheck %s --check-prefix=EARLY
// In the order for tags, it stops.
// RUN: not pp-opt %s -pp-project-ranks -pp-verify-communication="semantics=fifo-shared" 2>&1 | FileCheck %s --check-prefix=STOPS
// RUN: not pp-opt %s -pp-project-ranks="semantics=magic" 2>&1 | FileCheck %s --check-prefix=NAME

// Two ranks, 1F1B. Rank 1 has its gradient 0 when rank 0 has the values of two
// micro-batches: both post in the order x0, x1, g0, x2, g1, g2.
func.func private @f0() -> (tensor<8xf32> {pp.value = "x"})
func.func private @b0(tensor<8xf32> {pp.value = "g"})
func.func private @f1(tensor<8xf32> {pp.value = "x"}) -> (tensor<f32> {pp.value = "loss", pp.loss})
func.func private @b1(tensor<8xf32> {pp.value = "x"}) -> (tensor<8xf32> {pp.value = "g"})
pp.stage 0 forward(@f0) backward(@b0)
pp.stage 1 forward(@f1) backward(@b1)
pp.schedule "1f1b" microbatches(3) placement [0, 1]
    ranks ["0F0,0F1,0B0,0F2,0B1,0B2", "1F0,1B0,1F1,1B1,1F2,1B2"]

// CHECK-LABEL: pp.program @rank0
// CHECK: pp.isend {{.*}} value("x") mb(0)
// CHECK: pp.isend {{.*}} value("x") mb(1)
// CHECK: pp.irecv {{.*}} value("g") mb(0)
// CHECK: pp.run B stage(0) mb(0)
// CHECK: pp.isend {{.*}} value("x") mb(2)
// CHECK: pp.irecv {{.*}} value("g") mb(1)
// CHECK-LABEL: pp.program @rank1
// CHECK: pp.irecv {{.*}} value("x") mb(0)
// CHECK: pp.run B stage(1) mb(0)
// Posted before the send although only the next action needs it.
// CHECK-NEXT: pp.irecv {{.*}} value("x") mb(1)
// CHECK-NEXT: pp.isend {{.*}} value("g") mb(0)
// CHECK-NEXT: pp.wait
// CHECK-NEXT: pp.run F stage(1) mb(1)

// A receive moves up to the transfer before it.
// EARLY-LABEL: pp.program @rank1
// EARLY: pp.irecv {{.*}} value("x") mb(0)
// EARLY: pp.run F stage(1) mb(0)
// EARLY: pp.irecv {{.*}} value("x") mb(1)
// EARLY-NEXT: pp.run B stage(1) mb(0)
// EARLY-NEXT: pp.isend {{.*}} value("g") mb(0)

// STOPS: error: deadlock under fifo-shared semantics: ranks 0 -> 1 -> 0 wait for each other
// NAME: error: found semantics=magic, expected buffered, rendezvous, fifo-per-edge or fifo-shared
