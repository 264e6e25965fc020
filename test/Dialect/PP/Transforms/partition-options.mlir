// RUN: not pp-opt %s -pp-partition="stages=0" 2>&1 | FileCheck %s --check-prefix=STAGES
// RUN: not pp-opt %s -pp-partition="microbatches=0" 2>&1 | FileCheck %s --check-prefix=MICROBATCHES
// RUN: not pp-opt %s -pp-partition="flops=0" 2>&1 | FileCheck %s --check-prefix=RATE
// RUN: not pp-opt %s -pp-partition="recompute=half" 2>&1 | FileCheck %s --check-prefix=RECOMPUTE

// STAGES: found stages=0, expected at least 1
// MICROBATCHES: found microbatches=0, expected at least 1
// RATE: found a machine rate that is not positive, expected flops and bandwidth above 0
// RECOMPUTE: found recompute=half, expected none or full
module {}
