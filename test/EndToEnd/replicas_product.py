#!/usr/bin/env python3
"""One training, whatever the mesh: (pipe, data) in {1, 2, 4} x {1, 2, 4}, by every
schedule, with and without recomputation and states cut over replicas, leaves the same
bytes of loss, norm and weights, for each of several settings of what is trained.

  replicas_product.py BUILD [--all]

All of it takes minutes; without --all each setting is trained on each mesh once, by
schedules and with options in turns.
"""

import itertools
import pathlib
import re
import sys

from harness import (
    BUILD, check, compile_model, digest, execute, make_model, must, read_metrics, run,
    start, write_text,
)

STEPS = 3
MESHES = list(itertools.product((1, 2, 4), (1, 2, 4)))
# With stages a pipe coordinate, where that is not 1.
SCHEDULES = {"1f1b": 1, "gpipe": 1, "zb-h1": 1, "zb-h2": 1, "interleaved": 2,
             "looped-bfs": 2, "zb-v": 2, "v-half": 2, "v-min": 2, "dualpipe-v": 2}
OPTIONS = [(), ("--recompute=full",), ("--zero=0",), ("--recompute=full", "--zero=0"),
           ("--unroll",)]
GROUPS = 4
# Micro-batches of a group, options of the compiler and of the run.
SETTINGS = {
    # Tied embedding, odd sizes; 7 micro-batches a replica where there are 4.
    "seven": (7, [], ["--clip", "0.3"]),
    "sgd": (8, [], ["--optimizer", "sgd", "--lr", "0.05"]),
    "bf16": (8, ["--precision=bf16"], ["--clip", "0.3"]),
}


def variants(number, schedules, everything):
    """Of the setting of that number: mesh, schedule, options."""
    if everything:
        for place, (mesh, schedule) in enumerate(itertools.product(MESHES, schedules)):
            yield mesh, schedule, OPTIONS[(place + number) % len(OPTIONS)]
        return
    for place, mesh in enumerate(MESHES):
        # 3 settings of 9 meshes: strides that share no factor with what they go through.
        turn = number * len(MESHES) + place
        yield mesh, schedules[(3 * turn + number) % len(schedules)], \
            OPTIONS[(2 * turn + number) % len(OPTIONS)]


def train(label, model, mesh, schedule, each, compiler, runner):
    """Returns what has to be equal, or None if the schedule does not fit the mesh."""
    pipe, data = mesh
    options = [f"--pp={pipe}", f"--dp={data}", f"--microbatches={each * GROUPS // data}",
               f"--reduction-groups={GROUPS}", f"--schedule={schedule}", *compiler]
    if schedule in ("interleaved", "looped-bfs"):
        options.append(f"--virtual={SCHEDULES[schedule]}")
    result = execute([BUILD / "bin/pp-compile", model, "-o", "program", "-q", *options])
    if result.returncode and re.search(r"found \d+ micro-batches", result.stderr):
        return None  # some schedules take multiples of the pipe coordinates, or more
    must(result)
    must(run("./program", pipe * data, "--data", "text", "--steps", STEPS, "--seed", 3,
             "--metrics", "metrics.jsonl", "--save", "saved", "--quiet", *runner))
    steps = tuple((step["loss"], step["grad_norm"]) for step in read_metrics("metrics.jsonl"))
    return digest(pathlib.Path("saved/model.safetensors")), steps


def main():
    start()
    everything = "--all" in sys.argv[2:]
    write_text("text")
    model = make_model("gpt.mlir", "gpt", "--layers=6", "--width=15", "--heads=3",
                       "--sequence=11", "--batch=1", "--vocabulary=257")
    count = 0
    for number, (name, (each, compiler, runner)) in enumerate(SETTINGS.items()):
        reference = None
        for mesh, schedule, options in variants(number, list(SCHEDULES), everything):
            label = f"{name}: {mesh[0]} x {mesh[1]} {schedule} {' '.join(options)}"
            found = train(label, model, mesh, schedule, each, [*compiler, *options], runner)
            if found is None:
                print(f"{label}: the schedule does not take so many micro-batches")
                continue
            count += 1
            print(f"{label}: {found[0][:16]}", flush=True)
            reference = reference or found
            check(len(found[1]) == STEPS, f"{label}: found {len(found[1])} steps")
            check(found == reference, f"{label}: found {found}, expected {reference}")
    print(f"{count} programs")


main()
