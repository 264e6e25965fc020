#!/usr/bin/env python3
"""What the runtime itself costs, up to 64 ranks on few cores: programs in which
each computation sleeps 5 ms (--emulate) while all communication is real.

  bench/emulated.py [--ranks 4,8,16,32,64] [--schedules 1f1b,zb-h1,interleaved]
                    [--duration 5] [--microbatches-per-rank 1] [--repeat 3]

For each setting: the measured makespan (median step of a run) over that of the
simulator with the same durations and free transfers, in each repetition; the
best counts, since whatever else the machine does can only add to it. The
simulator's number is taken from `pp-plan`, which knows nothing of the run, and
compared with what the program itself predicts.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[1]
TOOLS = SOURCE / "build" / "bin"
STAGES_A_RANK = {"interleaved": 2, "looped-bfs": 2, "zb-v": 2, "v-half": 2,
                 "v-min": 2, "dualpipe-v": 2}
SPLIT = {"zb-h1", "zb-h2", "zb-v", "v-half", "v-min", "dualpipe-v"}


def output(command, **more):
    result = subprocess.run([str(word) for word in command], text=True,
                            capture_output=True, **more)
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{result.stdout}{result.stderr}")
    return result.stdout


def compile_program(work, schedule, ranks, microbatches):
    """One small block a stage; what it computes does not matter."""
    stages = ranks * STAGES_A_RANK.get(schedule, 1)
    model = work / f"layers{stages}.mlir"
    model.write_text(output(
        [sys.executable, SOURCE / "bench/make_model.py", "llama", "--layers", stages,
         "--width", 32, "--heads", 2, "--kv-heads", 2, "--sequence", 16, "--batch", 1,
         "--vocabulary", 32]))
    program = work / f"{schedule}-{ranks}"
    options = [f"--virtual={STAGES_A_RANK[schedule]}"] if schedule == "interleaved" or \
        schedule == "looped-bfs" else []
    output([TOOLS / "pp-compile", model, "-o", program, "-q", f"--pp={ranks}",
            f"--microbatches={microbatches}", f"--schedule={schedule}", *options])
    return program, stages


def simulate(schedule, ranks, stages, microbatches, duration):
    """Stage 0 has no input gradient: where backwards are split, it has no I."""
    inputs = [duration] * stages
    if schedule in SPLIT:
        inputs[0] = 0
    return json.loads(output(
        [TOOLS / "pp-plan", "simulate", f"--schedule={schedule}", f"--ranks={ranks}",
         f"--virtual={stages // ranks}", f"--microbatches={microbatches}",
         f"--forward={duration}", f"--backward-input={','.join(map(str, inputs))}",
         f"--backward-weight={duration}", "--transfer=0", "--json"]))["makespan"]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranks", default="4,8,16,32,64")
    parser.add_argument("--schedules", default="1f1b,zb-h1,interleaved")
    parser.add_argument("--duration", type=float, default=5, help="ms of F, I and W")
    parser.add_argument("--microbatches-per-rank", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--work", default=str(SOURCE / "build" / "bench"))
    o = parser.parse_args()
    work = pathlib.Path(o.work).resolve()
    work.mkdir(parents=True, exist_ok=True)
    environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1",
                       OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    print("| schedule | ranks | micro-batches | simulated | measured | ratios | transfer, "
          "runtime, reduction |\n|---|---|---|---|---|---|---|")
    for schedule in o.schedules.split(","):
        for ranks in map(int, o.ranks.split(",")):
            microbatches = o.microbatches_per_rank * ranks
            program, stages = compile_program(work, schedule, ranks, microbatches)
            simulated = simulate(schedule, ranks, stages, microbatches, o.duration)
            runs = []
            for _ in range(o.repeat):
                text = output(
                    ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", ranks, program,
                     f"--emulate={o.duration}", "--steps", o.steps, "--profile", "--quiet"],
                    env=environment)
                rows = {}
                for title in ("measured, emulated compute", "predicted from the emulated times"):
                    line = re.search(f"^  {title} +(.*)$", text, re.M)[1]
                    rows[title[0]] = [float(x.rstrip("%")) for x in line.split()]
                if abs(rows["p"][0] / simulated - 1) > 1e-3:
                    sys.exit(f"the program predicts {rows['p'][0]} ms, pp-plan {simulated}")
                runs.append((rows["m"][0] / simulated, rows["m"]))
            best, row = min(runs)
            # ms, bubble, compute, warm-up, imbalance, cool-down, transfer, runtime,
            # reduction, optimizer
            print(f"| {schedule} | {ranks} | {microbatches} | {simulated:.1f} ms | "
                  f"{row[0]:.1f} ms | **{best:.3f}** "
                  f"({', '.join(f'{ratio:.3f}' for ratio, _ in sorted(runs)[1:])}) | "
                  f"{row[6]:.2f} %, {row[7]:.2f} %, {row[8]:.2f} % |", flush=True)


main()
