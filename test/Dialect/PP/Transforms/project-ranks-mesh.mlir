// A model with a mesh of its own: what programs cannot do yet is refused, else
// ranks on other axes would train apart.
// RUN: split-file %s %t
// RUN: pp-opt %t/fits.mlir -pp-project-ranks | FileCheck %t/fits.mlir
// RUN: not pp-opt %t/pipe.mlir -pp-project-ranks 2>&1 | FileCheck %t/pipe.mlir
// RUN: not pp-opt %t/data.mlir -pp-project-ranks 2>&1 | FileCheck %t/data.mlir

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

//--- data.mlir
// CHECK: error: 'pp.mesh' op found 2 coordinates on the axis 'data', expected 1: programs do not reduce over it yet
pp.mesh @own <["pipe" = 1, "data" = 2]>
func.func private @f() -> (tensor<f32> {pp.value = "loss", pp.loss})
func.func private @b()
pp.stage 0 forward(@f) backward(@b)
pp.schedule "1f1b" microbatches(1) placement [0] rows ["0F0,0B0"]
