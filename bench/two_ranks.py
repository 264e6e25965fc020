#!/usr/bin/env python3
"""Two ranks on two cores: measured step time against the slowest rank's measured
compute plus the predicted bubble, and where each rank's time went.

  bench/two_ranks.py [--model FILE] [--microbatches 8] [--steps 12]

The predicted step is C / (1 - b): C is the compute of the slowest rank, summed
over its actions in the trace (median step), b the bubble that `pp-compile`
predicted for that rank.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import statistics
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parents[1]
TOOLS = SOURCE / "build" / "bin"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=str(SOURCE / "examples/gpt.mlir"))
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--microbatches", type=int, default=8)
    parser.add_argument("--schedule", default="1f1b")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--data", default=str(SOURCE / "build/demo/bible.txt"))
    parser.add_argument("--work", default=str(SOURCE / "build" / "bench"))
    o = parser.parse_args()
    work = pathlib.Path(o.work)
    work.mkdir(parents=True, exist_ok=True)
    subprocess.run([SOURCE / "scripts/text", o.data], check=True)
    program = work / "two_ranks"
    table = subprocess.run(
        [TOOLS / "pp-compile", o.model, "-o", program, f"--pp={o.ranks}",
         f"--microbatches={o.microbatches}", f"--schedule={o.schedule}"],
        check=True, capture_output=True, text=True)
    table = table.stdout + table.stderr
    print(table)
    environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1",
                       OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    subprocess.run(
        ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(o.ranks), program,
         "--data", o.data, "--steps", str(o.steps), "--trace", work / "two_ranks.json",
         "--metrics", work / "two_ranks.jsonl", "--quiet"],
        check=True, env=environment)

    steps = [json.loads(line)["seconds"]
             for line in (work / "two_ranks.jsonl").read_text().splitlines()][2:]
    measured = statistics.median(steps)
    # Microseconds by rank, step and category of event.
    spent = collections.defaultdict(lambda: collections.defaultdict(float))
    for event in json.loads((work / "two_ranks.json").read_text())["traceEvents"]:
        if event["ph"] == "X" and "step" in event.get("args", {}):
            key = (event["pid"], event["args"]["step"])
            spent[key][event["cat"]] += event["dur"] * 1e-6
    compute = []
    for rank in range(o.ranks):
        rows = [spent[key] for key in sorted(spent) if key[0] == rank][2:]
        kinds = {kind: statistics.median(row[kind] for row in rows)
                 for kind in ("action", "wait", "exchange", "transfer")}
        compute.append(kinds["action"])
        print(f"rank {rank}: compute {kinds['action'] * 1e3:8.2f} ms, waiting "
              f"{kinds['wait'] * 1e3:7.2f} ms, exchange {kinds['exchange'] * 1e3:6.2f} ms "
              f"(transfers in flight {kinds['transfer'] * 1e3:.2f} ms)")
    # The last percentage of a rank's row.
    bubbles = [float(value) / 100
               for value in re.findall(r"^ +\d+ .* ([0-9.]+) %", table, re.M)]
    slowest = max(range(o.ranks), key=lambda rank: compute[rank])
    bubble = bubbles[slowest]
    predicted = compute[slowest] / (1 - bubble)
    print(f"step {measured * 1e3:.2f} ms (median of {len(steps)}), predicted "
          f"{predicted * 1e3:.2f} ms from rank {slowest}'s compute "
          f"{compute[slowest] * 1e3:.2f} ms and bubble {100 * bubble:.1f} %: ratio "
          f"{measured / predicted:.3f}")


main()
