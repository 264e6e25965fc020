#!/usr/bin/env python3
"""Attention within documents: several in one sequence give what each gives alone, in
f32, bf16 and f64, on CPUs and on the emulated device, forward and backward, whole and
with heads in parts; and the same bits on every mesh and schedule."""

import json
import math
import pathlib
import random

from harness import (
    BUILD, SOURCE, check, compile_model, digest, execute, must, read_metrics, run, start, write_text,
)

# Of a sequence, the lengths of documents; the longest have more keys than a block of the
# kernel, and rows of a block are of several.
LENGTHS = {"short": [[3, 1, 4], [8], [1, 1, 6]], "long": [[70, 5, 250, 75], [400]]}

# The difference of both ways is scaled up, so that the loss shows it: the mean of its
# squares. Weights of the two ways are apart, so that gradients can be compared.
TOGETHER = """
!ids = tensor<{b}x{t}xi32>
!x = tensor<{b}x{t}x{d}xf32>
!q = tensor<{b}x{t}x{h}x{n}xf32>
!k = tensor<{b}x{t}x{g}x{n}xf32>
pp.layer @together(%i: !ids) params(%w: tensor<256x{d}xf32>, %wk: tensor<{d}x{gn}xf32>) -> tensor<f32> {{
  %x = nn.embedding %i, %w : (!ids, tensor<256x{d}xf32>) -> !x
  %q = nn.reshape %x : (!x) -> !q
  %kv = nn.linear %x, %wk : (!x, tensor<{d}x{gn}xf32>) -> tensor<{b}x{t}x{gn}xf32>
  %k = nn.reshape %kv : (tensor<{b}x{t}x{gn}xf32>) -> !k
  %ids = arith.constant dense<{ids}> : !ids
  %y, %lse = nn.attention %q, %k, %k documents(%ids) {{causal}} : (!q, !k, !k, !ids) -> (!q, tensor<{b}x{h}x{t}xf32>)
  %s = arith.mulf %y, %y : !q
  %m = nn.reduce_mean %s axes = [0, 1, 2, 3] : (!q) -> tensor<f32>
  pp.yield %m : tensor<f32>
}}
"""

MODEL = """
pp.model @m(%tokens: !ids) -> tensor<f32> {{
  %w = pp.param "w" : tensor<256x{d}xf32> init(#nn.normal<std = 1.0>)
  %wk = pp.param "wk" : tensor<{d}x{gn}xf32> init(#nn.normal<std = 0.5>)
  %l = pp.apply @{layer}(%tokens) params(%w, %wk) : (!ids) params(tensor<256x{d}xf32>, tensor<{d}x{gn}xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}}
"""


def alone(sizes, lengths):
    """A document is a slice of one sequence, and has an attention of its own."""
    b, t, h, g, n = (sizes[name] for name in "bthgn")
    text = TOGETHER.format(**sizes)
    begin, end = text.index("  %ids ="), text.index("  %s =")
    lines, parts, kinds = [], [], []
    for row, documents in enumerate(lengths):
        start_of = 0
        for length in documents:
            q, k = (f"tensor<1x{length}x{heads}x{n}xf32>" for heads in (h, g))
            name = f"{row}_{start_of}"
            for value, kind, heads, out in [("q", "!q", h, q), ("k", "!k", g, k)]:
                lines.append(f"  %{value}{name} = nn.slice %{value} offsets = [{row}, {start_of}, 0, 0] "
                             f"sizes = [1, {length}, {heads}, {n}] : ({kind}) -> {out}")
            lines.append(f"  %y{name}, %l{name} = nn.attention %q{name}, %k{name}, %k{name} {{causal}} : "
                         f"({q}, {k}, {k}) -> ({q}, tensor<1x{h}x{length}xf32>)")
            start_of += length
            parts.append(f"%y{name}")
            kinds.append(q)
    flat = f"tensor<1x{b * t}x{h}x{n}xf32>"
    lines.append(f"  %all = nn.concatenate {', '.join(parts)} {{axis = 1 : i64}} : "
                 f"({', '.join(kinds)}) -> {flat}")
    lines.append(f"  %y = nn.reshape %all : ({flat}) -> !q")
    return text[:begin].replace("@together", "@alone") + "\n".join(lines) + "\n" + text[end:]


