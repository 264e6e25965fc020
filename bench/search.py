#!/usr/bin/env python3
"""How close the schedule search comes to its lower bound: makespan over bound for
pipelines of 2 to 16 ranks, half as many to four times as many micro-batches, one
and two stages a rank, several ratios of times and memory caps (of what 1F1B holds
on its first rank). Prints a table of the share of settings within 3 %, and the
worst ones.

  bench/search.py [--effort 10] [--ranks 2,4,8,16] [--jobs 1] [--all FILE]
"""

import argparse
import concurrent.futures
import itertools
import json
import pathlib
import subprocess
import time

PLAN = pathlib.Path(__file__).resolve().parents[1] / "build" / "bin" / "pp-plan"

# Name, F, I, W and transfer time of a stage.
TIMES = [
    ("1 : 1 : 1", 1, 1, 1, 0),
    ("2 : 2.2 : 1.5, transfer 0.1", 2, 2.2, 1.5, 0.1),
    ("18.5 : 18.1 : 9.3, transfer 0.6", 18.522, 18.086, 9.337, 0.601),
    ("1 : 2 : 3", 1, 2, 3, 0),
    ("uneven", 1, 1, 1, 0.05),
]
CAPS = [("no cap", None), ("1F1B", 1.0), ("two thirds", 2 / 3), ("half", 0.5)]


def uneven(stages):
    """The last stage has the loss, and every third a layer more."""
    return [2.5 if s == stages - 1 else 1.5 if s % 3 == 1 else 1 for s in range(stages)]


def measure(setting, effort):
    ranks, microbatches, virtual, times, cap = setting
    name, forward, input_, weight, transfer = times
    scale = uneven(ranks * virtual) if name == "uneven" else [1] * (ranks * virtual)
    command = [
        PLAN, "simulate", "--schedule=search", "--json", f"--ranks={ranks}",
        f"--virtual={virtual}", f"--microbatches={microbatches}",
        f"--transfer={transfer}", f"--effort={effort}",
    ]
    for option, value in [("forward", forward), ("backward-input", input_),
                          ("backward-weight", weight)]:
        command.append(f"--{option}=" + ",".join(f"{value * s:g}" for s in scale))
    if cap[1] is not None:
        command.append(f"--memory-cap={max(virtual, round(cap[1] * ranks * virtual))}")
    start = time.perf_counter()
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    report = json.loads(result.stdout)
    return report["makespan"] / report["lower_bound"], time.perf_counter() - start


def describe(setting):
    ranks, microbatches, virtual, times, cap = setting
    return f"p={ranks} m={microbatches} v={virtual} {times[0]}, {cap[0]}"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--effort", type=int, default=10)
    parser.add_argument("--ranks", default="2,4,8,16")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--all", type=pathlib.Path)
    arguments = parser.parse_args()

    settings = [
        (ranks, microbatches, virtual, times, cap)
        for ranks in map(int, arguments.ranks.split(","))
        for microbatches in (max(1, ranks // 2), ranks, 2 * ranks, 4 * ranks)
        for virtual, times, cap in itertools.product((1, 2), TIMES, CAPS)
    ]
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        measured = list(pool.map(lambda s: measure(s, arguments.effort), settings))
    results = [(ratio, setting) for (ratio, _), setting in zip(measured, settings)]

    def row(label, chosen):
        ratios = sorted(ratio for ratio, _ in chosen)
        within = sum(ratio <= 1.03 for ratio in ratios)
        print(f"| {label} | {len(ratios)} | {within / len(ratios):.0%} | "
              f"{ratios[len(ratios) // 2]:.3f} | {ratios[-1]:.3f} |")

    print("| settings | number | within 3 % | median | largest |")
    print("|---|---|---|---|---|")
    row("all", results)
    for label, index, values in [
        ("ranks", 0, sorted({s[0] for s in settings})), ("stages a rank", 2, (1, 2)),
        ("times", 3, TIMES), ("cap", 4, CAPS),
    ]:
        for value in values:
            name = value if isinstance(value, int) else value[0]
            row(f"{label}: {name}", [r for r in results if r[1][index] == value])
    for label, factor in [("p / 2", 0.5), ("p", 1), ("2 p", 2), ("4 p", 4)]:
        row(f"micro-batches: {label}",
            [r for r in results if r[1][1] == max(1, int(r[1][0] * factor))])
    seconds = [s for _, s in measured]
    print(f"\nslowest {max(seconds):.2f} s, all {sum(seconds):.0f} s\n")
    ordered = sorted(results, key=lambda result: -result[0])
    for ratio, setting in ordered[:12]:
        print(f"{ratio:.3f} {describe(setting)}")
    if arguments.all:
        arguments.all.write_text("".join(
            f"{ratio:.4f} {describe(setting)}\n" for ratio, setting in ordered))


main()
