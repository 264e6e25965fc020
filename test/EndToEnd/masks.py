#!/usr/bin/env python3
"""Gradients through masks that one kernel writes and others read: a step of a
program for GPUs, on the emulated device, moves all weights as that of the program for
CPUs does. And masks of parts: a transformer whose dropouts are cut over the axis
"tensor" drops what the whole one drops, so that it trains as that does."""

import json
import pathlib
import struct

from harness import check, compile_model, must, read_metrics, run, start, write_text

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

# Dropout behind the embedding, between the products of the perceptron, where it is cut
# along features, and behind both pairs of products, where it is cut as the stream is.
GPT = """
!ids = tensor<2x12xi32>
!x = tensor<2x12x24xf32>
!wide = tensor<2x12x{f}xf32>
!heads = tensor<2x12x4x6xf32>
!rows = tensor<2x12xf32>
pp.layer @embed(%t: !ids) params(%w: tensor<{v}x24xf32>, %p: tensor<12x24xf32>) -> !x {{
  %e = nn.embedding %t, %w : (!ids, tensor<{v}x24xf32>) -> !x
  %s = nn.add %e, %p : (!x, tensor<12x24xf32>) -> !x
  %y = nn.dropout %s {{p = 0.1, site = 0 : i64}} : (!x) -> !x
  pp.yield %y : !x
}}
pp.layer @block(%x: !x)
    params(%g1: tensor<24xf32>, %b1: tensor<24xf32>, %wa: tensor<24x72xf32>, %ba: tensor<72xf32>,
           %wo: tensor<24x24xf32>, %bo: tensor<24xf32>, %g2: tensor<24xf32>, %b2: tensor<24xf32>,
           %w1: tensor<24x{f}xf32>, %c1: tensor<{f}xf32>, %w2: tensor<{f}x24xf32>,
           %c2: tensor<24xf32>) -> !x {{
  %n = nn.layer_norm %x, %g1, %b1 : (!x, tensor<24xf32>, tensor<24xf32>) -> !x
  %a = nn.linear %n, %wa, %ba : (!x, tensor<24x72xf32>, tensor<72xf32>) -> tensor<2x12x72xf32>
  %q0, %k0, %v0 = nn.split %a sizes = [24, 24, 24] {{axis = 2 : i64}} : (tensor<2x12x72xf32>) -> (!x, !x, !x)
  %q = nn.reshape %q0 : (!x) -> !heads
  %k = nn.reshape %k0 : (!x) -> !heads
  %v = nn.reshape %v0 : (!x) -> !heads
  %h, %lse = nn.attention %q, %k, %v {{causal}} : (!heads, !heads, !heads) -> (!heads, tensor<2x4x12xf32>)
  %r = nn.reshape %h : (!heads) -> !x
  %o = nn.linear %r, %wo, %bo : (!x, tensor<24x24xf32>, tensor<24xf32>) -> !x
  %od = nn.dropout %o {{p = 0.2, site = 1 : i64}} : (!x) -> !x
  %x1 = nn.add %x, %od : (!x, !x) -> !x
  %m = nn.layer_norm %x1, %g2, %b2 : (!x, tensor<24xf32>, tensor<24xf32>) -> !x
  %f = nn.linear %m, %w1, %c1 : (!x, tensor<24x{f}xf32>, tensor<{f}xf32>) -> !wide
  %fa = nn.gelu %f {{approximate = "tanh"}} : (!wide) -> !wide
  %fd = nn.dropout %fa {{p = 0.3, site = 2 : i64}} : (!wide) -> !wide
  %p = nn.linear %fd, %w2, %c2 : (!wide, tensor<{f}x24xf32>, tensor<24xf32>) -> !x
  %pd = nn.dropout %p {{p = 0.2, site = 3 : i64}} : (!x) -> !x
  %y = nn.add %x1, %pd : (!x, !x) -> !x
  pp.yield %y : !x
}}
pp.layer @head(%x: !x, %t: !ids) params(%w: tensor<{v}x24xf32>) -> tensor<f32> {{
  %l = nn.linear %x, %w {{transposed}} : (!x, tensor<{v}x24xf32>) -> tensor<2x12x{v}xf32>
  %loss, %lse = nn.cross_entropy %l, %t : (tensor<2x12x{v}xf32>, !ids) -> (tensor<f32>, !rows)
  pp.yield %loss : tensor<f32>
}}
pp.model @gpt(%tokens: !ids, %targets: !ids) -> tensor<f32> {{
  %w = pp.param "w" : tensor<{v}x24xf32> init(#nn.normal<std = 0.1>)
  %p = pp.param "p" : tensor<12x24xf32> init(#nn.normal<std = 0.1>)
  %x0 = pp.apply @embed(%tokens) params(%w, %p) : (!ids) params(tensor<{v}x24xf32>, tensor<12x24xf32>) -> !x
{blocks}  %loss = pp.apply @head(%x2, %targets) params(%w) : (!x, !ids) params(tensor<{v}x24xf32>) -> tensor<f32>
  pp.return %loss : tensor<f32>
}}
"""


