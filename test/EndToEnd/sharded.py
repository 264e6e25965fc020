#!/usr/bin/env python3
"""Models written for one device, whose layers the compiler cuts over the axis "tensor": of
one size of that axis they train to the same bytes on any mesh (pipe, data, tensor), by any
schedule; between sizes to the same losses but for rounding, and to the same bytes in equal
parts, where ranks share a process. A file has whole tensors, and goes from mesh to mesh.

  sharded.py BUILD [--all]

Without --all each model is trained on some of the meshes, with options in turns.
"""

import itertools
import pathlib
import struct
import sys

from harness import (
    BUILD, SOURCE, check, digest, execute, make_model, must, read_metrics, run, start,
    write_text,
)

STEPS = 20
GROUPS, MICROBATCHES = 4, 8
MESHES = [mesh for mesh in itertools.product((1, 2, 4), (1, 2, 4), (1, 2, 3, 4))
          if mesh[0] * mesh[1] * mesh[2] <= 8]
OPTIONS = [(), ("--schedule=zb-h1",), ("--recompute=full",), ("--zero=0",),
           ("--schedule=gpipe", "--recompute=full"), ("--schedule=interleaved", "--virtual=2"),
           ("--mesh-order=tensor,pipe,data",), ("--schedule=zb-h1", "--zero=0")]


class Model:
    """`compiler` and `runner`: options of all trainings. `sizes`: of the axis tensor, `few` of
    them without --all."""

    def __init__(self, path, sizes=(1, 2, 4), compiler=(), runner=(), closeness=1e-5, few=None):
        self.path, self.sizes, self.few = path, sizes, few or sizes
        self.compiler, self.runner = list(compiler), list(runner)
        self.closeness = closeness  # of losses, between sizes of the axis


def make_models():
    gpt = make_model("gpt.mlir", "gpt", "--layers=4", "--width=24", "--heads=4",
                     "--sequence=12", "--batch=2", "--vocabulary=260")
    # A vocabulary that nothing divides; grouped queries, no biases.
    llama = make_model("llama.mlir", "llama", "--layers=2", "--width=32", "--heads=8",
                       "--kv-heads=4", "--hidden=48", "--sequence=12", "--batch=2",
                       "--vocabulary=257")
    # One key head for all queries.
    single = make_model("single.mlir", "llama", "--layers=2", "--width=32", "--heads=8",
                        "--kv-heads=1", "--hidden=48", "--sequence=12", "--batch=2",
                        "--vocabulary=257")
    inputs = SOURCE / "test/EndToEnd/Inputs"
    device = ["--target=cuda", "--emulate-device"]
    return {
        "gpt": Model(gpt),
        "whole": Model(gpt, (1, 2), ["--sequence-parallel=off"]),
        "sequence": Model(gpt, (1, 2), ["--sequence-parallel=on"]),
        "llama": Model(llama, few=(1, 4)),
        "single": Model(single, few=(1, 4)),
        "skip": Model(inputs / "skip.mlir", (1, 2)),
        "activations": Model(inputs / "activations.mlir", (1, 2)),
        "sgd": Model(llama, (1, 2), [], ["--optimizer", "sgd", "--lr", "0.05"]),
        "bf16": Model(gpt, (1, 2), ["--precision=bf16"], closeness=2e-2),
        "device": Model(gpt, (1, 2), device, ["--device", "emulated", "--steps", "4"]),
        # A vocabulary in parts with padding, for 3 as well; activations of arith and math.
        "uneven": Model(inputs / "uneven.mlir", (1, 2, 3, 4)),
    }


def meshes_of(model, size, everything):
    """The first of one pipe coordinate and replica."""
    all_meshes = [mesh for mesh in MESHES if mesh[2] == size]
    if everything:
        return all_meshes
    if size == 1:
        return all_meshes[:1]
    some = {2: [(1, 1, 2), (2, 2, 2), (2, 1, 2)], 3: [(1, 1, 3), (2, 1, 3)],
            4: [(1, 1, 4), (2, 1, 4)]}
    return some[size]


def shared_meshes_of(model, number, everything):
    """Meshes of processes that are several ranks, in as many parts as the largest size."""
    fitting = [mesh for mesh in MESHES if mesh[2] < max(model.sizes)]
    if everything:
        return fitting
    some = {2: [(1, 1, 1), (2, 2, 1)], 4: [(1, 2, 1), (1, 1, 2), (2, 1, 1), (2, 2, 2)]}
    return some[max(model.sizes)][number % 2::2]


