#!/usr/bin/env python3
"""The bitwise contract: for a number of micro-batches, loss, gradient norm and
weights are the same to the bit on any number of ranks, under any schedule, with
any cut into stages, with and without recomputation."""

import itertools
import pathlib

from harness import (
    SOURCE, check, compile_model, digest, make_model, must, read_metrics, run,
    start, write_text,
)

STEPS = 20
CLIP = 0.5


def train(label, model, ranks, microbatches, schedule, recompute, more):
    """Digest of the weights and (loss, gradient norm) of each step."""
    options = [
        f"--pp={ranks}", f"--microbatches={microbatches}",
        f"--schedule={schedule}", f"--recompute={recompute}", *more,
    ]
    program = compile_model(model, f"{label}.exe", *options)
    must(run(
        program, ranks, "--data", "text", "--steps", STEPS, "--lr", "0.01",
        "--warmup", 3, "--decay", STEPS, "--clip", CLIP, "--seed", 7, "--metrics",
        f"{label}.jsonl", "--save", label, "--quiet",
    ))
    program.unlink()
    steps = [(step["loss"], step["grad_norm"]) for step in read_metrics(f"{label}.jsonl")]
    check(len(steps) == STEPS, f"{label}: found {len(steps)} metrics, expected {STEPS}")
    return digest(pathlib.Path(label) / "model.safetensors"), steps


def same(name, microbatches, variants, learns=True):
    """Trains all variants, (model, ranks, schedule, recompute, more options), and
    compares them with the first. With `learns` the loss has to fall."""
    reference = None
    for model, ranks, schedule, recompute, *more in variants:
        label = "-".join([name, pathlib.Path(model).stem, f"n{ranks}", f"m{microbatches}",
                          pathlib.Path(schedule).stem, recompute, *more])
        result = train(label, model, ranks, microbatches, schedule, recompute, more)
        print(f"{label}: loss {result[1][0][0]:.6f} to {result[1][-1][0]:.6f}, "
              f"weights {result[0][:16]}", flush=True)
        if reference is None:
            reference = result
            losses = [loss for loss, _ in result[1]]
            check(not learns or losses[-1] < losses[0] - 0.5,
                  f"{label}: the loss does not fall")
            check(not learns or any(norm > CLIP for _, norm in result[1]),
                  f"{label}: no gradient norm above the clip")
        for step, (found, expected) in enumerate(zip(result[1], reference[1])):
            check(found == expected,
                  f"{label}: step {step} has loss and norm {found}, expected {expected}")
        check(result[0] == reference[0], f"{label}: other weights")


