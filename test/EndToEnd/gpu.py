#!/usr/bin/env python3
"""Programs for GPUs on the emulated device: their kernels, run thread by thread on
the host, train as the program for CPUs does, to the same bits for every number of
ranks and every schedule."""

import json
import os
import pathlib

from harness import (
    BUILD, SOURCE, check, compile_model, digest, execute, make_model, must, read_metrics, run,
    start, write_text,
)

STEPS = 4
DEVICE = ["--target=cuda", "--emulate-device"]


def train(program, ranks, label, *options):
    """Losses and norms of each step; weights go to `label`."""
    must(run(program, ranks, "--data", "text", "--steps", STEPS, "--lr", "0.01",
             "--seed", 7, "--metrics", f"{label}.jsonl", "--save", label, "--quiet",
             *options))
    return [(step["loss"], step["grad_norm"]) for step in read_metrics(f"{label}.jsonl")]


def weights(label):
    return digest(f"{label}/model.safetensors")


def follows(name, model, tolerance, *options, microbatches=4, norms=None):
    """A device computes what the CPU does, but for the order of sums, and in bf16 for
    the roundings that products with epilogues save. These move norms more than losses:
    `norms` is their tolerance."""
    compiled = [f"--microbatches={microbatches}", *options]
    cpu = train(compile_model(model, f"{name}-cpu.exe", "--pp=1", *compiled), 1,
                f"{name}-cpu")
    program = compile_model(model, f"{name}-1.exe", "--pp=1", *compiled, *DEVICE)
    device = train(program, 1, f"{name}-1", "--device", "emulated")
    print(f"{name}: CPU {cpu}, device {device}", flush=True)
    for step, (a, b) in enumerate(zip(cpu, device)):
        for what, x, y, allowed in zip(("loss", "gradient norm"), a, b,
                                       (tolerance, norms or tolerance)):
            check(abs(x - y) <= allowed * abs(x),
                  f"{name}: step {step} has the {what} {y} on a device, {x} on a CPU")
    check(device[-1][0] < device[0][0], f"{name}: the loss does not fall")
    return device


def same_bits(name, model, expected, ranks, schedule, *options, microbatches=4):
    label = f"{name}-{schedule}-{ranks}" + "".join(options)
    program = compile_model(model, f"{label}.exe", f"--pp={ranks}",
                            f"--microbatches={microbatches}", f"--schedule={schedule}",
                            *options, *DEVICE)
    losses = train(program, ranks, label, "--device", "emulated")
    check(losses == expected, f"{label}: found {losses}, expected {expected}")
    check(weights(label) == weights(f"{name}-1"), f"{label}: other weights")


def reload(name):
    """Loading and saving keeps every bit, of masters too: the rate is 0 as an f32."""
    must(run(f"./{name}-1.exe", 1, "--data", "text", "--steps", 1, "--lr", "1e-60", "--quiet",
             "--optimizer", "sgd", "--device", "emulated", "--load", f"{name}-1",
             "--save", "again"))
    check(weights("again") == weights(f"{name}-1"), f"{name}: other weights after loading")


def other_order(name, expected):
    """Where threads and blocks have no order on a device, none may matter."""
    os.environ["PPRT_EMULATED_ORDER"] = "reverse"
    losses = train(f"./{name}-1.exe", 1, f"{name}-reverse", "--device", "emulated")
    del os.environ["PPRT_EMULATED_ORDER"]
    check(losses == expected, f"{name}: found {losses} in reverse, expected {expected}")
    check(weights(f"{name}-reverse") == weights(f"{name}-1"), f"{name}: other weights in reverse")


