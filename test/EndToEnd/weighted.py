#!/usr/bin/env python3
"""Ignored targets: the loss of a step is one mean over the targets that count in it,
as of the same samples in one micro-batch, and so are gradient, norm and clipping; with
the same bits on every mesh. Where nothing is ignored the program has the bits of one
that can ignore nothing; where everything is, loss and gradient are 0."""

import json
import math
import pathlib
import struct

from harness import (
    BUILD, check, compile_model, digest, execute, must, read_metrics, run, start, write_text,
)

SAMPLES, SEQUENCE, WIDTH, ROWS = 12, 5, 8, 256

HEAD = """
!ids = tensor<{b}x{t}xi32>
!x = tensor<{b}x{t}x{d}xf32>
pp.layer @embed(%t: !ids) params(%b: tensor<{d}xf32>, %w: tensor<{v}x{d}xf32>) -> !x {{
  %y = nn.embedding %t, %w : (!ids, tensor<{v}x{d}xf32>) -> !x
  %z = nn.add %y, %b : (!x, tensor<{d}xf32>) -> !x
  pp.yield %z : !x
}}
pp.layer @head(%x: !x, %t: !ids) params(%b: tensor<{d}xf32>, %w: tensor<{v}x{d}xf32>) -> tensor<f32> {{
{targets}
  %y = nn.add %x, %b : (!x, tensor<{d}xf32>) -> !x
  %l = nn.linear %y, %w {{transposed}} : (!x, tensor<{v}x{d}xf32>) -> tensor<{b}x{t}x{v}xf32>
  %loss, %lse = nn.cross_entropy %l, %u {{ignore_index = {ignored} : i64}} : (tensor<{b}x{t}x{v}xf32>, !ids) -> (tensor<f32>, tensor<{b}x{t}xf32>)
  pp.yield %loss : tensor<f32>
}}
"""

MODEL = HEAD + """
pp.model @m(%tokens: !ids, %targets: !ids) -> tensor<f32> {{
  %b0 = pp.param "b0" : tensor<{d}xf32> init(#nn.zeros)
  %e = pp.param "e" : tensor<{v}x{d}xf32> init(#nn.normal<std = 0.5>)
  %b1 = pp.param "b1" : tensor<{d}xf32> init(#nn.zeros)
  %f = pp.param "f" : tensor<{v}x{d}xf32> init(#nn.normal<std = 0.5>)
  %x = pp.apply @embed(%tokens) params(%b0, %e) : (!ids) params(tensor<{d}xf32>, tensor<{v}x{d}xf32>) -> !x
  %l = pp.apply @head(%x, %targets) params(%b1, %f) : (!x, !ids) params(tensor<{d}xf32>, tensor<{v}x{d}xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}}
"""

# The loss is the sum of two, in stages of their own, with masks of their own.
TWO = HEAD + """
pp.layer @sum(%a: tensor<f32>, %b: tensor<f32>) -> tensor<f32> {{
  %s = arith.addf %a, %b : tensor<f32>
  pp.yield %s : tensor<f32>
}}
pp.model @m(%tokens: !ids, %targets: !ids) -> tensor<f32> {{
  %b0 = pp.param "b0" : tensor<{d}xf32> init(#nn.zeros)
  %e = pp.param "e" : tensor<{v}x{d}xf32> init(#nn.normal<std = 0.5>)
  %b1 = pp.param "b1" : tensor<{d}xf32> init(#nn.zeros)
  %f = pp.param "f" : tensor<{v}x{d}xf32> init(#nn.normal<std = 0.5>)
  %x = pp.apply @embed(%tokens) params(%b0, %e) {{stage = 0}} : (!ids) params(tensor<{d}xf32>, tensor<{v}x{d}xf32>) -> !x
  %l = pp.apply @head(%x, %targets) params(%b1, %f) {{stage = 0}} : (!x, !ids) params(tensor<{d}xf32>, tensor<{v}x{d}xf32>) -> tensor<f32>
  %m = pp.apply @head(%x, %tokens) params(%b0, %e) {{stage = 1}} : (!x, !ids) params(tensor<{d}xf32>, tensor<{v}x{d}xf32>) -> tensor<f32>
  %s = pp.apply @sum(%l, %m) {{stage = 1}} : (tensor<f32>, tensor<f32>) -> tensor<f32>
  pp.return %s : tensor<f32>
}}
"""

