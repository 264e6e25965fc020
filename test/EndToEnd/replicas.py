#!/usr/bin/env python3
"""Replicas of the pipeline: with the same groups of micro-batches, loss, gradient norm
and weights are the same to the bit however many replicas share them, at any number of
pipe coordinates, under any schedule, and whether states are cut over the replicas."""

import json
import os
import pathlib
import re
import signal
import subprocess

from harness import (
    ENVIRONMENT, SOURCE, check, compile_model, digest, launch, make_model, must,
    read_metrics, run, start, write_text,
)

STEPS = 6


def train(label, model, ranks, options, more=()):
    program = compile_model(model, f"{label}.exe", *options)
    must(run(program, ranks, "--data", "text", "--steps", STEPS, "--lr", "0.01", "--clip",
             "0.5", "--seed", 7, "--metrics", f"{label}.jsonl", "--save", label, "--quiet",
             *more))
    program.unlink()
    steps = [(step["loss"], step["grad_norm"]) for step in read_metrics(f"{label}.jsonl")]
    return digest(pathlib.Path(label) / "model.safetensors"), steps


def same(name, model, microbatches, groups, variants, common=(), more=()):
    """Trains under each of (pipe, data, more options) and compares with the first."""
    reference = None
    for number, (pipe, data, *options) in enumerate(variants):
        label = f"{name}-{number}"
        result = train(label, model, pipe * data, [
            f"--pp={pipe}", f"--dp={data}", f"--microbatches={microbatches // data}",
            f"--reduction-groups={groups}", *common, *options], more)
        print(f"{label}: {pipe} x {data} {' '.join(options)}: loss "
              f"{result[1][0][0]:.6f} to {result[1][-1][0]:.6f}, weights "
              f"{result[0][:16]}", flush=True)
        reference = reference or result
        check(len(result[1]) == STEPS, f"{label}: found {len(result[1])} steps")
        for step, (found, expected) in enumerate(zip(result[1], reference[1])):
            check(found == expected,
                  f"{label}: step {step} has loss and norm {found}, expected {expected}")
        check(result[0] == reference[0], f"{label}: other weights")
    return reference


def check_bits():
    gpt = make_model("gpt.mlir", "gpt", "--layers=3", "--width=24", "--heads=2",
                     "--sequence=12", "--batch=2", "--vocabulary=257")
    variants = [
        (1, 1), (1, 2), (2, 2, "--schedule=zb-h1"), (1, 4), (1, 8), (2, 4, "--zero=0"),
        (3, 1, "--schedule=gpipe"), (1, 2, "--zero=0"),
        (2, 2, "--schedule=interleaved", "--virtual=2", "--recompute=full"),
        (2, 2, "--mesh-order=data,tensor,pipe"),
    ]
    whole = same("gpt", gpt, 8, 8, variants)
    bf16 = ["--precision=bf16"]
    same("bf16", gpt, 8, 4, [(1, 1), (2, 2), (1, 4, "--zero=0"), (3, 2)], bf16)
    llama = make_model("llama.mlir", "llama", "--layers=2", "--width=32", "--heads=4",
                       "--kv-heads=2", "--hidden=48", "--sequence=12", "--batch=2")
    # No power of two: 3 replicas at least.
    same("three", llama, 12, 6, [(1, 3), (2, 3, "--zero=0"), (1, 6)])
    same("sgd", llama, 8, 8, [(1, 1), (2, 4), (4, 2, "--schedule=zb-h2")],
         more=["--optimizer", "sgd"])
    # Enough micro-batches for loops.
    same("loops", llama, 32, 2, [(2, 2, "--unroll"), (2, 2), (4, 2), (1, 2, "--zero=0")])
    odd = SOURCE / "test/EndToEnd/Inputs/odd.mlir"
    same("odd", odd, 6, 2, [(1, 1), (2, 2), (1, 2, "--zero=0"), (4, 2)])
    # The emulated device computes on the host, with kernels of its own.
    device = ["--target=cuda", "--emulate-device"]
    same("device", gpt, 4, 2, [(1, 1), (2, 2), (1, 2, "--zero=0"), (2, 2, "--unroll")],
         device, ["--device", "emulated"])
    return whole


