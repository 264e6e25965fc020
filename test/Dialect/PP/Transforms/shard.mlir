// RUN: pp-opt %examples/gpt.mlir -pp-shard=tensors=2 -pp-partition-shards=tensors=2 -comm-verify-distribution | FileCheck %s --check-prefix=GPT
// RUN: pp-opt %examples/gpt.mlir -pp-shard=tensors=2 -pp-partition-shards=tensors=2 -pp-partition -pp-differentiate -comm-verify-distribution | FileCheck %s --check-prefix=BACKWARD
// RUN: pp-opt %examples/gpt.mlir -pp-shard="tensors=2 sequence=off" -pp-partition-shards=tensors=2 -comm-verify-distribution | FileCheck %s --check-prefix=OFF
// RUN: sed 's/%x4 = pp.apply @block.*/& sharding(#pp.sharding<[{}, {}, {}]>)/' %examples/gpt.mlir > %t.whole.mlir
// RUN: pp-opt %t.whole.mlir -pp-shard=tensors=2 -pp-partition-shards=tensors=2 -comm-verify-distribution | FileCheck %s --check-prefixes=OFF,WHOLE
// RUN: pp-opt %t.whole.mlir -pp-shard="tensors=2 sequence=on" -pp-partition-shards=tensors=2 -comm-verify-distribution | FileCheck %s --check-prefixes=OFF,WHOLE
// RUN: sed 's/%x4 = pp.apply @block.*/& sharding(#pp.sharding<[{}, {"tensor"}, {}]>)/' %examples/gpt.mlir > %t.cut.mlir
// RUN: pp-opt %t.cut.mlir -pp-shard="tensors=2 sequence=off" -pp-partition-shards=tensors=2 -comm-verify-distribution | FileCheck %s --check-prefix=CUT
// RUN: %python %bench/make_model.py llama --layers=1 --width=64 --heads=8 --kv-heads=4 --hidden=96 --sequence=32 --batch=2 --vocabulary=96 > %t.llama.mlir
// RUN: pp-opt %t.llama.mlir -pp-shard=tensors=2 -pp-partition-shards=tensors=2 -comm-verify-distribution | FileCheck %s --check-prefix=LLAMA
// RUN: pp-opt %s -pp-shard=tensors=2 | FileCheck %s --check-prefix=PINS
// RUN: pp-opt %s -pp-shard=tensors=1 | FileCheck %s --check-prefix=NONE

// A block with parts of the sequence between its products, each pair of which
// begins with a gather and ends with a scatter. Queries, keys and values are cut
// by heads in each of the blocks of one matrix.
// GPT: pp.layer @block(%{{.*}}: tensor<4x64x128xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}
// GPT-SAME: tensor<128x192xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1, 3)}>}
// GPT-COUNT-1: comm.all_gather {{.*}} dim(1) again : tensor<4x64x128xf32> -> tensor<4x128x128xf32>
// GPT-COUNT-1: comm.reduce_scatter sum {{.*}} dim(1) : tensor<4x128x128xf32> -> tensor<4x64x128xf32>
// GPT-COUNT-1: comm.all_gather
// GPT-COUNT-1: comm.reduce_scatter
// GPT-NOT: comm.{{all|reduce}}
// GPT: pp.layer @head
// GPT: pp.param "h.0.attn.c_attn.weight" {{.*}} sharding(#pp.sharding<[{}, {"tensor"} blocks(3)]>)

// The adjoints, and one gather more for the weights behind each gather. Sums of
// what is held by all: four of the norms, two of the biases of the residual.
// BACKWARD: func.func private @block.forward
// BACKWARD-COUNT-2: comm.all_gather
// BACKWARD-NOT: comm.all_gather
// BACKWARD: func.func private @block.backward
// BACKWARD-COUNT-4: comm.all_gather
// BACKWARD-NOT: comm.all_gather
// BACKWARD: func.func private @head.forward

