#!/usr/bin/env python3
"""Replicas on two cores against one pipeline: tokens a second of the same step, in turns.

  bench/replicas.py [--model FILE] [--microbatches 8] [--steps 12] [--repeat 3]

One rank alone, which runs all micro-batches; two replicas, which share them, with states
cut over them (--zero=1) and whole (--zero=0), and with as many groups of micro-batches
as leave the bits of eight replicas; and a pipeline of two ranks. Ratios are of medians
over the steps of a round, the median of the rounds.
"""

import pathlib
import statistics

import common

SETTINGS = [
    ("one rank", 1, 1, []),
    ("2 replicas", 1, 2, []),
    ("2 replicas, --zero=0", 1, 2, ["--zero=0"]),
    ("2 replicas, 8 groups", 1, 2, ["--reduction-groups=8"]),
    ("pipeline of 2", 2, 1, []),
]


def main():
    parser = common.options(__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    o = parser.parse_args()
    work = common.prepare(o)
    all_microbatches, programs = o.microbatches, []
    for number, (name, pipe, data, options) in enumerate(SETTINGS):
        o.microbatches = all_microbatches // data
        programs.append(work / f"replicas-{number}")
        common.compile_model(o, programs[-1], f"--pp={pipe}", f"--dp={data}", *options)
    seconds = {name: [] for name, *_ in SETTINGS}
    for _ in range(o.repeat):
        for program, (name, pipe, data, _) in zip(programs, SETTINGS):
            metrics = pathlib.Path(f"{program}.jsonl")
            common.run(o, program, pipe * data, "--metrics", metrics)
            seconds[name].append(statistics.median(common.step_seconds(metrics)))
    base = seconds[SETTINGS[0][0]]
    for name, *_ in SETTINGS:
        ratios = [one / each for one, each in zip(base, seconds[name])]
        print(f"| {name} | {statistics.median(seconds[name]) * 1e3:.1f} ms | "
              f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}) |")


main()