def check_samples(whole):
    """Without groups replicas train on the same samples, in other orders of sums."""
    steps = train("one", "gpt.mlir", 1, ["--microbatches=8"])[1]
    check(steps[0][0] == whole[1][0][0], "one pipeline has another first loss")
    for (loss, norm), (other, other_norm) in zip(steps, whole[1]):
        check(abs(loss - other) < 1e-4 and abs(norm - other_norm) < 1e-3 * norm,
              f"found loss and norm {other}, {other_norm}, of one pipeline {loss}, {norm}")


def check_reports():
    """Traces, timelines and tables have all ranks and their collectives."""
    program = compile_model("gpt.mlir", "reports.exe", "--pp=2", "--dp=2",
                            "--microbatches=4")
    out = must(run(program, 4, "--data", "text", "--steps", 3, "--trace", "trace.json",
                   "--timeline", "timeline.svg", "--profile-out", "profile.json"))
    check("2 replicas, each 4 micro-batches" in out, out)
    check("rank 3" in out, out)
    events = json.loads(pathlib.Path("trace.json").read_text())["traceEvents"]
    names = " ".join(str(event.get("name")) for event in events)
    for name in ("reduce_scatter", "all_gather"):
        check(name in names, f"no {name} in the trace")
    svg = pathlib.Path("timeline.svg").read_text()
    check("reduce_scatter h.0" in svg, "no collective in the timeline")
    for name in ("gather of replicas", "reduction of replicas", "gather, stage 1",
                 "reduction, stage 0"):
        check(name in svg, f"no {name} in the timeline")
    rows = re.findall(r"(?m)^  ((?:measured|predicted|planned)\D*?) +[\d.]+ +([\d.]+)%"
                      r"((?: +[\d.]+%){10})$", out)
    check("parameters  gradients" in out and len(rows) == 3, out)
    for title, bubble, shares in rows:
        shares = [float(share.rstrip("%")) for share in shares.split()]
        check(abs(sum(shares) - 100) < 0.06 and
              abs(sum(shares[1:8]) - float(bubble)) < 0.05, f"{title}: {shares}")
    profile = json.loads(pathlib.Path("profile.json").read_text())
    check(profile["program"]["ranks"] == 4, str(profile["program"]))


def check_errors():
    program = compile_model("gpt.mlir", "errors.exe", "--pp=2", "--dp=2",
                            "--microbatches=4")
    wrong = run(program, 3, "--data", "text", "--steps", 1)
    check(wrong.returncode != 0 and
          "found 3 ranks, expected 4 as the program was compiled for (pipe 2 x data 2)"
          in wrong.stderr, wrong.stderr)
    pathlib.Path("short").write_bytes(b"too short")
    short = run(program, 4, "--data", "short", "--token-format", "bytes", "--steps", 1)
    check(short.returncode != 0 and "expected at least 13 for one sequence" in short.stderr,
          short.stderr)
    # A replica that dies is named by its coordinates.
    with subprocess.Popen(launch(program, 4, "--data", "text", "--steps", 100000),
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=ENVIRONMENT) as job:
        job.stdout.readline()
        while not re.match("step ", job.stdout.readline()):
            pass
        children = pathlib.Path(f"/proc/{job.pid}/task/{job.pid}/children").read_text()
        ranks = sorted(map(int, children.split()))
        os.kill(ranks[3], signal.SIGKILL)
        error = job.communicate()[1]
    check("found the process of rank 3 (pipe 1, data 1) gone, expected it to take part"
          in error, error)


def main():
    start()
    write_text("text")
    whole = check_bits()
    check_samples(whole)
    check_reports()
    check_errors()


main()
