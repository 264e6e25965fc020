#!/usr/bin/env python3
"""What a compilation costs, and how good its memory plan is.

  bench/compile.py [--repeat 5] [--schedules 1f1b,interleaved,zb-h1,zb-v]

 - examples/gpt.mlir for 4 ranks, with the link: seconds;
 - 96 against 8 equal layers on 8 ranks: code generation (translation to LLVM,
   optimisation, native code) and the whole compilation;
 - 1024 against 64 micro-batches on 16 ranks, the same, for each of --schedules;
 - the arena of each rank against its lower bound (the largest sum of live
   bytes), 1F1B on 8 ranks with 32 micro-batches.

Minimum of the repetitions, which alternate between the two sides.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import time

SOURCE = pathlib.Path(__file__).resolve().parents[1]
COMPILER = SOURCE / "build" / "bin" / "pp-compile"
CODE = ("translate and optimise", "native code")


def compile_once(model, output, *options):
    """Seconds of code generation and of everything."""
    begin = time.monotonic()
    result = subprocess.run([COMPILER, model, "-o", output, "-q", "-v", *options],
                            check=True, capture_output=True, text=True)
    whole = time.monotonic() - begin
    phases = re.findall(r"^ *([0-9.]+) s  (.*)$", result.stdout + result.stderr, re.M)
    return sum(float(s) for s, name in phases if name in CODE), whole


def compare(name, repeat, sides):
    """Each side is a list of arguments of compile_once."""
    best = [(1e9, 1e9)] * len(sides)
    for _ in range(repeat):
        for i, side in enumerate(sides):
            best[i] = tuple(map(min, best[i], compile_once(*side)))
    (code1, whole1), (code2, whole2) = best
    print(f"{name}: code generation {code1:.3f} s and {code2:.3f} s, ratio "
          f"{code2 / code1:.2f}; all {whole1:.2f} s and {whole2:.2f} s, ratio "
          f"{whole2 / whole1:.2f}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--schedules", default="1f1b,interleaved,zb-h1,zb-v")
    o = parser.parse_args()
    work = SOURCE / "build" / "bench"
    work.mkdir(parents=True, exist_ok=True)
    output = work / "compiled"

    example = min(compile_once(SOURCE / "examples/gpt.mlir", output, "--pp=4")[1]
                  for _ in range(o.repeat))
    print(f"examples/gpt.mlir, 4 ranks, linked: {example:.2f} s")

    models = {}
    for layers in (8, 30, 96):
        models[layers] = work / f"layers{layers}.mlir"
        with models[layers].open("w") as file:
            subprocess.run([sys.executable, SOURCE / "bench/make_model.py", "gpt",
                            f"--layers={layers}"], stdout=file, check=True)
    eight = ("--pp=8", "--microbatches=32", "--schedule=1f1b")
    compare("8 and 96 layers, 8 ranks, 32 micro-batches", o.repeat,
            [(models[8], output, *eight), (models[96], output, *eight)])
    for schedule in o.schedules.split(","):
        compare(f"64 and 1024 micro-batches, 16 ranks, {schedule}", o.repeat,
                [(models[30], output, "--pp=16", f"--microbatches={m}",
                  f"--schedule={schedule}") for m in (64, 1024)])

    rank = subprocess.run([COMPILER, models[96], "--emit=rank", "-o", "-", "-q", *eight],
                          check=True, capture_output=True, text=True).stdout
    plans = [(int(a), int(b)) for a, b in re.findall(
        r"pp\.memory = \{[^}]*arena = (\d+)[^}]*lower_bound = (\d+)", rank)]
    print("arena over lower bound, 96 layers, 8 ranks, 32 micro-batches: "
          + ", ".join(f"{a / b:.4f}" for a, b in plans)
          + f"; largest arena {max(a for a, _ in plans) / 2**20:.1f} MiB")


main()
