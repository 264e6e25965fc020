#!/usr/bin/env python3
"""Gradients through masks that one kernel writes and others read: a step of a
program for GPUs, on the emulated device, moves all weights as that of the program for
CPUs does."""

import json
import pathlib
import struct

from harness import check, compile_model, must, run, start, write_text

ROWS = 256

MODEL = """
pp.layer @embed(%t: tensor<{b}x{t}xi32>) params(%w: tensor<{v}x{d}xf32>) -> tensor<{b}x{t}x{d}xf32> {{
  %y = nn.embedding %t, %w : (tensor<{b}x{t}xi32>, tensor<{v}x{d}xf32>) -> tensor<{b}x{t}x{d}xf32>
  pp.yield %y : tensor<{b}x{t}x{d}xf32>
}}
pp.layer @norm(%x: tensor<{b}x{t}x{d}xf32>) params(%g: tensor<{d}xf32>, %s: tensor<{d}xf32>) -> (tensor<{b}x{t}x{d}xf32>, tensor<{b}x{t}x{d}xi1>) {{
  %n = nn.layer_norm %x, %g, %s {{eps = 0.1}} : (tensor<{b}x{t}x{d}xf32>, tensor<{d}xf32>, tensor<{d}xf32>) -> tensor<{b}x{t}x{d}xf32>
  %half = arith.constant dense<0.5> : tensor<{b}x{t}x{d}xf32>
  %c = arith.cmpf ogt, %x, %half : tensor<{b}x{t}x{d}xf32>
  %z = arith.select %c, %x, %n : tensor<{b}x{t}x{d}xi1>, tensor<{b}x{t}x{d}xf32>
  %m = nn.reduce_mean %x axes = [2] {{keepdims}} : (tensor<{b}x{t}x{d}xf32>) -> tensor<{b}x{t}x1xf32>
  %w = nn.broadcast %m : (tensor<{b}x{t}x1xf32>) -> tensor<{b}x{t}x{d}xf32>
  %a = nn.add %w, %z : (tensor<{b}x{t}x{d}xf32>, tensor<{b}x{t}x{d}xf32>) -> tensor<{b}x{t}x{d}xf32>
  %y = math.tanh %a : tensor<{b}x{t}x{d}xf32>
  pp.yield %y, %c : tensor<{b}x{t}x{d}xf32>, tensor<{b}x{t}x{d}xi1>
}}
// The mask of another layer, maybe of another rank.
pp.layer @mix(%x: tensor<{b}x{t}x{d}xf32>, %c: tensor<{b}x{t}x{d}xi1>) params(%g: tensor<{d}xf32>) -> tensor<{b}x{t}x{d}xf32> {{
  %p = nn.mul %x, %g : (tensor<{b}x{t}x{d}xf32>, tensor<{d}xf32>) -> tensor<{b}x{t}x{d}xf32>
  %e = math.exp %p : tensor<{b}x{t}x{d}xf32>
  %y = arith.select %c, %e, %x : tensor<{b}x{t}x{d}xi1>, tensor<{b}x{t}x{d}xf32>
  pp.yield %y : tensor<{b}x{t}x{d}xf32>
}}
pp.layer @head(%x: tensor<{b}x{t}x{d}xf32>, %t: tensor<{b}x{t}xi32>) params(%w: tensor<{v}x{d}xf32>) -> tensor<f32> {{
  %l = nn.linear %x, %w {{transposed}} : (tensor<{b}x{t}x{d}xf32>, tensor<{v}x{d}xf32>) -> tensor<{b}x{t}x{v}xf32>
  %loss, %lse = nn.cross_entropy %l, %t : (tensor<{b}x{t}x{v}xf32>, tensor<{b}x{t}xi32>) -> (tensor<f32>, tensor<{b}x{t}xf32>)
  pp.yield %loss : tensor<f32>
}}
pp.model @m(%tokens: tensor<{b}x{t}xi32>, %targets: tensor<{b}x{t}xi32>) -> tensor<f32> {{
  %e = pp.param "e" : tensor<{v}x{d}xf32> init(#nn.normal<std = 0.5>)
  %f = pp.param "f" : tensor<{v}x{d}xf32> init(#nn.normal<std = 0.5>)
  %g = pp.param "g" : tensor<{d}xf32> init(#nn.ones)
  %s = pp.param "s" : tensor<{d}xf32> init(#nn.ones)
  %h = pp.param "h" : tensor<{d}xf32> init(#nn.ones)
  %x = pp.apply @embed(%tokens) params(%e) : (tensor<{b}x{t}xi32>) params(tensor<{v}x{d}xf32>) -> tensor<{b}x{t}x{d}xf32>
  %y, %c = pp.apply @norm(%x) params(%g, %s) : (tensor<{b}x{t}x{d}xf32>) params(tensor<{d}xf32>, tensor<{d}xf32>) -> (tensor<{b}x{t}x{d}xf32>, tensor<{b}x{t}x{d}xi1>)
  %z = pp.apply @mix(%y, %c) params(%h) : (tensor<{b}x{t}x{d}xf32>, tensor<{b}x{t}x{d}xi1>) params(tensor<{d}xf32>) -> tensor<{b}x{t}x{d}xf32>
  %l = pp.apply @head(%z, %targets) params(%f) : (tensor<{b}x{t}x{d}xf32>, tensor<{b}x{t}xi32>) params(tensor<{v}x{d}xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}}
"""


def weights(label):
    data = pathlib.Path(label, "model.safetensors").read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    values = data[8 + size:]
    return json.loads(data[8:8 + size]), struct.unpack(f"<{len(values) // 4}f", values)


def step(program, ranks, label, *options):
    """The weights after one step of plain gradient descent."""
    must(run(program, ranks, "--data", "text", "--steps", 1, "--optimizer", "sgd", "--lr", 1,
             "--min-lr", 1, "--warmup", 0, "--clip", 0, "--weight-decay", 0, "--seed", 3,
             "--save", label, "--quiet", *options))
    return weights(label)


def main():
    start()
    write_text("text")
    # 48 elements, and sizes that no vector divides.
    for batch, length, width in [(3, 2, 8), (3, 2, 7), (1, 3, 33), (1, 5, 1)]:
        name = f"{batch}x{length}x{width}"
        pathlib.Path(f"{name}.mlir").write_text(
            MODEL.format(b=batch, t=length, d=width, v=ROWS))
        cpu = compile_model(f"{name}.mlir", f"{name}-cpu.exe", "--microbatches=3")
        header, expected = step(cpu, 1, f"{name}-cpu")
        for ranks in (1, 2):
            gpu = compile_model(f"{name}.mlir", f"{name}-{ranks}.exe", f"--pp={ranks}",
                                "--microbatches=3", "--target=cuda", "--emulate-device")
            names, found = step(gpu, ranks, f"{name}-{ranks}", "--device", "emulated")
            check(names == header, f"{name}: other weights")
            error = max(abs(a - b) for a, b in zip(expected, found))
            print(f"{name} on {ranks}: weights differ by {error:.2g}", flush=True)
            check(error < 1e-6, f"{name}: weights differ by {error} on {ranks} ranks")


main()