def main():
    start()
    write_text("text")
    shape = ["gpt", "--layers=3", "--width=32", "--heads=2", "--sequence=12", "--batch=2"]
    even = make_model("even.mlir", *shape)
    uneven = make_model("uneven.mlir", *shape, "--pin=0,0,0,1,2")
    schedules = ["gpipe", "1f1b"]
    same("gpt", 4, [
        (even, *variant)
        for variant in itertools.product([1, 2, 3, 4], schedules, ["none", "full"])
    ] + [(uneven, 3, schedule, "none") for schedule in schedules])

    # In mixed precision, with weights tied over ranks.
    bf16 = "--precision=bf16"
    same("bf16", 4, [
        (even, 1, "gpipe", "none", bf16), (even, 2, "1f1b", "none", bf16),
        (even, 3, "1f1b", "full", bf16), (even, 4, "gpipe", "none", bf16),
        (even, 2, "zb-v", "none", bf16), (uneven, 3, "1f1b", "none", bf16),
    ])

    # One layer a stage, and fewer micro-batches than stages.
    same("few", 2, [
        (even, 1, "gpipe", "none"), (even, 5, "gpipe", "none"),
        (even, 5, "1f1b", "full"),
    ])

    # Every schedule; with stages to spare, any number of them a rank.
    deep = make_model("deep.mlir", "gpt", "--layers=10", "--width=16", "--heads=2",
                      "--sequence=8", "--batch=2")
    pathlib.Path("mine.csv").write_text(
        "0F0,3F0,0F1,3F1,3I0,3W0,0I0,3I1,0F2,3F2,0W0,3W1,0I1,0W1,3I2,3W2,0I2,0W2,"
        "0F3,3F3,3B3,0B3,0F4,3F4,3B4,0B4,0F5,3F5,3B5,0B5\n"
        "1F0,2F0,1F1,2F1,2B0,1I0,2I1,1I1,2W1,1W0,1W1,1F2,2F2,2B2,1B2,"
        "1F3,2F3,2B3,1B3,1F4,2F4,2B4,1B4,1F5,2F5,2B5,1B5\n")
    several = ["interleaved", "looped-bfs", "zb-v", "v-half", "v-min"]
    same("schedules", 6, [(deep, 1, "gpipe", "none")] + [
        (deep, ranks, schedule, "none")
        for ranks in (2, 4) for schedule in ["zb-h1", "zb-h2", *several]
    ] + [
        (deep, 2, "dualpipe-v", "none"), (deep, 3, "dualpipe-v", "full"),
        (deep, 2, "mine.csv", "none"), (deep, 3, "1f1b", "none", "--split-backward"),
        (deep, 3, "interleaved", "none", "--virtual=4"),
        (deep, 4, "looped-bfs", "full", "--virtual=3"), (deep, 1, "zb-v", "none"),
        (deep, 4, "v-min", "none", "--semantics=fifo-per-edge"),
        (deep, 2, "search", "none"), (deep, 4, "search", "full"),
        (deep, 3, "search", "none", "--virtual=2"),
    ])

    # Files as PyTorch writes them.
    files = SOURCE / "test/Tools/pp-plan/Inputs/pytorch"
    for microbatches, names in {
        2: ["loopedbfs-compute"], 3: ["quoted"],
        4: ["1f1b-compute", "dualpipev-compute", "zbv-comms", "zbv-comms-without-sharding"],
    }.items():
        same("pytorch", microbatches, [(deep, 1, "gpipe", "none")] + [
            (deep, 2, files / f"{name}.csv", "none") for name in names])

    # Enough micro-batches for programs with loops, and the same written out.
    same("loops", 27, [(deep, 1, "gpipe", "none", "--unroll")] + [
        (deep, ranks, schedule, "none") for ranks, schedule in [
            (1, "1f1b"), (4, "1f1b"), (3, "gpipe"), (3, "interleaved"),
            (2, "looped-bfs"), (3, "zb-h1"), (2, "zb-h2"), (2, "zb-v"),
            (4, "v-half"), (2, "v-min"), (2, "dualpipe-v"),
        ]
    ] + [
        (deep, 4, "1f1b", "none", "--unroll"), (deep, 2, "zb-v", "full", "--unroll"),
        (deep, 2, "interleaved", "full", "--virtual=4", "--split-backward"),
    ])

    # Stages of one parameter, at the beginning of the arena, or of none.
    inputs = SOURCE / "test/TranslationValidation/Inputs"
    one, no = inputs / "one-parameter.mlir", inputs / "no-parameters.mlir"
    same("places", 11, [(one, 1, "gpipe", "none", "--unroll")] + [
        (one, 2, schedule, "none") for schedule in ("zb-h1", "zb-h2", "1f1b")
    ] + [(one, 2, "1f1b", "none", "--split-backward")], learns=False)
    same("places", 10, [(no, 1, "gpipe", "none", "--unroll")] + [
        (no, 2, schedule, "none")
        for schedule in ("looped-bfs", "zb-v", "v-half", "v-min", "interleaved")
    ], learns=False)

    llama = make_model("llama.mlir", "llama", "--layers=2", "--width=32", "--heads=4",
                       "--kv-heads=2", "--hidden=48", "--sequence=12", "--batch=2")
    same("llama", 3, [
        (llama, 1, "gpipe", "none"), (llama, 2, "1f1b", "none"),
        (llama, 4, "1f1b", "full"),
    ])
    same("llama", 3, [
        (llama, 1, "gpipe", "none", bf16), (llama, 3, "1f1b", "full", bf16),
    ])

    skip = SOURCE / "test/EndToEnd/Inputs/skip.mlir"
    same("skip", 3, [
        (skip, ranks, schedule, recompute)
        for ranks, schedule, recompute in [
            (1, "gpipe", "none"), (1, "1f1b", "full"), (2, "1f1b", "none"),
            (3, "gpipe", "full"), (4, "1f1b", "none"), (7, "1f1b", "full"),
        ]
    ])

    odd = SOURCE / "test/EndToEnd/Inputs/odd.mlir"
    same("odd", 3, [
        (odd, 1, "1f1b", "none"), (odd, 2, "gpipe", "full"), (odd, 4, "1f1b", "none"),
    ])
    same("odd", 3, [
        (odd, 1, "1f1b", "none", bf16), (odd, 3, "gpipe", "full", bf16),
    ])


main()