def predicted_calls(model, program, *options):
    """What the compiler predicts of products and attention has the names and calls, and
    the bytes, of what a program measures."""
    rates = SOURCE / "examples/machines/h100.json"
    must(execute([BUILD / "bin/pp-compile", model, "-q", "--pp=1", "--target=cuda", *options,
                  "--emit=roofline", f"--machine={rates}", "-o", "roofline.txt"]))
    steps = 3
    must(run(program, 1, "--data", "text", "--steps", steps, "--quiet", "--device", "emulated",
             "--kernel-times", "times.json"))
    measured = {kernel["name"]: kernel
                for kernel in json.loads(pathlib.Path("times.json").read_text())["kernels"]}
    text = pathlib.Path("roofline.txt").read_text()
    rows = text.split("products and attention that take longest\n")[1].split("\n\n")[0]
    rows = [row.split(None, 7) for row in rows.splitlines()[1:]]
    check(len(rows) == 10, f"found {len(rows)} products and calls of attention in\n{text}")
    for *_, calls, _, megabytes, _, name in rows:
        check(name in measured, f"no '{name}' among the measured {list(measured)}")
        # The first step does not count.
        check(measured[name]["calls"] == int(calls) * (steps - 1), f"{calls} of {measured[name]}")
        check(f"{measured[name]['bytes'] / (steps - 1) * 1e-6:.1f}" == megabytes,
              f"{megabytes} MB of {measured[name]}")


def refused(program, options, *parts):
    result = run(program, 1, "--data", "text", "--steps", 1, *options)
    check(result.returncode != 0, f"{options}: found success")
    for part in parts:
        check(part in result.stderr, f"{options}: no '{part}' in\n{result.stderr}")


def main():
    start()
    write_text("text")
    gpt = make_model("gpt.mlir", "gpt", "--layers=4", "--width=16", "--heads=2",
                     "--sequence=8", "--batch=2")
    llama = make_model("llama.mlir", "llama", "--layers=2", "--width=16", "--heads=4",
                       "--kv-heads=2", "--hidden=24", "--sequence=8", "--batch=2")
    f32 = follows("gpt", gpt, 1e-4)
    same_bits("gpt", gpt, f32, 2, "1f1b")
    same_bits("gpt", gpt, f32, 2, "interleaved", "--virtual=2")
    same_bits("gpt", gpt, f32, 4, "zb-h1")
    same_bits("gpt", gpt, f32, 2, "gpipe", "--recompute=full")
    reload("gpt")
    other_order("gpt", f32)
    predicted_calls(gpt, "./gpt-1.exe", "--microbatches=4")
    bf16 = follows("gpt-bf16", gpt, 1e-3, "--precision=bf16", norms=5e-3)
    check(bf16 != f32, "the same losses in bf16")
    same_bits("gpt-bf16", gpt, bf16, 2, "1f1b", "--precision=bf16")
    reload("gpt-bf16")
    other_order("gpt-bf16", bf16)
    # Enough micro-batches for programs with loops.
    same_bits("loops", gpt, follows("loops", gpt, 1e-4, microbatches=12), 2, "1f1b",
              microbatches=12)
    same_bits("llama", llama, follows("llama", llama, 1e-4), 2, "1f1b")
    # Dropout, whose keys lie on the device.
    skip = SOURCE / "test/EndToEnd/Inputs/skip.mlir"
    same_bits("skip", skip, follows("skip", skip, 1e-4), 2, "1f1b")
    activations = SOURCE / "test/EndToEnd/Inputs/activations.mlir"
    same_bits("activations", activations, follows("activations", activations, 1e-4), 2, "zb-h1")

    refused("./gpt-1.exe", ["--device", "emulated", "--emulate"],
            "found --emulate with a program for GPUs", "compile it with --target=cpu")
    refused("./gpt-1.exe", ["--device", "emulated", "--profile-out", "p.json"],
            "found --profile-out with a program for GPUs", "measured on CPUs only")
    program = compile_model(gpt, "plain.exe", "--pp=1", "--microbatches=4", "--target=cuda")
    refused(program, ["--device", "emulated"], "compile the program with --emulate-device")


if __name__ == "__main__":
    main()
