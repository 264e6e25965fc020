#!/usr/bin/env python3
"""A run that was interrupted goes on to the bytes of the one that was not: on another mesh,
with another schedule, on another number of ranks in a process, from any of its checkpoints.

  checkpoints.py BUILD [--all]

Without --all some of the meshes, and small sizes of the axis tensor.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

from checkpoint_files import read_states
from harness import (
    BUILD, ENVIRONMENT, check, compile_model, digest, fail, launch, make_model, must,
    read_metrics, run, start, write_text,
)

STEPS, HALF = 8, 4
ALL = "--all" in sys.argv


class Mesh:
    def __init__(self, pipe, data, tensor, *options):
        self.sizes = (pipe, data, tensor)
        self.ranks = pipe * data * tensor
        self.options = list(options)
        self.name = "x".join(map(str, self.sizes)) + "".join(
            re.sub("[^a-z0-9]", "", option) for option in options)


class Family:
    """Programs of one model whose bits are the same on all meshes."""

    def __init__(self, name, model, parts, groups, microbatches, compiler=(), runner=()):
        self.name, self.model, self.parts, self.groups = name, model, parts, groups
        self.microbatches = microbatches
        self.compiler, self.runner = list(compiler), list(runner)
        self.programs = {}

    def program(self, mesh):
        if mesh.name not in self.programs:
            pipe, data, tensor = mesh.sizes
            check(self.microbatches % data == 0, "micro-batches")
            self.programs[mesh.name] = compile_model(
                self.model, f"{self.name}-{mesh.name}", f"--pp={pipe}", f"--dp={data}",
                f"--tp={tensor}", f"--tensor-groups={self.parts}",
                f"--reduction-groups={self.groups}",
                f"--microbatches={self.microbatches // data}", *mesh.options, *self.compiler)
        return self.programs[mesh.name]

    def train(self, mesh, *options, steps=STEPS):
        return run(self.program(mesh), mesh.ranks, "--data", "text", "--steps", steps, "--decay",
                   "6", "--quiet", *self.runner, *options)

    def check_resume(self, first, others):
        """Trains on `first` without a stop; from its checkpoint in the middle on `others`."""
        whole = pathlib.Path(f"{self.name}-whole")
        must(self.train(first, "--checkpoint", whole, "--every", HALF, "--metrics",
                        f"{whole}.jsonl"))
        steps = sorted(path.name for path in whole.iterdir() if not path.name.startswith("."))
        check(steps == ["latest", f"step-{HALF:08}", f"step-{STEPS:08}"], f"found {steps}")
        check(os.readlink(whole / "latest") == f"step-{STEPS:08}", "latest is behind")
        end = whole / "latest"
        losses = [line["loss"] for line in read_metrics(f"{whole}.jsonl")]
        expected_states = read_states(end)
        for mesh in others:
            name = f"{self.name}: {'x'.join(map(str, first.sizes))} resumed on {mesh.name}"
            resumed = pathlib.Path(f"{self.name}-{mesh.name}-resumed")
            shutil.rmtree(resumed, ignore_errors=True)
            resumed.mkdir()
            shutil.copytree(whole / f"step-{HALF:08}", resumed / f"step-{HALF:08}")
            metrics = pathlib.Path(f"{resumed}.jsonl")
            # As a run leaves it that was killed in a line.
            lines = pathlib.Path(f"{whole}.jsonl").read_text().splitlines(keepends=True)
            metrics.write_text("".join(lines[:HALF + 1]) + '{"step": 5, "lo')
            must(self.train(mesh, "--checkpoint", resumed, "--resume", "--metrics", metrics))
            found = [line["loss"] for line in read_metrics(metrics)]
            check(found == losses, f"{name}: losses {found}, expected {losses}")
            check(digest(resumed / "latest/model.safetensors") ==
                  digest(end / "model.safetensors"), f"{name}: other weights")
            states = read_states(resumed / "latest")
            check(states.keys() == expected_states.keys(), f"{name}: {states.keys()}")
            for state, data in states.items():
                check(data == expected_states[state], f"{name}: other bytes of {state}")
            print(f"{name}: the bytes of the run that was not interrupted")


def check_meshes():
    gpt = make_model("gpt.mlir", "gpt", "--layers=4", "--width=24", "--heads=4",
                     "--sequence=12", "--batch=2", "--vocabulary=259")
    llama = make_model("llama.mlir", "llama", "--layers=4", "--width=32", "--heads=8",
                       "--kv-heads=8", "--hidden=48", "--sequence=12", "--batch=2",
                       "--vocabulary=257")
    first = Mesh(2, 2, 2)
    others = [Mesh(4, 1, 1, "--schedule=zb-h1"), Mesh(1, 1, 2), Mesh(1, 4, 2, "--zero=0")]
    if ALL:
        others += [Mesh(1, 1, 1), Mesh(2, 4, 1, "--schedule=gpipe"), Mesh(2, 1, 2, "--recompute=full"),
                   Mesh(2, 2, 2, "--mesh-order=tensor,pipe,data")]
    Family("gpt", gpt, 2, 4, 4).check_resume(first, others)
    Family("zero0", gpt, 2, 4, 4).check_resume(Mesh(1, 2, 2, "--zero=0"), [Mesh(2, 2, 1)])
    Family("llama", llama, 2, 2, 4, ["--precision=bf16"]).check_resume(
        Mesh(1, 2, 2), [Mesh(2, 1, 1)] + ([Mesh(2, 2, 2)] if ALL else []))
    Family("lion", llama, 1, 2, 4, [], ["--optimizer", "lion"]).check_resume(
        Mesh(2, 1, 1), [Mesh(1, 2, 1)])
    Family("sgd", llama, 1, 1, 4, [], ["--optimizer", "sgd"]).check_resume(
        Mesh(2, 1, 1), [Mesh(1, 1, 1)])
    Family("device", gpt, 1, 2, 4, ["--target=cuda", "--emulate-device"],
           ["--device", "emulated"]).check_resume(Mesh(2, 1, 1), [Mesh(1, 2, 1)])
    if ALL:
        Family("eight", llama, 8, 4, 4).check_resume(
            first, [Mesh(4, 1, 1), Mesh(1, 1, 8), Mesh(1, 4, 2), Mesh(2, 1, 4)])


def wait_for_steps(process, metrics, count):
    """Until a training has written so many lines of metrics."""
    while process.poll() is None:
        if metrics.exists() and metrics.read_text().count("\n") >= count:
            return
        time.sleep(0.01)
    fail(f"ended with {process.returncode} before step {count}")


def check_signals(model):
    """A signal ends a run behind a checkpoint, from which it goes on."""
    steps = 400
    for ranks, number in [(1, signal.SIGINT), (1, signal.SIGTERM), (1, signal.SIGUSR1),
                          (2, signal.SIGUSR1)]:
        program = compile_model(model, f"signal{ranks}", f"--pp={ranks}", "--microbatches=2")
        options = ["--data", "text", "--steps", steps, "--quiet"]
        if ranks == 1 and number == signal.SIGINT:
            must(run(program, ranks, *options, "--save", "whole"))
        folder = pathlib.Path(f"stopped{ranks}{number.name}")
        metrics = pathlib.Path(f"{folder}.jsonl")
        options += ["--checkpoint", folder, "--resume", "--metrics", metrics]
        process = subprocess.Popen(launch(program, ranks, *options), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
        wait_for_steps(process, metrics, 3)
        process.send_signal(number)
        errors = process.communicate(timeout=60)[1]
        check(process.returncode == 128 + number, f"status {process.returncode}: {errors}")
        found = re.search(f"interrupted by {number.name} after (\\d+) of {steps} steps: wrote "
                          f"{folder}/step-(\\d+)", errors)
        check(found and int(found[1]) == int(found[2]) < steps, errors)
        must(run(program, ranks, *options, "--save", "resumed"))
        check(digest("resumed/model.safetensors") == digest("whole/model.safetensors"),
              f"{number.name} on {ranks} ranks: other weights")
        check([line["step"] for line in read_metrics(metrics)] == list(range(steps)),
              f"{number.name}: steps of the metrics")
        # All is done: nothing is left to train.
        output = must(run(program, ranks, *options[:-1], metrics, "--save", "again"))
        check("nothing left to train" in output, output)
        check(digest("again/model.safetensors") == digest("whole/model.safetensors"), "again")
        print(f"{number.name} on {ranks} ranks, after {found[1]} steps: resumed")


def expect(result, *texts, status=1):
    check(result.returncode == status, f"status {result.returncode}: {result.stderr}")
    for text in texts:
        check(text in result.stderr, f"{text!r} is not in: {result.stderr}")


def check_options(model):
    program = compile_model(model, "options", "--pp=2", "--microbatches=2")
    other = compile_model(make_model("other.mlir", "gpt", "--layers=4", "--width=24",
                                     "--heads=4", "--sequence=12", "--batch=2",
                                     "--vocabulary=258"), "other", "--microbatches=2")
    # The same shapes with other mathematics.
    text = pathlib.Path(model).read_text()
    check("nn.gelu" in text, "the model has no gelu")
    pathlib.Path("silu.mlir").write_text(re.sub(
        r"nn\.gelu (%\w+) \{approximate = \"tanh\"\}", r"nn.silu \1", text))
    silu = compile_model("silu.mlir", "silu", "--microbatches=2")
    # The same mathematics in other micro-batches.
    wide = compile_model(make_model("wide.mlir", "gpt", "--layers=4", "--width=24", "--heads=4",
                                    "--sequence=12", "--batch=4", "--vocabulary=259"),
                         "wide", "--microbatches=1")

    def train(*options, program=program, ranks=2, **environment):
        return run(program, ranks, "--data", "text", "--quiet", *options, **environment)

    keep = ["--checkpoint", "kept"]
    must(train("--steps", 7, *keep, "--every", 2, "--keep", 2))
    steps = sorted(path.name for path in pathlib.Path("kept").glob("step-*"))
    check(steps == ["step-00000006", "step-00000007"], f"kept {steps}")
    must(train("--steps", 5, "--checkpoint", "sync", "--every", 1, "--checkpoint-sync"))
    check(len(list(pathlib.Path("sync").glob("step-*"))) == 5, "checkpoints of each step")
    must(train("--steps", 3, "--checkpoint", "clock", "--every-minutes", "0.00001"))
    check(len(list(pathlib.Path("clock").glob("step-*"))) == 3, "checkpoints by the clock")

    # A run that begins anew does not write among those of another.
    expect(train("--steps", 9, *keep), "expected no checkpoints where a run begins anew")
    expect(train("--steps", 5, *keep, "--resume"), "after 7 steps, expected at most the 5")
    expect(train("--steps", 9, *keep, "--resume=kept/step-00000006"), "found step-00000007")
    expect(train("--steps", 9, "--resume=nowhere"), "found no checkpoint in 'nowhere'")
    expect(train("--steps", 9, "--resume"), "found --resume without --checkpoint")
    expect(train("--steps", 9, "--every", 2), "without --checkpoint")
    expect(train("--steps", 9, "--resume-weights-only"), "without --resume")
    expect(train("--steps", 9, *keep, "--emulate=1"), "with --emulate")
    expect(train("--steps", 9, "--checkpoint", "text"), "cannot make the directory")

    # What is not the run of the checkpoint, all of it.
    write_text("another", seed=7)
    resume = ["--steps", 9, "--checkpoint", "new", "--resume=kept"]
    expect(train(*resume, "--seed", 2, "--optimizer", "sgd", "--data", "another"),
           "is not the one of 'kept/step-00000007'", "--seed: found 2, the checkpoint has 1",
           "--optimizer: found sgd", "data: found ")
    expect(run(other, 1, "--data", "text", *resume), "wte.weight is [259, 24], expected [258, 24]")
    expect(run(silu, 1, "--data", "text", *resume), "of other layers")
    must(run(silu, 1, "--data", "text", *resume, "--resume-weights-only", "--quiet"))
    result = train("--steps", 9, "--checkpoint", "lower", "--resume=kept", "--lr", "1e-4")
    must(result)
    check("note: goes on with --lr 0.0001, 0.001 before" in result.stderr, result.stderr)
    must(run(wide, 1, "--data", "text", "--steps", 9, "--resume=kept", "--quiet"))

    # Nothing is allocated in a step while a checkpoint is written beside it.
    single = compile_model(model, "single", "--microbatches=2")
    output = must(run(single, 1, "--data", "text", "--steps", 6, "--checkpoint", "counted",
                      "--every", 1, "--memory-report", PPRT_COUNT_ALLOCATIONS="1"))
    check(re.search(r"rank 0: program 0, MPI 0, libraries 0", output), output)
    check(re.search(r"rank 0 +copies [0-9.]+ MiB for each checkpoint", output), output)


def damaged(name, change):
    """A copy of a checkpoint that is not whole any more."""
    folder = pathlib.Path(name)
    shutil.copytree("kept/step-00000007", folder)
    change(folder)
    return folder


def check_damage():
    program = pathlib.Path("options").resolve()

    def resume(folder):
        return run(program, 2, "--data", "text", "--steps", 9, "--quiet", f"--resume={folder}")

    def edit(change):
        def apply(folder):
            path = folder / "checkpoint.json"
            index = json.loads(path.read_text())
            change(index)
            path.write_text(json.dumps(index))
        return apply

    def cut(name, count):
        def apply(folder):
            path = folder / name
            os.truncate(path, path.stat().st_size - count)
        return apply

    slices = lambda index: index["states"][0]["slices"]
    cases = [
        ("half", cut("checkpoint.json", 1000), "the file is damaged"),
        ("state", cut("optimizer-00000.safetensors", 4), "truncated"),
        ("weights", cut("model.safetensors", 4), "truncated"),
        ("lost", lambda folder: (folder / "optimizer-00000.safetensors").unlink(),
         "optimizer-00000.safetensors"),
        ("gap", edit(lambda index: slices(index).pop()), "slices with gaps between"),
        ("twice", edit(lambda index: slices(index).append(slices(index)[0])),
         "slices that overlap"),
        ("renamed", edit(lambda index: slices(index)[0].update(tensor="x")),
         "found no tensor 'x'"),
        ("fewer", edit(lambda index: index["states"].pop(0)), "the checkpoint has none"),
        ("version", edit(lambda index: index.update(version=9)), "found version 9"),
    ]
    for name, change, text in cases:
        expect(resume(damaged(f"damaged-{name}", change)), text)
    print(f"{len(cases)} damaged checkpoints are errors")


def main():
    start()
    write_text("text")
    check_meshes()
    check_signals("gpt.mlir")
    check_options("gpt.mlir")
    check_damage()


main()