def gradient(path, label, ranks, options, more=()):
    """Loss and norm of a step of SGD, and its weights."""
    program = compile_model(path, f"{label}.exe", "--microbatches=2", *options)
    must(run(program, ranks, "--data", "data", "--token-format", "bytes", "--order",
             "windows", "--steps", 1, "--optimizer", "sgd", "--lr", 1, "--min-lr", 1, "--warmup", 0, "--clip", 0,
             "--weight-decay", 0, "--metrics", f"{label}.jsonl", "--save", label, "--quiet",
             *more))
    [step] = read_metrics(f"{label}.jsonl")
    return step["loss"], step["grad_norm"], pathlib.Path(label, "model.safetensors")


def distance(path, saved, label):
    """How far a program's gradient is from that of the model in f64."""
    found = json.loads(must(execute([
        BUILD / "bin/pp-interpret", path, "--data=data", "--microbatches=2",
        f"--after={saved.parent}"])))
    worst = max(parameter["distance"] / max(parameter["norm"], 1e-9)
                for parameter in found["parameters"])
    print(f"{label}: gradient differs by {worst:.2g}", flush=True)
    return found["loss"], worst


def check_alone():
    device = ["--target=cuda", "--emulate-device"]
    emulated = ["--device", "emulated"]
    for name, lengths in LENGTHS.items():
        ids = [[i for i, n in enumerate(documents) for _ in range(n)] for documents in lengths]
        sizes = dict(b=len(lengths), t=sum(lengths[0]), d=24, h=4, g=2, n=6, gn=12, ids=ids)
        paths = {}
        for layer, text in [("together", TOGETHER.format(**sizes)),
                            ("alone", alone(sizes, lengths))]:
            paths[layer] = pathlib.Path(f"{name}-{layer}.mlir")
            paths[layer].write_text(text + MODEL.format(layer=layer, **sizes))
        settings = [("f32", 1, [], [], 1e-5), ("cut", 2, ["--tp=2"], [], 1e-5),
                    ("device", 1, device, emulated, 1e-5),
                    ("bf16", 1, ["--precision=bf16"], [], 4e-2),
                    ("device-bf16", 1, ["--precision=bf16", *device], emulated, 4e-2)]
        for label, ranks, options, more, most in settings:
            if name == "long" and "device" in label:
                continue  # kernels by the host, thread for thread
            expected = gradient(paths["alone"], f"{name}-{label}-alone", ranks, options, more)
            loss, norm, saved = gradient(paths["together"], f"{name}-{label}", ranks, options,
                                         more)
            print(f"{name}-{label}: loss {loss:.7f} of {expected[0]:.7f}, norm {norm:.7f} of "
                  f"{expected[1]:.7f}", flush=True)
            check(math.isclose(loss, expected[0], rel_tol=most)
                  and math.isclose(norm, expected[1], rel_tol=most),
                  f"{name}-{label}: found {loss}, {norm}, expected {expected}")
            if name == "short":
                own, worst = distance(paths["together"], saved, f"{name}-{label}")
                other, _ = distance(paths["alone"], expected[2], f"{name}-{label}-alone")
                check(math.isclose(own, other, rel_tol=1e-12),
                      f"{name}: in f64 found {own}, expected {other}")
                check(worst < most, f"{name}-{label}: gradient differs by {worst}")


