// RUN: pp-opt %s -split-input-file -pp-project-ranks -pp-verify-communication | FileCheck %s

// Two stages on one rank hand values over by SSA: no channel at all, and both
// uses of the tied parameter are local.
pp.parameter @w : tensor<8xf32> init(#nn.zeros)
func.func private @f0(tensor<8xf32> {pp.param = "w"}) -> (tensor<8xf32> {pp.value = "x"})
func.func private @f1(tensor<8xf32> {pp.value = "x"}, tensor<8xf32> {pp.param = "w"}) -> (tensor<f32> {pp.value = "loss", pp.loss})
func.func private @b1(tensor<8xf32> {pp.value = "x"}, tensor<8xf32> {pp.grad = "w", pp.use = 1 : i64}) -> (tensor<8xf32> {pp.value = "dx"}, tensor<8xf32> {pp.accumulates = 1 : i64})
func.func private @b0(tensor<8xf32> {pp.value = "dx"}, tensor<8xf32> {pp.grad = "w", pp.use = 0 : i64}) -> (tensor<8xf32> {pp.accumulates = 1 : i64})
pp.stage 0 forward(@f0) backward(@b0)
pp.stage 1 forward(@f1) backward(@b1)
pp.schedule "one" microbatches(1) placement [0, 0] rows ["0F0,1F0,1B0,0B0"]
// CHECK-LABEL: pp.schedule "one"
// CHECK-NOT: pp.channel
// CHECK: pp.program @pipe0 pipe(0) {
// CHECK-NEXT: pp.zero_gradient @w use(0)
// CHECK-NEXT: pp.zero_gradient @w use(1)
// CHECK-NEXT: %[[X:.*]] = pp.run F stage(0) mb(0) @f0()
// CHECK-NEXT: %[[L:.*]] = pp.run F stage(1) mb(0) @f1(%[[X]])
// CHECK-NEXT: pp.loss %[[L]]
// CHECK-NEXT: %[[DX:.*]] = pp.run B stage(1) mb(0) @b1(%[[X]])
// CHECK-NEXT: pp.run B stage(0) mb(0) @b0(%[[DX]])
// CHECK-NEXT: %[[G0:.*]] = pp.load_gradient @w use(0)
// CHECK-NEXT: %[[G1:.*]] = pp.load_gradient @w use(1)
// CHECK-NEXT: %[[G:.*]] = pp.reduce_gradients @w(%[[G0]], %[[G1]])
// CHECK-NEXT: pp.grad_norm @w, %[[G]]
// CHECK-NEXT: pp.all_reduce_report
// CHECK-NEXT: pp.update @w, %[[G]]
// CHECK-NEXT: pp.return
// CHECK-NOT: pp.program

// -----

// Stages 0 and 2 on rank 0, 1 on rank 1: a value that two stages of one rank
// read is received once; names that are taken are not taken again.
func.func private @pipe0() -> (tensor<8xf32> {pp.value = "x"})
func.func private @f1(tensor<8xf32> {pp.value = "x"}) -> (tensor<8xf32> {pp.value = "y"})
func.func private @f2(tensor<8xf32> {pp.value = "y"}, tensor<8xf32> {pp.value = "x"}) -> (tensor<8xf32> {pp.value = "z"})
func.func private @f3(tensor<8xf32> {pp.value = "y"}, tensor<8xf32> {pp.value = "z"}) -> (tensor<f32> {pp.value = "loss", pp.loss})
pp.stage 0 forward(@pipe0)
pp.stage 1 forward(@f1)
pp.stage 2 forward(@f2)
pp.stage 3 forward(@f3)
pp.schedule "zig-zag" microbatches(1) placement [0, 1, 0, 0] rows ["0F0,2F0,3F0,3B0,2B0,0B0", "1F0,1B0"]
// CHECK-LABEL: pp.schedule "zig-zag"
// CHECK: pp.program @pipe0_0 pipe(0) {
// CHECK-NEXT: %[[X:.*]] = pp.run F stage(0) mb(0) @pipe0()
// CHECK-NEXT: pp.isend %[[X]] channel(@p0_to_p1)
// CHECK-NEXT: %[[B:.*]], %[[T:.*]] = pp.irecv channel(@p1_to_p0) value("y") mb(0) tag(0)
// CHECK-NEXT: %[[Y:.*]] = pp.wait %[[T]], %[[B]]
// CHECK-NEXT: %[[Z:.*]] = pp.run F stage(2) mb(0) @f2(%[[Y]], %[[X]])
// CHECK-NEXT: %[[L:.*]] = pp.run F stage(3) mb(0) @f3(%[[Y]], %[[Z]])
// Stages without a backward function run none.
// CHECK-NOT: pp.run
// CHECK: pp.program @pipe1 pipe(1)

// -----

// Split backward: I hands its values to W by SSA, and the gradient leaves
// before W runs. Stage 0 has no input gradient: its I is empty.
pp.parameter @w : tensor<8xf32> init(#nn.zeros)
pp.parameter @v : tensor<8xf32> init(#nn.zeros)
func.func private @f0(tensor<8xf32> {pp.param = "w"}) -> (tensor<8xf32> {pp.value = "x"})
func.func private @f1(tensor<8xf32> {pp.value = "x"}, tensor<8xf32> {pp.param = "v"}) -> (tensor<f32> {pp.value = "loss", pp.loss})
func.func private @b1(tensor<8xf32> {pp.grad = "v", pp.use = 0 : i64}) -> (tensor<8xf32> {pp.value = "dx"}, tensor<8xf32> {pp.accumulates = 0 : i64})
func.func private @i1() -> (tensor<8xf32> {pp.value = "dx"}, tensor<4xf32> {pp.value = "cross"})
func.func private @w1(tensor<4xf32> {pp.value = "cross"}, tensor<8xf32> {pp.grad = "v", pp.use = 0 : i64}) -> (tensor<8xf32> {pp.accumulates = 1 : i64})
func.func private @b0(tensor<8xf32> {pp.value = "dx"}, tensor<8xf32> {pp.grad = "w", pp.use = 0 : i64}) -> (tensor<8xf32> {pp.accumulates = 1 : i64})
pp.stage 0 forward(@f0) backward(@b0) weight(@b0)
pp.stage 1 forward(@f1) backward(@b1) input(@i1) weight(@w1)
pp.schedule "split" microbatches(1) placement [0, 1] rows ["0F0,0I0,0W0", "1F0,1I0,1W0"]
// CHECK-LABEL: pp.schedule "split"
// CHECK: pp.program @pipe0 pipe(0) {
// CHECK: pp.run F stage(0)
// CHECK-NOT: pp.run I
// CHECK: %[[DX:.*]] = pp.wait
// CHECK-NEXT: pp.run W stage(0) mb(0) @b0(%[[DX]])
// CHECK: pp.program @pipe1 pipe(1) {
// CHECK: %[[I:.*]]:2 = pp.run I stage(1) mb(0) @i1()
// CHECK-NEXT: pp.isend %[[I]]#0 channel(@p1_to_p0) value("dx")
// CHECK-NEXT: pp.run W stage(1) mb(0) @w1(%[[I]]#1)

// -----

// Two values on one channel that are read in another order than produced: both
// are posted in the sender's order.
func.func private @f0() -> (tensor<8xf32> {pp.value = "a"}, tensor<4xf32> {pp.value = "b"})
func.func private @f1(tensor<4xf32> {pp.value = "b"}) -> (tensor<8xf32> {pp.value = "y"})
func.func private @f2(tensor<8xf32> {pp.value = "y"}, tensor<8xf32> {pp.value = "a"}) -> (tensor<f32> {pp.value = "loss", pp.loss})
pp.stage 0 forward(@f0)
pp.stage 1 forward(@f1)
pp.stage 2 forward(@f2)
pp.schedule "order" microbatches(1) placement [0, 1, 1] rows ["0F0,0B0", "1F0,2F0,2B0,1B0"]
// CHECK-LABEL: pp.schedule "order"
// CHECK: pp.program @pipe1 pipe(1) {
// CHECK-NEXT: %[[AB:.*]], %[[AT:.*]] = pp.irecv channel(@p0_to_p1) value("a") mb(0) tag(0) : tensor<8xf32>
// CHECK-NEXT: %[[BB:.*]], %[[BT:.*]] = pp.irecv channel(@p0_to_p1) value("b") mb(0) tag(1) : tensor<4xf32>
// CHECK-NEXT: %[[B:.*]] = pp.wait %[[BT]], %[[BB]]
// CHECK-NEXT: %[[Y:.*]] = pp.run F stage(1) mb(0) @f1(%[[B]])
// CHECK-NEXT: %[[A:.*]] = pp.wait %[[AT]], %[[AB]]
// CHECK-NEXT: pp.run F stage(2) mb(0) @f2(%[[Y]], %[[A]])
