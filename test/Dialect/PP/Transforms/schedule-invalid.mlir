// RUN: not pp-opt %s -pp-schedule="schedule=fast" 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not pp-opt %s -pp-schedule="schedule=zb-v virtual=3" 2>&1 | FileCheck %s --check-prefix=SEVERAL
// RUN: not pp-opt %s -pp-schedule="microbatches=0" 2>&1 | FileCheck %s --check-prefix=MICROBATCHES
// RUN: not pp-opt %s -pp-schedule="schedule=%t.none" 2>&1 | FileCheck %s --check-prefix=FILE
// RUN: echo "0F0,0B0" > %t.csv
// RUN: not pp-opt %s -pp-schedule="schedule=%t.csv" 2>&1 | FileCheck %s --check-prefix=STAGES
// RUN: echo "module {}" | not pp-opt -pp-schedule 2>&1 | FileCheck %s --check-prefix=PLAN

// NAME: error: {{.*}}fast{{.*}}gpipe{{.*}}1f1b
// SEVERAL: error: found 2 stages and 3 of them a rank with 'zb-v', expected a multiple of that
// MICROBATCHES: error: {{.*}}micro-batches
// FILE: error: found schedule '{{.*}}.none', which is no name and no file (No such file or directory), expected a CSV file or one of {{.*}}, 1f1b,
// STAGES: error: found a schedule for 1 stages, expected the 2 stages of the plan
// PLAN: error: found no pp.stage, expected a plan: run pp-differentiate on a model first
func.func private @f0() -> (tensor<8xf32> {pp.value = "x"})
func.func private @f1(tensor<8xf32> {pp.value = "x"}) -> (tensor<f32> {pp.value = "loss", pp.loss})
pp.stage 0 forward(@f0)
pp.stage 1 forward(@f1)
