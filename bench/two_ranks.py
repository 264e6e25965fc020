#!/usr/bin/env python3
"""Two ranks on two cores: measured step time against the slowest rank's measured
compute plus the predicted bubble, and where each rank's time went.

  bench/two_ranks.py [--model FILE] [--microbatches 8] [--steps 12]

The predicted step is C / (1 - b): C is the compute of the slowest rank, summed
over its actions in the trace (median step), b the bubble that `pp-compile`
predicted for that rank.
"""

import collections
import json
import re
import statistics

import common


def main():
    parser = common.options(__doc__)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--schedule", default="1f1b")
    o = parser.parse_args()
    work = common.prepare(o)
    program, trace, metrics = (work / name for name in
                               ("two_ranks", "two_ranks.json", "two_ranks.jsonl"))
    table = common.compile_model(o, program, f"--pp={o.ranks}",
                                 f"--schedule={o.schedule}")
    print(table)
    common.run(o, program, o.ranks, "--trace", trace, "--metrics", metrics)

    steps = common.step_seconds(metrics)
    measured = statistics.median(steps)
    # Microseconds by rank, step and category of event.
    spent = collections.defaultdict(lambda: collections.defaultdict(float))
    for event in json.loads(trace.read_text())["traceEvents"]:
        if event["ph"] == "X" and "step" in event.get("args", {}):
            key = (event["pid"], event["args"]["step"])
            spent[key][event["cat"]] += event["dur"] * 1e-6
    compute = []
    for rank in range(o.ranks):
        rows = [spent[key] for key in sorted(spent) if key[0] == rank]
        rows = rows[common.WARM_UP:]
        kinds = {kind: statistics.median(row[kind] for row in rows)
                 for kind in ("action", "wait", "report", "transfer")}
        compute.append(kinds["action"])
        print(f"rank {rank}: compute {kinds['action'] * 1e3:8.2f} ms, waiting "
              f"{kinds['wait'] * 1e3:7.2f} ms, report {kinds['report'] * 1e3:6.2f} ms "
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
