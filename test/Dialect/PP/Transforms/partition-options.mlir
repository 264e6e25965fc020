// RUN: not pp-opt %s -pp-partition="stages=0" 2>&1 | FileCheck %s --check-prefix=STAGES
// RUN: not pp-opt %s -pp-partition="microbatches=0" 2>&1 | FileCheck %s --check-prefix=MICROBATCHES
// RUN: not pp-opt %s -pp-partition="flops=0" 2>&1 | FileCheck %s --check-prefix=RATE
// RUN: not pp-opt %s -pp-partition="latency=-1" 2>&1 | FileCheck %s --check-prefix=LATENCY
// RUN: not pp-opt %s -pp-partition="stages=4294967298" 2>&1 | FileCheck %s --check-prefix=WRAPPED
// RUN: not pp-opt %s -pp-partition="virtual=4294967298" 2>&1 | FileCheck %s --check-prefix=VIRTUAL
// RUN: not pp-opt %s -pp-partition="recompute=half" 2>&1 | FileCheck %s --check-prefix=RECOMPUTE

// STAGES: found stages=0, expected 1 to 1048576
// MICROBATCHES: found microbatches=0, expected 1 to 1048576
// RATE: found flops=0.000000e+00, expected a rate from 1 to 1e30 a second
// LATENCY: found latency=-1.000000e+00, expected seconds from 0 to 1e6
// WRAPPED: found stages=4294967298, expected 1 to 1048576
// VIRTUAL: found virtual=4294967298, expected 0 to 65536
// RECOMPUTE: found recompute=half, expected none or full
module {}
