// RUN: not pp-opt %s -pp-add-optimizer=optimizers=adam 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not pp-opt %s -pp-add-optimizer=optimizers=sgd,sgd 2>&1 | FileCheck %s --check-prefix=TWICE
// RUN: not pp-opt %s -pp-add-optimizer 2>&1 | FileCheck %s --check-prefix=SCHEDULE
// NAME: error: found optimizers=adam, expected adamw, sgd or lion
// TWICE: error: found optimizers=sgd twice, expected it once
// SCHEDULE: error: found no pp.schedule, expected one, which says how many losses a step has; run pp-schedule
pp.parameter @w : tensor<8xf32> init(#nn.zeros)
