#!/usr/bin/env python3
"""Two ranks that share each layer on two cores: tokens a second against one rank, and
against PyTorch's own tensor parallelism (gloo, two processes), in turns.

  bench/tensor_parallel.py [--layers 6] [--width 512] [--heads 8] [--sequence 256]
                           [--batch 2] [--vocabulary 4096] [--microbatches 4] [--steps 6]
                           [--repeat 3]

PyTorch is a package from PyPI (torch); without it its rows are left out. It clips no
norm, which pp does. Ratios are of medians over the steps of a round, the median of the
rounds.
"""

import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys

import common


def torch_seconds(o, size):
    command = [sys.executable, common.SOURCE / "bench/tensor_torch.py"]
    if size > 1:
        command[1:1] = ["-m", "torch.distributed.run", "--standalone",
                        f"--nproc-per-node={size}"]
    result = subprocess.run(
        [*map(str, command), o.data, *map(str, (
            o.layers, o.width, o.heads, o.sequence, o.vocabulary, o.batch, o.microbatches,
            o.steps))],
        check=True, capture_output=True, text=True,
        env=dict(os.environ, OMP_NUM_THREADS="1"))
    speeds = json.loads(result.stdout.strip().splitlines()[-1])["tokens_per_second"]
    return o.batch * o.microbatches * o.sequence / statistics.median(
        speeds[common.WARM_UP:])


def main():
    parser = common.options(__doc__)
    for name, value in (("layers", 6), ("width", 512), ("heads", 8), ("sequence", 256),
                        ("batch", 2), ("vocabulary", 4096), ("repeat", 3)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.set_defaults(microbatches=4, steps=6)
    o = parser.parse_args()
    work = common.prepare(o)
    model = work / "tensor.mlir"
    model.write_text(subprocess.run(
        [sys.executable, common.SOURCE / "bench/make_model.py", "gpt",
         *(f"--{name}={getattr(o, name)}" for name in (
             "layers", "width", "heads", "sequence", "batch", "vocabulary"))],
        check=True, capture_output=True, text=True).stdout)
    o.model = str(model)
    rows = {}
    for name, size, options in (
            ("one rank", 1, []), ("tensor 2", 2, []),
            ("tensor 2, --sequence-parallel=off", 2, ["--sequence-parallel=off"]),
            ("pipeline of 2", 1, ["--pp=2"])):
        program = work / ("tensor-" + "".join(c for c in name if c.isalnum()))
        common.compile_model(o, program, *([f"--tp={size}"] if size > 1 else []), *options)
        metrics = pathlib.Path(f"{program}.jsonl")
        ranks = 2 if "--pp=2" in options else size

        def measure(program=program, ranks=ranks, metrics=metrics):
            common.run(o, program, ranks, "--metrics", metrics)
            return statistics.median(common.step_seconds(metrics))
        rows[name] = measure
    if importlib.util.find_spec("torch"):
        rows["PyTorch, one process"] = lambda: torch_seconds(o, 1)
        rows["PyTorch, tensor 2 (gloo)"] = lambda: torch_seconds(o, 2)
    seconds = {name: [] for name in rows}
    for _ in range(o.repeat):
        for name, measure in rows.items():
            seconds[name].append(measure())
    tokens = o.batch * o.microbatches * o.sequence
    for name, all_seconds in seconds.items():
        ratios = [one / each for one, each in zip(seconds["tensor 2"], all_seconds)]
        middle = statistics.median(all_seconds)
        print(f"| {name} | {middle * 1e3:.0f} ms | {tokens / middle:.0f} | "
              f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}) |")


main()