# Of the user: what falls behind a token counts by that.
OWN = MODEL.replace("-> tensor<f32> {{", "-> (tensor<f32>, tensor<f32>) {{").replace(
    "!ids) -> tensor<f32>", "!ids) -> (tensor<f32>, tensor<f32>)")


def masked(limit):
    """Targets below `limit`."""
    return f"""  %c = arith.constant dense<{limit}> : !ids
  %g = arith.constant dense<-100> : !ids
  %k = arith.cmpi slt, %t, %c : !ids
  %u = arith.select %k, %t, %g : tensor<{{b}}x{{t}}xi1>, !ids"""


SAME = "  %u = nn.reshape %t : (!ids) -> !ids"


def model(name, batch, targets, ignored=-100, text=MODEL):
    sizes = dict(b=batch, t=SEQUENCE, d=WIDTH, v=ROWS)
    path = pathlib.Path(f"{name}.mlir")
    path.write_text(text.format(targets=targets.format(**sizes), ignored=ignored, **sizes))
    return path


def train(program, ranks, label, *options, steps=1):
    must(run(program, ranks, "--data", "data", "--token-format", "bytes", "--order",
             "windows", "--steps", steps,
             "--seed", 3, "--metrics", f"{label}.jsonl", "--save", label, "--quiet",
             *options))
    found = [(step["loss"], step["grad_norm"]) for step in read_metrics(f"{label}.jsonl")]
    check(len(found) == steps, f"{label}: found {len(found)} steps")
    return found, pathlib.Path(label, "model.safetensors")


# A gradient is what such a step takes from the weights.
SGD = ["--optimizer", "sgd", "--lr", 1, "--min-lr", 1, "--warmup", 0, "--weight-decay", 0]


def numbers(path):
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    values = data[8 + size:]
    return struct.unpack(f"<{len(values) // 4}f", values)


def check_splits():
    """The samples of a step in 1 to 12 micro-batches."""
    for name, text, targets, ignored in [
            ("mask", MODEL, masked(90), -100), ("few", MODEL, masked(40), -100),
            ("class", MODEL, SAME, 101), ("two", TWO, masked(100), -100)]:
        expected = None
        for batch in (12, 6, 2, 1):
            label = f"{name}-{batch}"
            path = model(label, batch, targets, ignored, text)
            count = SAMPLES // batch
            program = compile_model(path, f"{label}.exe", f"--microbatches={count}",
                                    f"--pp={2 if text is TWO else 1}")
            # The norm, 0.1 after clipping: weights say by what that divides.
            found, weights = train(program, 2 if text is TWO else 1, label, *SGD, "--clip",
                                   "0.1")
            own = execute([BUILD / "bin/pp-interpret", path, "--data=data",
                           f"--microbatches={count}", "--seed=3"])
            interpreted = json.loads(must(own))["loss"]
            loss, norm = found[0]
            print(f"{label}: loss {loss:.7f}, norm {norm:.7f}, interpreted "
                  f"{interpreted:.7f}", flush=True)
            check(math.isclose(loss, interpreted, rel_tol=1e-6),
                  f"{label}: loss {loss}, {interpreted} in f64")
            if text is TWO and batch != 12:
                continue  # targets of two kinds have one weight
            if expected is None:
                expected = loss, norm, numbers(weights)
                continue
            check(math.isclose(loss, expected[0], rel_tol=1e-6),
                  f"{label}: loss {loss}, expected {expected[0]}, that of one micro-batch")
            check(math.isclose(norm, expected[1], rel_tol=1e-5),
                  f"{label}: norm {norm}, expected {expected[1]}")
            error = max(abs(a - b) for a, b in zip(numbers(weights), expected[2], strict=True))
            check(error < 1e-6, f"{label}: weights differ by {error}")


