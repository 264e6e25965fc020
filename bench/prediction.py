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

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parents[1]
COMPILE = SOURCE / "build" / "bin" / "pp-compile"
ENVIRONMENT = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1",
                   OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")


def run(program, ranks, o, *options):
    launch = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)]
    subprocess.run(
        [*(launch if ranks > 1 else []), program, "--data", o.data, "--steps",
         str(o.steps), "--quiet", *options],
        check=True, env=ENVIRONMENT, stdout=subprocess.DEVNULL)


def measure(o, work, ranks, schedule):
    """Seconds of a step: predicted, measured, and in the profiled run."""
    options = [f"--pp={ranks}", f"--microbatches={o.microbatches}", "-q"]
    program, profile = work / "prediction", work / "prediction.json"
    subprocess.run([COMPILE, o.model, "-o", program, *options], check=True)
    run(program, ranks, o, "--profile-out", profile)
    options += [f"--schedule={schedule}", f"--profile={profile}"]
    own = json.loads(profile.read_text())["step"]
    text = subprocess.run([COMPILE, o.model, "-o", "-", "--emit=rank", *options],
                          check=True, capture_output=True, text=True).stdout
    predicted = float(re.search(r"makespan = ([0-9.e+-]+)", text).group(1))
    subprocess.run([COMPILE, o.model, "-o", program, *options], check=True)
    run(program, ranks, o, "--metrics", work / "prediction.jsonl")
    lines = (work / "prediction.jsonl").read_text().splitlines()
    measured = statistics.median(json.loads(line)["seconds"] for line in lines[2:])
    return predicted, measured, own


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=str(SOURCE / "examples/gpt.mlir"))
    parser.add_argument("--ranks", default="1,2")
    parser.add_argument("--schedules", default="1f1b,search")
    parser.add_argument("--microbatches", type=int, default=8)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--data", default=str(SOURCE / "build/demo/bible.txt"))
    parser.add_argument("--work", default=str(SOURCE / "build" / "bench"))
    o = parser.parse_args()
    work = pathlib.Path(o.work)
    work.mkdir(parents=True, exist_ok=True)
    subprocess.run([SOURCE / "scripts/text", o.data], check=True)
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