def gpt(hidden):
    """The text of a model of two blocks, with `hidden` features between the products."""
    shapes = [("g1", "24", "ones"), ("b1", "24", "zeros"), ("wa", "24x72", None),
              ("ba", "72", "zeros"), ("wo", "24x24", None), ("bo", "24", "zeros"),
              ("g2", "24", "ones"), ("b2", "24", "zeros"), ("w1", f"24x{hidden}", None),
              ("c1", f"{hidden}", "zeros"), ("w2", f"{hidden}x24", None), ("c2", "24", "zeros")]
    types = ", ".join(f"tensor<{shape}xf32>" for _, shape, _ in shapes)
    blocks = ""
    for block in range(2):
        for name, shape, init in shapes:
            blocks += (f'  %{name}_{block} = pp.param "{block}.{name}" : tensor<{shape}xf32> '
                       f"init(#nn.{init or 'normal<std = 0.1>'})\n")
        names = ", ".join(f"%{name}_{block}" for name, _, _ in shapes)
        blocks += (f"  %x{block + 1} = pp.apply @block(%x{block}) params({names}) : (!x) "
                   f"params({types}) -> !x\n")
    return GPT.format(f=hidden, v=ROWS, blocks=blocks)


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


def losses(program, ranks, label, *options, seed=3):
    must(run(program, ranks, "--data", "text", "--steps", 6, "--lr", "0.01", "--seed", seed,
             "--metrics", f"{label}.jsonl", "--quiet", *options))
    return [step["loss"] for step in read_metrics(f"{label}.jsonl")]


def check_parts():
    """On one device, and cut in two; 90 / 2 features begin within a draw of four."""
    device = ["--target=cuda", "--emulate-device"]
    for hidden in (96, 90):
        path = pathlib.Path(f"gpt-{hidden}.mlir")
        path.write_text(gpt(hidden))
        whole = compile_model(path, f"{path.stem}.exe", "--microbatches=2")
        expected = losses(whole, 1, path.stem)
        check(len(expected) == 6 and losses(whole, 1, "other", seed=4) != expected,
              "losses are missing, or do not depend on the seed")
        for sequence, *options in [("off",), ("on",), ("on", *device)]:
            label = f"{path.stem}-{sequence}{len(options)}"
            parts = compile_model(path, f"{label}.exe", "--tp=2", "--microbatches=2",
                                  f"--sequence-parallel={sequence}", *options)
            found = losses(parts, 2, label, *(["--device", "emulated"] if options else []))
            error = max(abs(a - b) for a, b in zip(expected, found, strict=True))
            print(f"{label}: losses differ by {error:.2g}", flush=True)
            check(error < 1e-5, f"{label}: found losses {found}, expected {expected}")


def main():
    start()
    write_text("text")
    check_parts()
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