# Documents that tokens say, in two layers and so in two stages.
STAGES = """
!ids = tensor<2x9xi32>
!x = tensor<2x9x8xf32>
!h = tensor<2x9x2x4xf32>
pp.layer @number(%t: !ids) -> !ids {
  %c = arith.constant dense<5> : !ids
  %d = arith.shrsi %t, %c : !ids
  pp.yield %d : !ids
}
pp.layer @embed(%t: !ids) params(%w: tensor<256x8xf32>) -> !x {
  %y = nn.embedding %t, %w : (!ids, tensor<256x8xf32>) -> !x
  pp.yield %y : !x
}
pp.layer @block(%x: !x, %d: !ids) params(%w: tensor<8x8xf32>) -> !x {
  %h = nn.reshape %x : (!x) -> !h
  %y, %lse = nn.attention %h, %h, %h documents(%d) {causal} : (!h, !h, !h, !ids) -> (!h, tensor<2x2x9xf32>)
  %r = nn.reshape %y : (!h) -> !x
  %o = nn.linear %r, %w : (!x, tensor<8x8xf32>) -> !x
  %z = nn.add %x, %o : (!x, !x) -> !x
  pp.yield %z : !x
}
pp.layer @head(%x: !x, %t: !ids) params(%w: tensor<256x8xf32>) -> tensor<f32> {
  %l = nn.linear %x, %w {transposed} : (!x, tensor<256x8xf32>) -> tensor<2x9x256xf32>
  %loss, %lse = nn.cross_entropy %l, %t : (tensor<2x9x256xf32>, !ids) -> (tensor<f32>, tensor<2x9xf32>)
  pp.yield %loss : tensor<f32>
}
pp.model @m(%tokens: !ids, %targets: !ids) -> tensor<f32> {
  %w = pp.param "w" : tensor<256x8xf32> init(#nn.normal<std = 0.5>)
  %a = pp.param "a" : tensor<8x8xf32> init(#nn.normal<std = 0.5>)
  %b = pp.param "b" : tensor<8x8xf32> init(#nn.normal<std = 0.5>)
  %d = pp.apply @number(%tokens) : (!ids) -> !ids
  %x = pp.apply @embed(%tokens) params(%w) : (!ids) params(tensor<256x8xf32>) -> !x
  %y = pp.apply @block(%x, %d) params(%a) : (!x, !ids) params(tensor<8x8xf32>) -> !x
  %z = pp.apply @block(%y, %d) params(%b) : (!x, !ids) params(tensor<8x8xf32>) -> !x
  %l = pp.apply @head(%z, %targets) params(%w) : (!x, !ids) params(tensor<256x8xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}
"""


def check_bits():
    path = pathlib.Path("stages.mlir")
    path.write_text(STAGES)
    for name, more, options in [
            ("cpu", [], []), ("bf16", ["--precision=bf16"], []),
            ("device", ["--target=cuda", "--emulate-device"], ["--device", "emulated"])]:
        expected = None
        for number, (pipe, data, *own) in enumerate([
                (1, 1), (4, 1), (2, 2, "--schedule=zb-h1"), (3, 1, "--recompute=full"),
                (1, 2, "--unroll")]):
            label = f"{name}-{number}"
            program = compile_model(path, f"{label}.exe", f"--pp={pipe}", f"--dp={data}",
                                    f"--microbatches={4 // data}", "--reduction-groups=2", *own,
                                    *more)
            must(run(program, pipe * data, "--data", "data", "--token-format", "bytes",
                     "--steps", 3, "--lr", "0.01", "--metrics", f"{label}.jsonl", "--save",
                     label, "--quiet", *options))
            found = ([(step["loss"], step["grad_norm"]) for step in read_metrics(f"{label}.jsonl")],
                     digest(pathlib.Path(label, "model.safetensors")))
            expected = expected or found
            check(found == expected, f"{label}: found {found}, expected {expected}")
        print(f"{name}: loss {expected[0][0][0]:.6f} to {expected[0][-1][0]:.6f}", flush=True)


# Tokens of documents, each with its end.
DOCUMENTS = [[5, 9, 9, 31, 0], [7, 0], [60, 2, 8, 8, 8, 1, 14, 3, 0], [21, 22, 23, 0]]