// Values between layers are whole.
// OFF: pp.layer @block(%{{[a-z0-9]*}}: tensor<4x128x128xf32>) params
// OFF: pp.yield {{.*}} : tensor<4x128x128xf32>
// OFF: pp.layer @head(%{{[a-z0-9]*}}: tensor<4x128x128xf32>,

// A pin of one apply holds for all values of its type, whatever the option says.
// It stands as what the layer has to declare.
// WHOLE: pp.apply @block{{.*}} sharding(#pp.sharding<[{}, {}, {}]>) :
// CUT: pp.layer @block(%{{.*}}: tensor<4x64x128xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}
// CUT: pp.yield {{.*}} : tensor<4x64x128xf32>
// CUT: pp.layer @head(%{{[a-z0-9]*}}: tensor<4x64x128xf32>
// CUT: pp.apply @block{{.*}} sharding(#pp.sharding<[{}, {"tensor"}, {}]>) : (tensor<4x64x128xf32>)

// Query heads with their key heads; the gate beside what it multiplies.
// LLAMA: pp.layer @block
// LLAMA: comm.all_gather
// LLAMA-NOT: comm.{{all|reduce}}
// LLAMA: nn.attention {{.*}} : (tensor<2x32x4x8xf32>, tensor<2x32x2x8xf32>, tensor<2x32x2x8xf32>)
// LLAMA-NOT: comm.{{all|reduce}}
// LLAMA: comm.reduce_scatter
// LLAMA-NOT: comm.{{all|reduce}}
// LLAMA: comm.all_gather
// LLAMA-NOT: comm.{{all|reduce}}
// LLAMA: comm.reduce_scatter
// LLAMA-NOT: comm.{{all|reduce}}
// LLAMA: pp.layer @head

// A pin against the cost, and one that keeps a parameter whole.
// PINS: pp.layer @mlp
// PINS-SAME: %[[A:[a-z0-9]*]]: tensor<64x256xf32> {pp.shard = #comm.distribution<{"tensor" = varying(0)}>}, %[[B:[a-z0-9]*]]: tensor<256x64xf32>)
// PINS: pp.param "a" : tensor<64x256xf32> sharding(#pp.sharding<[{"tensor"}, {}]>)
// PINS: pp.param "b" : tensor<256x64xf32> init
// One coordinate: nothing is chosen, and pins stay.
// NONE-NOT: pp.takes
// NONE: pp.param "b" : tensor<256x64xf32> sharding(#pp.sharding<[{}, {}]>)
pp.layer @mlp(%x: tensor<32x64xf32>) params(%a: tensor<64x256xf32>, %b: tensor<256x64xf32>) -> tensor<32x64xf32> {
  %h = nn.linear %x, %a : (tensor<32x64xf32>, tensor<64x256xf32>) -> tensor<32x256xf32>
  %r = nn.relu %h : (tensor<32x256xf32>) -> tensor<32x256xf32>
  %y = nn.linear %r, %b : (tensor<32x256xf32>, tensor<256x64xf32>) -> tensor<32x64xf32>
  pp.yield %y : tensor<32x64xf32>
}
pp.layer @loss(%x: tensor<32x64xf32>) -> tensor<f32> {
  %y = nn.reduce_sum %x axes = [0, 1] : (tensor<32x64xf32>) -> tensor<f32>
  pp.yield %y : tensor<f32>
}
pp.model @m(%x: tensor<32x64xf32> {pp.data = "x"}) -> tensor<f32> {
  %a = pp.param "a" : tensor<64x256xf32> sharding(#pp.sharding<[{"tensor"}, {}]>) init(#nn.ones)
  %b = pp.param "b" : tensor<256x64xf32> sharding(#pp.sharding<[{}, {}]>) init(#nn.ones)
  %y = pp.apply @mlp(%x) params(%a, %b) : (tensor<32x64xf32>) params(tensor<64x256xf32>, tensor<256x64xf32>) -> tensor<32x64xf32>
  %l = pp.apply @loss(%y) : (tensor<32x64xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}
