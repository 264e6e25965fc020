#!/usr/bin/env python3
"""What the runtime itself costs, up to 64 ranks on few cores: programs in which
each computation sleeps 5 ms (--emulate) while all communication is real.

  bench/emulated.py [--ranks 4,8,16,32,64] [--schedules 1f1b,zb-h1,interleaved]
                    [--duration 5] [--microbatches-per-rank 2] [--repeat 3]
  bench/emulated.py --mesh 4,4,4 [--duration 20] [--prefix "chrt -r 1"] ...

For each setting: the measured makespan (median step of a run) over that of the
simulator with the same durations and free transfers, in each repetition; the
best counts, since whatever else the machine does can only add to it. The
simulator's number is taken from `pp-plan`, which knows nothing of the run, and
compared with what the program itself predicts.

With --mesh the ranks are on three axes (pipe, data, tensor), and the collectives of
layers and of replicas are real, too. Predicted is what the program says: the same
durations, and collectives as planned. The median counts beside the best. With
--prefix runs are started by that command: `chrt -r 1` keeps other work on the
machine off their cores.
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


def compile_mesh(work, schedule, mesh, microbatches):
    """A block of Llama a pipe coordinate."""
    pipe, data, tensor = mesh
    model = work / f"mesh{pipe}.mlir"
    model.write_text(output(
        [sys.executable, SOURCE / "bench/make_model.py", "llama", "--layers", pipe,
         "--width", 64, "--heads", 8, "--kv-heads", 4, "--sequence", 32, "--batch", 1,
         "--vocabulary", 64]))
    program = work / f"{schedule}-{pipe}-{data}-{tensor}"
    output([TOOLS / "pp-compile", model, "-o", program, "-q", f"--pp={pipe}", f"--dp={data}",
            f"--tp={tensor}", f"--microbatches={microbatches}", f"--schedule={schedule}"])
    return program


def run(o, program, ranks, environment):
    """The tables of a run by the first letter of their titles, and its text."""
    text = output([*o.prefix.split(), "mpirun", "--oversubscribe", "--bind-to", "none", "-n",
                   ranks, program, f"--emulate={o.duration}", "--steps", o.steps, "--profile",
                   "--quiet"], env=environment)
    rows = {}
    for title in ("measured, emulated compute", "predicted from the emulated times"):
        line = re.search(f"^  {title} +(.*)$", text, re.M)[1]
        rows[title[0]] = [float(x.rstrip("%")) for x in line.split()]
    return rows, text


def measure_mesh(o, work, environment):
    mesh = [int(size) for size in o.mesh.split(",")]
    ranks = mesh[0] * mesh[1] * mesh[2]
    print("| schedule | pipe, data, tensor | micro-batches | collectives of layers, of a rank | "
          "predicted | measured, median | ratio: median, all |\n|---|---|---|---|---|---|---|")
    for schedule in o.schedules.split(","):
        microbatches = o.microbatches_per_rank * mesh[0]
        program = compile_mesh(work, schedule, mesh, microbatches)
        runs = []
        for _ in range(o.repeat):
            rows, text = run(o, program, ranks, environment)
            count, ms = re.search(r"^collectives of layers: (\d+) a step, ([\d.]+) ms", text,
                                  re.M).groups()
            runs.append((rows["m"][0] / rows["p"][0], rows["m"][0], rows["p"][0], int(count),
                         float(ms)))
        ratio, measured, predicted, count, ms = sorted(runs)[len(runs) // 2]
        print(f"| {schedule} | {o.mesh} | {microbatches} a replica | {count}, {ms:.1f} ms | "
              f"{predicted:.1f} ms | {measured:.1f} ms | **{ratio:.3f}** "
              f"({', '.join(f'{each[0]:.3f}' for each in sorted(runs))}) |", flush=True)


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
    parser.add_argument("--mesh", help="ranks on pipe, data and tensor, as 4,4,4")
    parser.add_argument("--prefix", default="", help="a command that starts mpirun")
    parser.add_argument("--work", default=str(SOURCE / "build" / "bench"))
    o = parser.parse_args()
    work = pathlib.Path(o.work).resolve()
    work.mkdir(parents=True, exist_ok=True)
    environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1",
                       OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    if o.mesh:
        return measure_mesh(o, work, environment)
    print("| schedule | ranks | micro-batches | simulated | measured | ratios | transfer, "
          "runtime, reduction |\n|---|---|---|---|---|---|---|")
    for schedule in o.schedules.split(","):
        for ranks in map(int, o.ranks.split(",")):
            microbatches = o.microbatches_per_rank * ranks
            program, stages = compile_program(work, schedule, ranks, microbatches)
            simulated = simulate(schedule, ranks, stages, microbatches, o.duration)
            runs = []
            for _ in range(o.repeat):
                rows, _ = run(o, program, ranks, environment)
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
