#!/usr/bin/env python3
"""Step time predicted from a profile against the step time measured, side by side.

  bench/prediction.py [--model FILE] [--ranks 1,2] [--schedules 1f1b,search]
                      [--microbatches 8] [--steps 12] [--repeat 3]

Each round profiles a program on as many ranks (--profile-out), compiles it again
with --profile, which predicts the step, and runs that. Measured is the median step
after two of warm-up. Where the schedule is that of the profiled program, the step of
the profiled run itself is compared as well: other work on the machine, which moves
two runs apart, moves that and its profile together. Prints a line a round, and for
each setting the round whose ratio is the middle one.
"""

import json
import re
import statistics

import common


def measure(o, work, ranks, schedule):
    """Seconds of a step: predicted, measured, and in the profiled run."""
    options = [f"--pp={ranks}", "-q"]
    program, profile = work / "prediction", work / "prediction.json"
    common.compile_model(o, program, *options)
    common.run(o, program, ranks, "--profile-out", profile)
    options += [f"--schedule={schedule}", f"--profile={profile}"]
    own = json.loads(profile.read_text())["step"]
    text = common.compile_model(o, "-", "--emit=rank", *options)
    predicted = float(re.search(r"makespan = ([0-9.e+-]+)", text).group(1))
    common.compile_model(o, program, *options)
    metrics = work / "prediction.jsonl"
    common.run(o, program, ranks, "--metrics", metrics)
    return predicted, statistics.median(common.step_seconds(metrics)), own


def main():
    parser = common.options(__doc__)
    parser.add_argument("--ranks", default="1,2")
    parser.add_argument("--schedules", default="1f1b,search")
    parser.add_argument("--repeat", type=int, default=3)
    o = parser.parse_args()
    work = common.prepare(o)
    settings = [(int(ranks), schedule) for ranks in o.ranks.split(",")
                for schedule in o.schedules.split(",")]
    results = {setting: [] for setting in settings}
    for turn in range(o.repeat):
        for ranks, schedule in settings:
            predicted, measured, own = measure(o, work, ranks, schedule)
            ratio = predicted / measured
            results[ranks, schedule].append((ratio, predicted, measured, predicted / own))
            same = f", in the profiled run {own * 1e3:.2f} ms, ratio {predicted / own:.3f}"
            print(f"{turn}: {ranks} ranks, {schedule}: predicted {predicted * 1e3:.2f} ms, "
                  f"measured {measured * 1e3:.2f} ms, ratio {ratio:.3f}"
                  f"{same if schedule == '1f1b' else ''}", flush=True)
    for (ranks, schedule), rounds in results.items():
        ratio, predicted, measured, _ = sorted(rounds)[len(rounds) // 2]
        own = sorted(entry[3] for entry in rounds)
        print(f"| {ranks} | {schedule} | {predicted * 1e3:.2f} ms | {measured * 1e3:.2f} ms "
              f"| {ratio:.3f} ({min(rounds)[0]:.3f} to {max(rounds)[0]:.3f}) "
              f"| {f'{own[0]:.3f} to {own[-1]:.3f}' if schedule == '1f1b' else ''} |")


main()