def check_bits():
    variants = [
        (1, 1), (2, 1), (2, 2), (1, 4, "--zero=0"), (2, 1, "--schedule=zb-h1"),
        (2, 2, "--schedule=zb-h2", "--recompute=full"), (1, 2, "--unroll")]
    device = ["--target=cuda", "--emulate-device"]
    for name, text, more, options in [
            ("bits", MODEL, [], []), ("bits-two", TWO, [], []),
            ("bits-bf16", MODEL, ["--precision=bf16"], []),
            ("bits-device", MODEL, device, ["--device", "emulated"])]:
        path = model(name, 2, masked(60), text=text)
        expected = None
        for number, (pipe, data, *own) in enumerate(variants):
            if text is TWO and pipe == 1:
                own = ["--schedule=interleaved", "--virtual=2", *own]
            label = f"{name}-{number}"
            program = compile_model(
                path, f"{label}.exe", f"--pp={pipe}", f"--dp={data}",
                f"--microbatches={8 // data}", "--reduction-groups=4", *own, *more)
            found, weights = train(program, pipe * data, label, "--lr", "0.01", "--clip",
                                   "0.5", *options, steps=4)
            result = found, digest(weights)
            expected = expected or result
            check(result == expected, f"{label}: found {result}, expected {expected}")
        print(f"{name}: loss {expected[0][0][0]:.6f} to {expected[0][-1][0]:.6f}", flush=True)


def check_parts():
    """Vocabulary or positions in parts: sums in other orders."""
    path = model("parts", 2, masked(90))
    expected = None
    for label, *options in [("whole",), ("cut", "--tp=2"),
                            ("positions", "--tp=2", "--sequence-parallel=on")]:
        program = compile_model(path, f"{label}.exe", "--microbatches=3", *options)
        found, _ = train(program, 2 if options else 1, label, *SGD, steps=3)
        expected = expected or found
        for (loss, norm), (first, second) in zip(found, expected):
            check(math.isclose(loss, first, rel_tol=1e-5)
                  and math.isclose(norm, second, rel_tol=1e-5),
                  f"{label}: found {found}, expected {expected}")


def check_none():
    """Nothing is ignored, although it could be; and nothing else than ignored."""
    results = []
    for name, targets, ignored in [("never", SAME, -100), ("could", masked(256), -100)]:
        program = compile_model(model(name, 2, targets, ignored), f"{name}.exe",
                                "--microbatches=6")
        found, weights = train(program, 1, name, "--lr", "0.01", "--clip", "0.5", steps=4)
        results.append((found, digest(weights)))
    check(results[0] == results[1], f"found {results[1]}, expected {results[0]}")
    for target in ([], ["--target=cuda", "--emulate-device"]):
        program = compile_model(model("all", 2, masked(0)), "all.exe", "--microbatches=6",
                                *target)
        before, first = train(program, 1, "all-1", *(["--device", "emulated"] if target else []),
                              "--weight-decay", 0)
        after, third = train(program, 1, "all-3", *(["--device", "emulated"] if target else []),
                             "--weight-decay", 0, steps=3)
        check(before + after == [(0, 0)] * 4, f"found {before + after}, expected zeros")
        check(digest(first) == digest(third), "weights change without a gradient")


def check_own():
    """A weight that the model computes: a program that trains, and one that is none."""
    for name, weight, error in [("own", "2.0", None), ("negative", "-1.0", "found the weight -1"),
                                ("infinite", "0x7F800000", "found the weight inf")]:
        text = OWN.replace("  pp.yield %loss : tensor<f32>", f"""  %weight = arith.constant dense<{weight}> : tensor<f32>
  pp.yield %loss, %weight : tensor<f32>, tensor<f32>""").replace(
            "%l = pp.apply", "%l, %w = pp.apply").replace(
            "pp.return %l : tensor<f32>", "pp.return %l, %w : tensor<f32>, tensor<f32>").replace(
            "tensor<{v}x{d}xf32>) -> tensor<f32>\n", "tensor<{v}x{d}xf32>) -> (tensor<f32>, tensor<f32>)\n")
        program = compile_model(model(name, 2, SAME, text=text), f"{name}.exe",
                                "--microbatches=2")
        options = ["--data", "data", "--token-format", "bytes", "--steps", 1]
        if not error:
            must(run(program, 1, *options))
            continue
        result = run(program, 1, *options)
        check(result.returncode != 0 and error in result.stderr
              and "nothing was updated" in result.stderr,
              f"{name}: found {result.returncode} {result.stderr}")


def main():
    start()
    write_text("data", size=400)
    check_splits()
    check_bits()
    check_parts()
    check_none()
    check_own()


main()
