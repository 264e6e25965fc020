// Ranks share the head of a small model only if what is gathered before it is
// kept: made again in the backward, the gather costs more than to hold all of the
// embedding.
// RUN: pp-opt %examples/gpt.mlir -pp-shard="tensors=4 again=true" | FileCheck %s --check-prefix=AGAIN
// RUN: pp-opt %examples/gpt.mlir -pp-shard="tensors=4 again=false" | FileCheck %s --check-prefix=KEPT
// AGAIN: pp.param "wte.weight" : tensor<256x128xf32> init
// KEPT: pp.param "wte.weight" : tensor<256x128xf32> sharding(
