// A model with a mesh of its own: what programs cannot do yet is refused, else
// ranks on other axes would train apart.
// RUN: split-file %s %t
// RUN: pp-opt %t/fits.mlir -pp-project-ranks | FileCheck %t/fits.mlir
// RUN: not pp-opt %t/pipe.mlir -pp-project-ranks 2>&1 | FileCheck %t/pipe.mlir
// RUN: not pp-opt %t/fits.mlir -pp-add-mesh=replicas=4 2>&1 | FileCheck %s --check-prefix=REPLICAS
// RUN: not pp-opt %t/no-pipe.mlir -pp-project-ranks 2>&1 | FileCheck %t/no-pipe.mlir
// RUN: not pp-opt %t/tensor.mlir -pp-project-ranks 2>&1 | FileCheck %t/tensor.mlir
// RUN: not pp-opt %t/data.mlir -pp-project-ranks 2>&1 | FileCheck %t/data.mlir
// RUN: not pp-opt %t/pieces.mlir -pp-project-ranks 2>&1 | FileCheck %t/pieces.mlir

// REPLICAS: error: 'pp.mesh' op found 1 replicas, expected the option's 4: leave the mesh to the options

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
// CHECK: error: 'pp.mesh' op found 2 coordinates on the axis 'tensor', expected 1: programs do not reduce over it yet
pp.mesh @own <["pipe" = 1, "tensor" = 2]>
func.func private @f() -> (tensor<f32> {pp.value = "loss", pp.loss})
func.func private @b()
pp.stage 0 forward(@f) backward(@b)
pp.schedule "1f1b" microbatches(1) placement [0] rows ["0F0,0B0"]

//--- data.mlir
// CHECK: error: 'pp.mesh' op found 2 coordinates on the axis 'data', expected 1: programs do not reduce over it yet
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
