// RUN: pp-opt %s -pp-lower-programs -split-input-file -verify-diagnostics

// expected-error@+1 {{found no pp.program, expected one for each pipe coordinate; run pp-project-ranks and pp-plan-memory first}}
module @empty {}

// -----

module @gap {
  // expected-error@+1 {{found pipe coordinate 1, expected 0: one program for each coordinate from 0 to 0}}
  pp.program @pipe1 pipe(1) {
    pp.return
  }
}

// -----

// A program without a memory plan.
module @unplanned {
  func.func private @stage0.forward() -> (tensor<f32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
  pp.program @pipe0 pipe(0) {
    // expected-error@+1 {{found no offset of its result 0 in pp.offsets, expected one; run pp-plan-memory}}
    %y = pp.run F stage(0) mb(0) @stage0.forward() : () -> tensor<f32>
    pp.return
  }
}

// -----

module @nothing {
  pp.input @tokens : tensor<4xi32>
  pp.schedule "1f1b" microbatches(1) placement [0] rows ["0F0"]
  // expected-error@+1 {{found no pp.memory with the size of the arena, expected one; run pp-plan-memory}}
  pp.program @pipe0 pipe(0) {
    pp.return
  }
}

// -----

// A plan that another program was made for.
module @overlap {
  func.func private @stage0.forward() -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
  pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 64 : i64}} {
    // expected-error@+1 {{found its result 0 at [0, 128), expected it inside the arena of 64 bytes}}
    %y = pp.run F stage(0) mb(0) @stage0.forward() {pp.offsets = array<i64: 0>} : () -> tensor<32xf32>
    pp.return
  }
}

// -----

module @f64 {
  func.func private @stage0.forward() -> (tensor<f64> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
  pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 64 : i64}} {
    %y = pp.run F stage(0) mb(0) @stage0.forward() {pp.offsets = array<i64: 0>} : () -> tensor<f64>
    // expected-error@+1 {{found 'tensor<f64>', expected elements of f32: the runtime sums losses and gradients and updates parameters in f32; cast in the layer}}
    pp.loss %y mb(0) : tensor<f64>
    pp.return
  }
}

// -----

// expected-error@+1 {{found no pp.schedule, expected one; run pp-schedule}}
module @unscheduled {
  func.func private @conclude() attributes {pp.role = "conclude"}
  pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 64 : i64}} {
    pp.all_reduce_report
    pp.return
  }
}

// -----

module @data {
  // expected-error@+1 {{found type 'tensor<4xf32>', expected tensor<BxTxi32> or tensor<Txi32>: the data of a program are rows of tokens}}
  pp.input @tokens : tensor<4xf32>
  pp.schedule "1f1b" microbatches(1) placement [0] rows ["0F0"]
  func.func private @conclude() attributes {pp.role = "conclude"}
  pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 64 : i64}} {
    pp.all_reduce_report
    pp.return
  }
}

// -----

module @unused {
  pp.input @tokens : tensor<4xi32>
  // expected-error@+1 {{found no program that updates it, expected one; a parameter must take part in the loss, remove it or use it}}
  pp.parameter @w : tensor<4xf32> init(#nn.zeros)
  pp.schedule "1f1b" microbatches(1) placement [0] rows ["0F0"]
  func.func private @conclude() attributes {pp.role = "conclude"}
  pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 64 : i64}} {
    pp.all_reduce_report
    pp.return
  }
}

// -----

module @wide {
  pp.input @tokens : tensor<4xi32>
  // expected-error@+1 {{found type 'tensor<4xf64>', expected elements of f32, in which the runtime keeps parameters, or bf16 with a master in f32; cast in the layer}}
  pp.parameter @w : tensor<4xf64> init(#nn.zeros)
  pp.schedule "1f1b" microbatches(1) placement [0] rows ["0F0"]
  func.func private @conclude() attributes {pp.role = "conclude"}
  pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 64 : i64}} {
    pp.all_reduce_report
    pp.return
  }
}

// -----

module @labels {
  // expected-error@+1 {{found data 'labels', expected 'tokens', 'targets' or 'documents': set pp.data to one of them}}
  pp.input @labels : tensor<4xi32>
  pp.schedule "1f1b" microbatches(1) placement [0] rows ["0F0"]
  func.func private @conclude() attributes {pp.role = "conclude"}
  pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 64 : i64}} {
    pp.all_reduce_report
    pp.return
  }
}

// -----

module @shapes {
  pp.input @tokens : tensor<2x4xi32>
  // expected-error@+1 {{found type 'tensor<2x5xi32>', expected 'tensor<2x4xi32>', that of the other input: targets are the tokens shifted by one; slice them in the layer}}
  pp.input @targets : tensor<2x5xi32>
  pp.schedule "1f1b" microbatches(1) placement [0] rows ["0F0"]
  func.func private @conclude() attributes {pp.role = "conclude"}
  pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 64 : i64}} {
    pp.all_reduce_report
    pp.return
  }
}

// -----

// Functions of the end of a step.
module @ends {
  pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 64 : i64}} {
    // expected-error@+1 {{found no function that concludes a step, expected one of the module; run pp-add-optimizer}}
    pp.all_reduce_report
    pp.return
  }
}

// -----

module @norms {
  pp.parameter @w : tensor<16xf32> init(#nn.zeros)
  pp.program @pipe0 pipe(0) attributes {pp.gradients = {w = array<i64: 0>}, pp.memory = {arena = 64 : i64}} {
    pp.zero_gradient @w use(0)
    %g = pp.load_gradient @w use(0) : tensor<16xf32>
    // expected-error@+1 {{found no function that sums the squares of gradients, expected one of the module; run pp-add-optimizer}}
    pp.grad_norm @w, %g : tensor<16xf32>
    pp.return
  }
}

// -----

module @sums {
  pp.parameter @w : tensor<16xf32> init(#nn.zeros)
  pp.program @pipe0 pipe(0) attributes {pp.gradients = {w = array<i64: 0, 64>}, pp.memory = {arena = 128 : i64}} {
    pp.zero_gradient @w use(0)
    pp.zero_gradient @w use(1)
    %g0 = pp.load_gradient @w use(0) : tensor<16xf32>
    %g1 = pp.load_gradient @w use(1) : tensor<16xf32>
    // expected-error@+1 {{found no function that adds gradients, expected one of the module; run pp-add-optimizer}}
    %g = pp.reduce_gradients @w(%g0, %g1) : tensor<16xf32>
    pp.return
  }
}

// -----

module @updates {
  pp.parameter @w : tensor<16xf32> init(#nn.zeros)
  pp.optimizer "sgd" states []
  pp.program @pipe0 pipe(0) attributes {pp.gradients = {w = array<i64: 0>}, pp.memory = {arena = 128 : i64}, pp.parameters = {w = 64 : i64}} {
    pp.zero_gradient @w use(0)
    %g = pp.load_gradient @w use(0) : tensor<16xf32>
    // expected-error@+1 {{found no function that updates the parameter, expected one of the module; run pp-add-optimizer}}
    pp.update @w, %g : tensor<16xf32>
    pp.return
  }
}
