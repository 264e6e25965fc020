#!/usr/bin/env python3
"""Matrix products: training gives the same bits with every instruction set that
the processor has and with any number of threads, allocates nothing in a step,
and an instruction set that is not there is an error."""

import re

from harness import (
    check, compile_model, digest, make_model, must, read_metrics, run, start, write_text,
)


def train(program, label, threads=1, isa=""):
    """Digest of the weights and (loss, gradient norm) of each step."""
    output = must(run(program, 1, "--data", "text", "--steps", 3, "--lr", "0.01",
                      "--metrics", f"{label}.jsonl", "--save", label,
                      "--threads", threads, PPRT_CPU_ISA=isa,
                      PPRT_COUNT_ALLOCATIONS="1"))
    counts = re.findall(r"program (\d+), MPI \d+, libraries (\d+)", output)
    check(counts == [("0", "0")], f"{label}: allocations in steps:\n{output}")
    steps = [(step["loss"], step["grad_norm"]) for step in read_metrics(f"{label}.jsonl")]
    check(len(steps) == 3, f"{label}: found {len(steps)} metrics, expected 3")
    print(f"{label}: loss {steps[0][0]:.6f} to {steps[-1][0]:.6f}", flush=True)
    return digest(f"{label}/model.safetensors"), steps


def instruction_sets(program):
    """Those of this processor, as the error for another one lists them."""
    result = run(program, 1, "--data", "text", "--steps", 1, PPRT_CPU_ISA="sse9")
    check(result.returncode == 1, f"PPRT_CPU_ISA=sse9 exits with {result.returncode}")
    found = re.search(r"found PPRT_CPU_ISA=sse9, expected what this processor has: (.*)",
                      result.stderr)
    check(found, f"found no list of instruction sets in\n{result.stderr}")
    sets = found.group(1).split(", ")
    check(sets[0] == "portable", f"found {sets}, expected portable first")
    return sets


def main():
    start()
    write_text("text")
    small = make_model("small.mlir", "gpt", "--layers=2", "--width=32", "--heads=2",
                       "--sequence=16", "--batch=2")
    for precision in ("f32", "bf16"):
        program = compile_model(small, "small.exe", "--pp=1", "--microbatches=2",
                                f"--precision={precision}")
        results = {isa: train(program, f"{precision}-{isa}", isa=isa)
                   for isa in instruction_sets(program)
                   # Sums of bf16 have another order there.
                   if precision == "f32" or isa != "avx512_bf16"}
        for isa, result in results.items():
            check(result == results["portable"],
                  f"{precision}: {isa} gives other bits than portable")

    # Products that are large enough for several threads.
    large = make_model("large.mlir", "gpt", "--layers=1", "--width=256", "--heads=4",
                       "--sequence=64", "--batch=4")
    for precision in ("f32", "bf16"):
        program = compile_model(large, "large.exe", "--pp=1", "--microbatches=2",
                                f"--precision={precision}")
        results = [train(program, f"{precision}-{threads}-threads", threads=threads)
                   for threads in (1, 2, 5)]
        check(results[0] == results[1] == results[2],
              f"{precision}: other bits with other numbers of threads")


main()