def train(label, model, mesh, options=(), more=()):
    """Returns what has to be equal; nothing if the schedule does not fit the mesh."""
    pipe, data, tensor = mesh
    words = [f"--pp={pipe}", f"--dp={data}", f"--tp={tensor}",
             f"--microbatches={MICROBATCHES // data}", f"--reduction-groups={GROUPS}"]
    result = execute([BUILD / "bin/pp-compile", model.path, "-o", "program", *words,
                      *model.compiler, *options])
    if result.returncode and "applied layers for" in result.stderr:
        return None
    must(result)
    must(run("./program", pipe * data * tensor, "--data", "text", "--steps", STEPS, "--clip",
             "0.5", "--lr", "0.01", "--seed", 5, "--metrics", f"{label}.jsonl", "--save",
             label, "--quiet", *model.runner, *more))
    steps = [(step["loss"], step["grad_norm"]) for step in read_metrics(f"{label}.jsonl")]
    return digest(pathlib.Path(label) / "model.safetensors"), steps


def check_model(name, model, number, everything):
    """Returns how many programs were trained."""
    firsts, count = {}, 0
    for size in model.sizes if everything else model.few:
        for mesh in meshes_of(model, size, everything):
            options = () if size not in firsts else OPTIONS[number % len(OPTIONS)]
            if size in firsts:
                number += 3
            label = f"{name}-{'-'.join(map(str, mesh))}"
            found = train(label, model, mesh, options)
            if found is None:
                print(f"{label} {' '.join(options)}: too few layers")
                continue
            count += 1
            print(f"{label} {' '.join(options)}: loss {found[1][0][0]:.6f} to "
                  f"{found[1][-1][0]:.6f}, {found[0][:16]}", flush=True)
            expected = firsts.setdefault(size, found)
            check(found == expected, f"{label}: other bytes or numbers than on one pipe "
                  "coordinate and replica")
        for step, ((loss, _), (other, _)) in enumerate(zip(firsts[size][1], firsts[1][1])):
            check(abs(loss - other) <= model.closeness * abs(other),
                  f"{name}: step {step} over {size} has loss {loss}, on one rank {other}")
    parts = max(model.sizes)
    for mesh in shared_meshes_of(model, number, everything):
        label = f"{name}-{'-'.join(map(str, mesh))}-of-{parts}"
        found = train(label, model, mesh, (f"--tensor-groups={parts}",))
        count += 1
        print(f"{label}: {found[0][:16]}", flush=True)
        check(found == firsts[parts],
              f"{label}: other bytes or numbers than on a process for each part")
    return count


def values(label):
    data = (pathlib.Path(label) / "model.safetensors").read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    return struct.unpack(f"<{(len(data) - begin) // 4}f", data[begin:])


def check_files(name, model, saved, others):
    """Weights that `check_model` saved on one mesh are those that another loads; parts in
    blocks and with padding as well."""
    saved = f"{name}-{'-'.join(map(str, saved))}"
    still = ("--lr", "1e-30", "--min-lr", "0", "--steps", "1", "--load", saved)
    for mesh in others:
        train("again", model, mesh, (), still)
        check(digest("again/model.safetensors") == digest(f"{saved}/model.safetensors"),
              f"{name} {mesh}: weights change on their way from {saved}")
    far = max(abs(a - b) for a, b in zip(values(saved), values(f"{name}-1-1-1"), strict=True))
    check(far < 1e-3, f"{name}: weights differ by {far} from those of one rank")


def main():
    start()
    everything = "--all" in sys.argv[2:]
    write_text("text")
    count = 0
    models = make_models()
    for number, (name, model) in enumerate(models.items()):
        count += check_model(name, model, number, everything)
    check_files("gpt", models["gpt"], (2, 2, 2), [(1, 1, 4), (1, 1, 1), (2, 1, 2)])
    check_files("uneven", models["uneven"], (2, 1, 3), [(1, 1, 4), (1, 1, 1), (2, 1, 2)])
    check_files("uneven", models["uneven"], (1, 1, 4), [(1, 1, 3)])
    print(f"{count} programs")


main()