def imported(label, sequence, *options, batch=1):
    path = pathlib.Path(f"{label}.mlir")
    must(execute([BUILD / "bin/pp-import", SOURCE / "test/EndToEnd/Inputs/hugging-face/qwen3",
                  f"--sequence={sequence}", f"--batch={batch}", "--from-scratch", "-o", path,
                  *options]))
    return path


def first_loss(program, data, *options):
    must(run(program, 1, "--data", data, "--token-format", "bytes", "--order", "windows",
             "--steps", 1, "--seed", 5, "--metrics", "loss.jsonl", "--quiet", *options))
    return read_metrics("loss.jsonl")[0]["loss"]


def check_packed():
    """A window of several documents has the loss of each, weighted by its targets."""
    total = count = 0
    for number, tokens in enumerate(DOCUMENTS):
        data = pathlib.Path(f"alone-{number}")
        data.write_bytes(bytes(tokens))
        program = compile_model(imported(data.name, len(tokens) - 1), f"{data}.exe",
                                "--microbatches=1")
        total += first_loss(program, data) * (len(tokens) - 1)
        count += len(tokens) - 1
    tokens = sum(DOCUMENTS, [])
    pathlib.Path("together").write_bytes(bytes([*tokens, 33]))
    path = imported("together", len(tokens), "--pack-documents")
    for label, *options in [("together",), ("together-cut", "--tensor-groups=2")]:
        program = compile_model(path, f"{label}.exe", "--microbatches=1", *options)
        loss = first_loss(program, "together", "--document-end", 0)
        print(f"{label}: loss {loss:.7f}, alone {total / count:.7f}", flush=True)
        check(math.isclose(loss, total / count, rel_tol=1e-6),
              f"{label}: loss {loss}, expected {total / count} as of the documents alone")
    result = run(program, 1, "--data", "together", "--token-format", "bytes", "--steps", 1)
    check(result.returncode != 0 and "--document-end" in result.stderr,
          f"without documents: {result.returncode} {result.stderr}")


def check_mesh():
    """Micro-batches with documents of many lengths: as in f64, and the same bits."""
    generator = random.Random(3)
    data = bytes(generator.choice([0, *range(67)]) if generator.random() < 0.8 else 0
                 for _ in range(300))
    pathlib.Path("many").write_bytes(data)
    path = imported("many", 12, "--pack-documents", batch=2)
    interpreted = json.loads(must(execute([
        BUILD / "bin/pp-interpret", path, "--data=many", "--microbatches=4", "--seed=5",
        "--document-end=0"])))["loss"]
    expected = None
    for number, (pipe, data, *own) in enumerate([
            (1, 1), (4, 1), (2, 2, "--schedule=zb-h1"), (1, 4), (2, 1, "--recompute=full")]):
        label = f"many-{number}"
        program = compile_model(path, f"{label}.exe", f"--pp={pipe}", f"--dp={data}",
                                f"--microbatches={4 // data}", "--reduction-groups=4", *own)
        must(run(program, pipe * data, "--data", "many", "--token-format", "bytes", "--order",
                 "windows", "--steps", 3, "--seed", 5, "--lr", "0.01", "--metrics",
                 f"{label}.jsonl", "--save", label, "--quiet", "--document-end", 0))
        found = ([(step["loss"], step["grad_norm"]) for step in read_metrics(f"{label}.jsonl")],
                 digest(pathlib.Path(label, "model.safetensors")))
        expected = expected or found
        check(found == expected, f"{label}: found {found}, expected {expected}")
    print(f"many: loss {expected[0][0][0]:.7f}, interpreted {interpreted:.7f}", flush=True)
    check(math.isclose(expected[0][0][0], interpreted, rel_tol=1e-6),
          f"many: loss {expected[0][0][0]}, {interpreted} in f64")


def main():
    start()
    write_text("data", size=900)
    check_packed()
    check_mesh()
    check_alone()
    check_bits()


main()
