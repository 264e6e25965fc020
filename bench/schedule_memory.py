#!/usr/bin/env python3
"""Memory of each schedule, planned beside its formula: activations in flight by
formula (of docs/Schedules.md, as pp-plan counts them), the bytes that follows from
the size of each stage's activations, and what the compiler's arena has for them.

A stage's size is measured: how much more its rank holds under GPipe for one
micro-batch more. The arena holds more than the formula where values live on
between I and W, and less where a stage needs nothing until W.

  bench/schedule_memory.py [--model examples/gpt.mlir] [--ranks 4] [--microbatches 8]
"""

import argparse
import json
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[1]
NAMES = ["gpipe", "1f1b", "interleaved", "looped-bfs", "zb-h1", "zb-h2", "zb-v",
         "v-half", "v-min", "dualpipe-v"]
ONE_STAGE = {"gpipe", "1f1b", "zb-h1", "zb-h2"}


def planned(model, schedule, ranks, microbatches):
    """Bytes of activations in each rank's arena, and the arenas."""
    options = f"ranks={ranks} microbatches={microbatches} schedule={schedule}"
    text = subprocess.run(
        [ROOT / "build/bin/pp-opt", model, f"--pp-to-memory={options}"],
        capture_output=True, text=True, check=True).stdout
    found = re.findall(r"pp\.memory = \{activations = (\d+) : i64, arena = (\d+)", text)
    return [int(a) for a, _ in found], [int(a) for _, a in found]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=ROOT / "examples/gpt.mlir")
    parser.add_argument("--ranks", type=int, default=4)
    parser.add_argument("--microbatches", type=int, default=8)
    arguments = parser.parse_args()
    ranks, microbatches = arguments.ranks, arguments.microbatches

    def sizes(stages):
        """Bytes of a micro-batch's activations in each stage."""
        few, _ = planned(arguments.model, "gpipe", stages, 4)
        more, _ = planned(arguments.model, "gpipe", stages, 8)
        return [(b - a) // 4 for a, b in zip(few, more)]

    of_stages = {stages: sizes(stages) for stages in (ranks, 2 * ranks)}
    print("| schedule | activations in flight | by formula, MiB | planned, MiB "
          "| planned / formula |")
    print("|---|---|---|---|---|")
    for name in NAMES:
        stages = ranks if name in ONE_STAGE else 2 * ranks
        result = subprocess.run(
            [ROOT / "build/bin/pp-plan", "simulate", f"--schedule={name}",
             f"--ranks={ranks}", f"--microbatches={microbatches}", "--json",
             "--activation-bytes=" + ",".join(map(str, of_stages[stages]))],
            capture_output=True, text=True)
        if result.returncode:
            print(f"| {name} | {result.stderr.strip()} | | | |")
            continue
        report = json.loads(result.stdout)
        formula = report["peak_bytes"]
        found, _ = planned(arguments.model, name, ranks, microbatches)
        mib = lambda values: ", ".join(f"{value / 2**20:.1f}" for value in values)
        print(f"| {name} | {', '.join(map(str, report['peak_activations']))} | "
              f"{mib(formula)} | {mib(found)} | "
              + ", ".join(f"{a / b:.3f}" for a, b in zip(found, formula)) + " |")


main()
