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
import struct
import subprocess
import sys
import time

from harness import (
    BUILD, ENVIRONMENT, check, compile_model, digest, fail, launch, make_model, must,
    read_metrics, run, start, write_text,
)

STEPS, HALF = 8, 4
ALL = "--all" in sys.argv


def read_tensors(path):
    """The tensors of a file of safetensors: (shape, bytes) by name."""
    content = pathlib.Path(path).read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        check(entry["dtype"] == "F32", f"{path}: {name} is {entry['dtype']}")
        tensors[name] = (entry["shape"], content[8 + length + begin:8 + length + end])
    return tensors


def read_states(directory):
    """The whole states of a checkpoint, put together from slices: bytes by name. Each element
    has to be there once."""
    index = json.loads((directory / "checkpoint.json").read_text())
    files, states = {}, {}
    for name, state in index["states"].items():
        shape = state["shape"]
        strides = [4] * len(shape)
        for dim in reversed(range(len(shape) - 1)):
            strides[dim] = strides[dim + 1] * shape[dim + 1]
        size = 4
        for extent in shape:
            size *= extent
        whole, seen = bytearray(size), 0
        marks = bytearray(size // 4)
        for piece in state["slices"]:
            if piece["file"] not in files:
                files[piece["file"]] = read_tensors(directory / piece["file"])
            found, data = files[piece["file"]][piece["tensor"]]
            check(found == piece["size"], f"{name}: {found} and {piece['size']}")
            row = piece["size"][-1] * 4 if shape else 4
            places = [0]
            for dim in range(len(shape) - 1):
                places = [place + (piece["begin"][dim] + i) * strides[dim]
                          for place in places for i in range(piece["size"][dim])]
            for number, place in enumerate(places):
                at = place + (piece["begin"][-1] * 4 if shape else 0)
                check(not any(marks[at // 4:(at + row) // 4]), f"{name} twice at {at}")
                marks[at // 4:(at + row) // 4] = b"\1" * (row // 4)
                whole[at:at + row] = data[number * row:(number + 1) * row]
                seen += row
        check(seen == size, f"{directory}: {name} has {seen} of {size} bytes")
        states[name] = bytes(whole)
    return states


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


def main():
    start()
    write_text("text")
    check_meshes()


main()
