#!/usr/bin/env python3
"""Losses of other data between steps: what they are by pp-interpret, in double precision;
the same to the bit on every mesh; and training has the bits of one without them."""

import json
import pathlib
import re
import struct

from harness import (
    BUILD, SOURCE, check, compile_model, digest, execute, fail, make_model, must,
    read_metrics, run, start, write_text,
)

STEPS, EVERY, BATCHES = 4, 2, 3
SEQUENCE = 12
TRAIN = ["--data", "text", "--steps", STEPS, "--lr", "0.01", "--clip", "0.5", "--seed", 7,
         "--quiet"]
EVALUATE = ["--eval-data", "held-out", "--eval-every", EVERY, "--eval-batches", BATCHES]


def add_dropout(path, output):
    """The perceptron of each block drops what it has activated."""
    text, count = re.subn(
        r"( *)(%p = nn.linear )%fa(, .* : \()(tensor<\w+>)",
        r"\1%fd = nn.dropout %fa {p = 0.2, site = 0 : i64} : (\4) -> \4\n\1\2%fd\3\4",
        pathlib.Path(path).read_text())
    check(count > 0, f"found no perceptron in {path}")
    pathlib.Path(output).write_text(text)
    return output


def train(label, program, ranks, options):
    output = must(run(program, ranks, *TRAIN, "--metrics", f"{label}.jsonl", "--save", label,
                      *options))
    steps = read_metrics(f"{label}.jsonl")
    check(len(steps) == STEPS, f"{label}: found {len(steps)} steps")
    return (digest(pathlib.Path(label) / "model.safetensors"),
            [(step["loss"], step["grad_norm"]) for step in steps],
            [step.get("eval_loss") for step in steps], output)


