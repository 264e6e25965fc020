// A model with a mesh of its own: what programs cannot do yet is refused, else
// ranks on other axes would train apart.
// RUN: split-file %s %t
// RUN: pp-opt %t/fits.mlir -pp-project-ranks | FileCheck %t/fits.mlir
// RUN: not pp-opt %t/pipe.mlir -pp-project-ranks 2>&1 | FileCheck %t/pipe.mlir
// RUN: not pp-opt %t/fits.mlir -pp-add-mesh=replicas=4 2>&1 | FileCheck %s --check-prefix=REPLICAS
// RUN: not pp-opt %t/pieces.mlir -pp-add-mesh=replicas=4 2>&1 | FileCheck %s --check-prefix=OTHER
// RUN: not pp-opt %t/no-pipe.mlir -pp-project-ranks 2>&1 | FileCheck %t/no-pipe.mlir
// RUN: pp-opt %t/tensor.mlir -pp-add-mesh=replicas=3 -pp-project-ranks | FileCheck %t/tensor.mlir
// RUN: not pp-opt %t/data.mlir -pp-project-ranks 2>&1 | FileCheck %t/data.mlir
// RUN: not pp-opt %t/pieces.mlir -pp-project-ranks 2>&1 | FileCheck %t/pieces.mlir

// REPLICAS: error: 'pp.mesh' op found no axis 'data', expected one for the option's 4 replicas: add it with one coordinate, which becomes as many
// OTHER: error: 'pp.mesh' op found 2 replicas, expected the option's 4: leave the mesh to the options

//--- fits.mlir
// CHECK: pp.mesh @own <["tensor" = 1, "pipe" = 1]>
// CHECK-NOT: pp.mesh
pp.mesh @own <["tensor" = 1, "pipe" = 1]>
func.func private @f() -> (tensor<f32> {pp.value = "loss", pp.loss})
func.func private @b()
pp.stage 0 forward(@f) backward(@b)
pp.schedule "1f1b" microbatches(1) placement [0] rows ["0F0,0B0"]

//--- pipe.mlir
// CHECK: error: 'pp.mesh' op found 2 coordinates on the axis 'pipe', expected 1 as the schedule has rows
pp.mesh @own <["pipe" = 2]>
func.func private @f() -> (tensor<f32> {pp.value = "loss", pp.loss})
func.func private @b()
pp.stage 0 forward(@f) backward(@b)
pp.schedule "1f1b" microbatches(1) placement [0] rows ["0F0,0B0"]

//--- no-pipe.mlir
// CHECK: error: 'pp.mesh' op found no axis 'pipe', expected one of size 1 as the schedule has rows
pp.mesh @own <["tensor" = 1]>
func.func private @f() -> (tensor<f32> {pp.value = "loss", pp.loss})
func.func private @b()
pp.stage 0 forward(@f) backward(@b)
pp.schedule "1f1b" microbatches(1) placement [0] rows ["0F0,0B0"]

//--- tensor.mlir
// Axes of one coordinate get theirs from the options; another one stays.
// CHECK: pp.mesh @own <["pipe" = 2, "data" = 3, "tensor" = 2]> replicas("data")
// CHECK-COUNT-2: pp.program
pp.mesh @own <["pipe" = 1, "data" = 1, "tensor" = 2]>
func.func private @f0() -> (tensor<8xf32> {pp.value = "x"})
func.func private @b0(tensor<8xf32> {pp.value = "dx"})
func.func private @f1(tensor<8xf32> {pp.value = "x"}) -> (tensor<f32> {pp.value = "loss", pp.loss})
func.func private @b1() -> (tensor<8xf32> {pp.value = "dx"})
pp.stage 0 forward(@f0) backward(@b0)
pp.stage 1 forward(@f1) backward(@b1)
pp.schedule "1f1b" microbatches(1) placement [0, 1] rows ["0F0,0B0", "1F0,1B0"]

//--- data.mlir
// CHECK: error: 'pp.mesh' op found 2 coordinates on the axis 'data', on which each trains on its own samples, expected replicas("data"); run pp-add-mesh
pp.mesh @own <["pipe" = 1, "data" = 2]>
func.func private @f() -> (tensor<f32> {pp.value = "loss", pp.loss})
func.func private @b()
pp.stage 0 forward(@f) backward(@b)
pp.schedule "1f1b" microbatches(1) placement [0] rows ["0F0,0B0"]

//--- pieces.mlir
// CHECK: error: 'pp.parameter' op found a parameter without pieces in a plan of several replicas or groups, expected their size; run pp-add-optimizer
pp.mesh @own <["pipe" = 1, "data" = 2]> replicas("data")
pp.parameter @w : tensor<8xf32> init(#nn.zeros)
func.func private @f(tensor<8xf32> {pp.param = "w"}) -> (tensor<f32> {pp.value = "loss", pp.loss})
func.func private @b(tensor<8xf32> {pp.grad = "w", pp.use = 0 : i64}) -> (tensor<8xf32> {pp.accumulates = 0 : i64})
pp.stage 0 forward(@f) backward(@b)
pp.schedule "1f1b" microbatches(1) placement [0] rows ["0F0,0B0"]
