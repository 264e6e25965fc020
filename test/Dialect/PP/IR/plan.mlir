// RUN: pp-opt %s | pp-opt | FileCheck %s
// RUN: pp-opt %s --mlir-print-op-generic | pp-opt | FileCheck %s

// CHECK: pp.input @tokens : tensor<4xi32>
pp.input @tokens : tensor<4xi32>
// CHECK: pp.input @rows : tensor<4xi32> distribution(#comm.distribution<{"data" = varying(0)}>)
pp.input @rows : tensor<4xi32> distribution(#comm.distribution<{"data" = varying(0)}>)
// CHECK: pp.parameter @head : tensor<8x8xf32> sharding(#pp.sharding<[{"tensor"}, {}]>) init(#nn.zeros)
pp.parameter @head : tensor<8x8xf32> sharding(#pp.sharding<[{"tensor"}, {}]>) init(#nn.zeros)
// CHECK: pp.parameter @qkv : tensor<8x24xf32> sharding(#pp.sharding<[{}, {"tensor"} blocks(3)]>) init(#nn.zeros)
pp.parameter @qkv : tensor<8x24xf32> sharding(#pp.sharding<[{}, {"tensor"} blocks(3)]>) init(#nn.zeros)
// CHECK: pp.parameter @h.0.weight : tensor<8x8xf32> init(#nn.normal<{{.*}}>) {decay = false}
pp.parameter @h.0.weight : tensor<8x8xf32> init(#nn.normal<std = 0.02>) {decay = false}

func.func private @forward(
    tensor<4xi32> {pp.data = "tokens"}, tensor<8x8xf32> {pp.param = "h.0.weight"}, i64 {pp.key})
    -> (tensor<f32> {pp.value = "loss", pp.loss}, tensor<4x8xf32> {pp.value = "r"})
func.func private @backward(
    tensor<4x8xf32> {pp.value = "r"}, tensor<8x8xf32> {pp.grad = "h.0.weight", pp.use = 0 : i64})
    -> (tensor<8x8xf32> {pp.accumulates = 1 : i64, pp.grad = "param"})

// CHECK: pp.stage 0 forward(@forward) backward(@backward) weight(@backward) {applies = ["a", "b"]}
pp.stage 0 forward(@forward) backward(@backward) weight(@backward) {applies = ["a", "b"]}
// A stage may have nothing to do backwards.
// CHECK: pp.stage 1 forward(@forward)
pp.stage 1 forward(@forward)
// CHECK: pp.schedule "gpipe" microbatches(2) placement [0, 0] rows ["0F0,1F0"]
pp.schedule "gpipe" microbatches(2) placement [0, 0] rows ["0F0,1F0"]

// CHECK: pp.optimizer "adamw" states ["m", "v"]
pp.optimizer "adamw" states ["m", "v"]
// CHECK: pp.optimizer "sgd" states []
pp.optimizer "sgd" states []
// CHECK: pp.state @h.0.weight.m "m" of @h.0.weight : tensor<8x8xf32> init(#nn.zeros)
pp.state @h.0.weight.m "m" of @h.0.weight : tensor<8x8xf32> init(#nn.zeros)
pp.parameter @narrow : tensor<8xbf16> init(#nn.ones)
// CHECK: pp.state @narrow.master "master" of @narrow : tensor<8xf32>{{$}}
pp.state @narrow.master "master" of @narrow : tensor<8xf32>
