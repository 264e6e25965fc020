// RUN: not pp-opt %s -pp-annotate-times 2>&1 | FileCheck %s

// CHECK: error: 'pp.program' op found pipe coordinate 5, expected one of the 1 pipe coordinates of the schedule
func.func private @f0() -> (tensor<f32> {pp.value = "loss", pp.loss})
pp.stage 0 forward(@f0)
pp.schedule "s" microbatches(1) placement [0] rows ["0F0,0B0"]
pp.program @pipe5 pipe(5) {
  pp.return
}
