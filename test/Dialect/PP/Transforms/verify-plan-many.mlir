// RUN: not pp-opt %s --pp-verify-plan 2>&1 | FileCheck %s

// A schedule that is cut off lacks an action for each micro-batch behind it.
// CHECK-COUNT-100: error: missing
// CHECK-NOT: error: missing
// CHECK: error: found 65434 more problems like these
// CHECK-NOT: error

func.func private @f() -> (tensor<f32> {pp.value = "loss", pp.loss})
pp.stage 0 forward(@f)
pp.schedule "gpipe" microbatches(32768) placement [0] rows ["0F0,0B0"]
