// RUN: pp-opt %s -pp-annotate-times="flops=1e30 bandwidth=1e30 transfer=1000" | FileCheck %s
// RUN: pp-opt %s -pp-annotate-times="flops=1e30 bandwidth=100 transfer=1000" | FileCheck %s --check-prefix=MEMORY
// RUN: pp-opt %s -pp-annotate-times="flops=1e30 bandwidth=1e30 transfer=1000" | FileCheck %s --check-prefix=NONE --implicit-check-not=pp.layer_collectives
// RUN: pp-opt %s -pp-annotate-times="flops=1e30 bandwidth=1e30 transfer=1000 latency=1" | FileCheck %s --check-prefix=LATENCY

// Each message takes a second more: three of a gather, three of a scatter, six of
// an all-reduce.
// LATENCY: forward_collectives = array<f64: 4.{{2|19999}}{{[0-9]*}}{{(e\+00)?}}, 0.000000e+00>
// LATENCY: seconds = 8.{{4|39999}}{{[0-9]*}}{{(e\+00)?}} : f64}
// LATENCY-SAME: seconds = 6.{{6|59999}}{{[0-9]*}}{{(e\+00)?}} : f64}

// Four ranks of a group send 1000 bytes a second. Forward gathers parts of 400
// bytes: three messages of 400 bytes, 1.2 s. Backward scatters sums of 1600
// bytes in as many, and the all-reduce of 400 bytes has six messages of 100
// bytes, 0.6 s. Memory of 100 bytes a second takes longer than the wire: 20 s to
// read 400 bytes and write 1600, 20 s the other way round, 8 s.
// CHECK: pp.schedule
// CHECK-SAME: pp.times = {forward = array<f64: 1.2{{[0-9]*}}{{(e\+00)?}}, 0.000000e+00>
// CHECK-SAME: forward_collectives = array<f64: 1.2{{[0-9]*}}{{(e\+00)?}}, 0.000000e+00>
// CHECK: pp.program @pipe0
// CHECK-SAME: pp.layer_collectives = [{axes = ["tensor"], bytes = 2400 : i64, count = 2 : i64, layer = "block", ranks = 4 : i64, seconds = 2.4{{[^}]*}} : f64}, {axes = ["tensor"], bytes = 600 : i64, count = 1 : i64, layer = "norm", ranks = 4 : i64, seconds = 0.6{{[^}]*}} : f64}]
// CHECK-SAME: busy = 6.000000{{[0-9]*}}{{(e\+00)?}} : f64, makespan = 6.000000
// MEMORY: seconds = 4.000000e+01 : f64
// MEMORY-SAME: seconds = 8.000000e+00 : f64
// NONE: pp.layer_collectives
// NONE: pp.program @pipe1
module attributes {pp.layers = [{layer = "block", flops = 0 : i64}, {layer = "norm", flops = 0 : i64}]} {
  pp.mesh @mesh <["pipe" = 2, "data" = 1, "tensor" = 4]> replicas("data")
  func.func private @block(%x: tensor<100xf32>) -> tensor<400xf32> {
    %y = comm.all_gather %x over ["tensor"] dim(0) : tensor<100xf32> -> tensor<400xf32>
    return %y : tensor<400xf32>
  }
  func.func private @block.backward(%x: tensor<400xf32>) -> tensor<100xf32> {
    %y = comm.reduce_scatter sum %x over ["tensor"] dim(0) : tensor<400xf32> -> tensor<100xf32>
    return %y : tensor<100xf32>
  }
  func.func private @norm.backward(%x: tensor<100xf32>) -> tensor<100xf32> {
    %y = comm.all_reduce sum %x over ["tensor"] : tensor<100xf32>
    return %y : tensor<100xf32>
  }
  func.func private @stage0.forward(%w: tensor<100xf32> {pp.param = "w"}) -> (tensor<400xf32> {pp.value = "y"}) {
    %y = func.call @block(%w) {pp.part = "0F"} : (tensor<100xf32>) -> tensor<400xf32>
    return %y : tensor<400xf32>
  }
  func.func private @stage0.backward(%y: tensor<400xf32> {pp.value = "y"}) -> (tensor<100xf32> {pp.value = "dw"}) {
    %d = func.call @block.backward(%y) {pp.part = "0B"} : (tensor<400xf32>) -> tensor<100xf32>
    %e = func.call @norm.backward(%d) {pp.part = "1B"} : (tensor<100xf32>) -> tensor<100xf32>
    return %e : tensor<100xf32>
  }
  func.func private @stage1.forward()
  func.func private @stage1.backward()
  pp.parameter @w : tensor<100xf32> init(#nn.zeros)
  pp.stage 0 forward(@stage0.forward) backward(@stage0.backward)
  pp.stage 1 forward(@stage1.forward) backward(@stage1.backward)
  pp.schedule "1f1b" microbatches(2) placement [0, 1] rows ["0F0,0F1,0B0,0B1", "1F0,1B0,1F1,1B1"]
  pp.program @pipe0 pipe(0) {
    pp.return
  }
  pp.program @pipe1 pipe(1) {
    pp.return
  }
}
