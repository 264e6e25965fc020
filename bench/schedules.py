#!/usr/bin/env python3
"""How long it takes to judge large schedules: pp-plan generates, proves,
simulates and prints each of them; the goal is 2 s for 64 ranks with 4 stages
each and 1,024 micro-batches.

  bench/schedules.py [--ranks 64] [--virtual 4] [--microbatches 1024]
"""

import argparse
import json
import pathlib
import subprocess
import time

PLAN = pathlib.Path(__file__).resolve().parents[1] / "build" / "bin" / "pp-plan"
CHOOSES_STAGES = {"interleaved", "looped-bfs"}
NAMES = ["gpipe", "1f1b", "interleaved", "looped-bfs", "zb-h1", "zb-h2", "zb-v",
         "v-half", "v-min", "dualpipe-v"]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranks", type=int, default=64)
    parser.add_argument("--virtual", type=int, default=4)
    parser.add_argument("--microbatches", type=int, default=1024)
    arguments = parser.parse_args()

    print(f"{'schedule':<12} {'stages':>6} {'bubble':>8} {'seconds':>8}")
    for name in NAMES:
        command = [PLAN, "simulate", f"--schedule={name}", "--json",
                   f"--ranks={arguments.ranks}",
                   f"--microbatches={arguments.microbatches}"]
        if name in CHOOSES_STAGES:
            command.append(f"--virtual={arguments.virtual}")
        start = time.perf_counter()
        result = subprocess.run(command, capture_output=True, text=True)
        seconds = time.perf_counter() - start
        if result.returncode:
            print(f"{name:<12} {result.stderr.strip()}")
            continue
        report = json.loads(result.stdout)
        print(f"{name:<12} {report['stages']:>6} {report['bubble']:>8.4f} "
              f"{seconds:>8.2f}")


if __name__ == "__main__":
    main()