def same(name, model, microbatches, groups, variants, common=(), more=()):
    """Trains under each of (pipe, data, tensor, more options), and compares with the first
    and with training alone."""
    reference = None
    for number, (pipe, data, tensor, *options) in enumerate(variants):
        label = f"{name}-{number}"
        program = compile_model(
            model, f"{label}.exe", f"--pp={pipe}", f"--dp={data}", f"--tp={tensor}",
            f"--microbatches={microbatches // data}", f"--reduction-groups={groups}", *common,
            *options)
        ranks = pipe * data * tensor
        if reference is None:
            alone = train(f"{name}-alone", program, ranks, more)
            check(alone[2] == [None] * STEPS, f"{name}: an eval_loss without --eval-data")
        weights, steps, losses, _ = train(label, program, ranks, [*EVALUATE, *more])
        program.unlink()
        print(f"{label}: {pipe} x {data} x {tensor} {' '.join(options)}: eval loss {losses}, "
              f"weights {weights[:16]}", flush=True)
        reference = reference or losses
        check([loss is not None for loss in losses] == [False, True] * (STEPS // EVERY),
              f"{label}: evaluations after other steps: {losses}")
        check(losses == reference, f"{label}: eval losses {losses}, expected {reference}")
        check(steps == alone[1], f"{label}: losses and norms {steps}, expected those of "
              f"training alone: {alone[1]}")
        check(weights == alone[0], f"{label}: other weights than those of training alone")


def check_bits():
    gpt = add_dropout(
        make_model("gpt.mlir", "gpt", "--layers=3", "--width=24", "--heads=2",
                   f"--sequence={SEQUENCE}", "--batch=2", "--vocabulary=257"), "drops.mlir")
    same("gpt", gpt, 8, 8, [
        (1, 1, 1), (2, 1, 1, "--schedule=zb-h1", "--recompute=full"), (1, 2, 1),
        (2, 2, 1), (4, 2, 1, "--unroll"), (1, 4, 1, "--zero=0"),
        (2, 1, 1, "--schedule=interleaved", "--virtual=2"), (2, 2, 1, "--schedule=zb-v"),
        (2, 1, 1, "--schedule=v-min"), (2, 1, 1, "--schedule=dualpipe-v"),
        (2, 1, 1, "--schedule=looped-bfs", "--virtual=2"), (3, 1, 1, "--schedule=gpipe"),
    ])
    same("bf16", gpt, 4, 2, [(1, 1, 1), (2, 2, 1), (3, 1, 1)], ["--precision=bf16"])
    llama = make_model("llama.mlir", "llama", "--layers=2", "--width=32", "--heads=4",
                       "--kv-heads=2", "--hidden=48", f"--sequence={SEQUENCE}", "--batch=2")
    # Enough micro-batches for loops.
    same("loops", llama, 32, 2, [(2, 2, 1), (2, 1, 1, "--unroll"), (4, 1, 1)])
    same("tensor", gpt, 4, 2,
         [(1, 1, 2), (2, 1, 1), (1, 2, 2), (2, 1, 2, "--schedule=interleaved", "--virtual=2")],
         ["--tensor-groups=2"])
    # The emulated device computes on the host, with kernels of its own.
    same("device", gpt, 4, 2, [(1, 1, 1), (2, 2, 1), (1, 2, 1, "--zero=0")],
         ["--target=cuda", "--emulate-device"], ["--device", "emulated"])


def check_value():
    """The mean of the losses that pp-interpret finds for each window of the file alone."""
    plain = make_model("plain.mlir", "gpt", "--layers=2", "--width=16", "--heads=2",
                       f"--sequence={SEQUENCE}", "--batch=1", "--vocabulary=256")
    model = add_dropout(plain, "plain-drops.mlir")
    microbatches, batches = 2, 2
    program = compile_model(model, "value.exe", "--pp=2", f"--microbatches={microbatches}")
    must(run(program, 2, *TRAIN, "--metrics", "value.jsonl", "--save", "value",
             "--eval-data", "held-out", "--eval-batches", batches))
    *before, last = [step.get("eval_loss") for step in read_metrics("value.jsonl")]
    check(before == [None] * (STEPS - 1), f"found evaluations before the end: {before}")
    tokens = pathlib.Path("held-out").read_bytes()
    losses = []
    for window in range(microbatches * batches):
        begin = window * SEQUENCE
        pathlib.Path("window").write_bytes(tokens[begin:begin + SEQUENCE + 1])
        out = must(execute([BUILD / "bin/pp-interpret", plain, "--data=window",
                            "--microbatches=1", "--load=value"]))
        losses.append(float(re.search(r"loss\D*([-\d.e]+)", out).group(1)))
    expected = sum(losses) / len(losses)
    print(f"eval loss {last}, by pp-interpret {expected} of {losses}")
    check(max(losses) - min(losses) > 1e-3, "windows that do not differ")
    check(abs(last - expected) < 2e-6 * expected, f"eval loss {last}, expected {expected}")


def check_reports():
    """Evaluations are no steps: reports have those of training, with a line of their own."""
    program = compile_model("gpt.mlir", "reports.exe", "--pp=2", "--dp=2", "--microbatches=2")
    off = compile_model("gpt.mlir", "off.exe", "--pp=2", "--dp=2", "--microbatches=2",
                        "--evaluation=off")
    options = ["--data", "text", "--steps", STEPS, "--trace", "trace.json", "--timeline",
               "timeline.svg", "--profile", "--profile-out", "profile.json",
               "--memory-report"]
    found = []
    for each, more in [(off, []), (program, EVALUATE)]:
        out = must(run(each, 4, *options, *more))
        events = json.loads(pathlib.Path("trace.json").read_text())["traceEvents"]
        planned = re.findall(r"(?m)^  rank \d+ +(?:\d+ +){6}(\d+) +(\d+)$", out)
        check(len(planned) == 4 and all(a == b for a, b in planned), out)
        found.append((sorted(event["name"] for event in events if event["ph"] == "X"),
                      planned))
    check(found[0][0] == found[1][0], "evaluations in the trace")
    check(found[0][1] == found[1][1], f"evaluation takes memory: {found[0][1]}, {found[1][1]}")
    check(re.search(rf"(?m)^{STEPS} steps in .* tokens/s; 2 evaluations in \d+ s$", out), out)
    check(re.search(r"(?m)^evaluation: held-out, 3 x 96 of \d+ tokens \(bytes\)$", out), out)
    check(len(re.findall(r"(?m)^final eval loss \d+\.\d{6}$", out)) == 1, out)
    check(len(re.findall(r"(?m)^step .* eval loss \d\.\d{4} ", out)) == 2, out)
    needs = re.findall(r"(?m)^  rank \d +evaluation: (\d+) bytes of the same arena, of (\d+)$",
                       out)
    check(len(needs) == 4 and all(0 < int(a) <= int(b) for a, b in needs), out)
    return program, off


def expect_error(program, options, *words):
    result = run(program, 4, "--data", "text", "--steps", 2, "--metrics", "error.jsonl",
                 *options)
    output = result.stdout + result.stderr
    check(result.returncode != 0, f"succeeded: {options}")
    for word in words:
        check(word in output, f"found no '{word}' in: {output}")
    metrics = pathlib.Path("error.jsonl")
    check(not metrics.exists() or not metrics.read_text(), f"{options}: steps were trained")
    metrics.unlink(missing_ok=True)


def check_errors(program, off):
    expect_error(program, ["--eval-data", "missing"], "cannot open the data file 'missing'")
    pathlib.Path("short").write_text("x" * 96)
    expect_error(program, ["--eval-data", "short", "--eval-batches", 1], "found 96 tokens",
                 "expected at least 97 for 1 batches of 96", "--eval-batches")
    tokens = [i % 250 for i in range(400)]
    tokens[190] = 300
    pathlib.Path("tokens.npy").write_bytes(
        b"\x93NUMPY\x01\x00\x76\x00" +
        b"{'descr': '<u2', 'fortran_order': False, 'shape': (400,), }".ljust(117) + b"\n" +
        struct.pack("<400H", *tokens))
    # Before the first step, and only where it is among the batches.
    expect_error(program, ["--eval-data", "tokens.npy", "--eval-batches", 2],
                 "found token 300 at position 190 of 'tokens.npy'", "vocabulary of 257")
    must(run(program, 4, *TRAIN, "--eval-data", "tokens.npy", "--eval-batches", 1))
    expect_error(program, ["--eval-every", 1], "--eval-every", "without --eval-data")
    expect_error(program, ["--eval-batches", 1], "--eval-batches", "without --eval-data")
    expect_error(program, ["--eval-data", "held-out", "--eval-batches", 0], "--eval-batches 0",
                 "expected 1 to")
    expect_error(program, ["--eval-data", "held-out", "--eval-every", -1], "--eval-every -1")
    expect_error(off, EVALUATE, "found --eval-data with a program that cannot evaluate",
                 "compile it without --evaluation=off")
    expect_error(program, [*EVALUATE, "--emulate=1"], "found --eval-data with --emulate")


def main():
    start()
    write_text("text")
    write_text("held-out", seed=2)
    check_value()
    check_bits()
    check_errors(*check_reports())


if __name__ == "__main__":
    main()
