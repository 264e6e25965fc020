#!/usr/bin/env python3
"""One rank, one thread, f32, AdamW: a compiled program against PyTorch, eager
and torch.compile, on the same GPT-2 and the same batch.

  bench/gpt2_cpu.py --torch-python /path/to/python   (one that has PyTorch)
  bench/gpt2_cpu.py --before OTHER_BUILD/bin         (the compiler of another commit, too)

Each side runs alone, one after the other, in its own process; repetitions
alternate between the sides, so that a slow phase of the machine meets all of
them. Prints median tokens/s and peak resident memory of each side, and the
ratios. Micro-batches: the program accumulates over --microbatches of --batch
rows each, PyTorch does the same.
"""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[1]
TOOLS = SOURCE / "build" / "bin"


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch-python", default=sys.executable)
    parser.add_argument("--before", type=pathlib.Path,
                        help="directory of another pp-compile to compare with")
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--heads", type=int, default=12)
    parser.add_argument("--sequence", type=int, default=256)
    parser.add_argument("--vocabulary", type=int, default=50304)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--microbatches", type=int, default=1)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--work", default=str(SOURCE / "build" / "bench"))
    return parser.parse_args()


def measured(command, **environment):
    """Runs it; its output and its peak resident bytes (from wait4)."""
    process = subprocess.Popen([str(word) for word in command], text=True,
                               stdout=subprocess.PIPE,
                               env=dict(os.environ, OMP_NUM_THREADS="1", **environment))
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"status {status}: {' '.join(map(str, command))}\n{output}")
    return output, usage.ru_maxrss * 1024


def run_program(o, program, data):
    metrics = pathlib.Path(o.work) / "metrics.jsonl"
    _, peak = measured([program, "--data", data, "--token-format", "u16", "--steps",
                        o.steps, "--lr", "1e-4", "--metrics", metrics, "--quiet"])
    steps = [json.loads(line) for line in metrics.read_text().splitlines()]
    return [step["tokens_per_second"] for step in steps[2:]], peak, steps[-1]["loss"]


def run_torch(o, mode, data):
    output, peak = measured(
        [o.torch_python, SOURCE / "bench" / "gpt2_torch.py", mode, data, o.layers,
         o.width, o.heads, o.sequence, o.vocabulary, o.batch, o.microbatches, o.steps])
    result = json.loads(re.search(r"^\{.*\}$", output, re.M).group())
    return result["tokens_per_second"][2:], peak, result["loss"]


def main():
    o = arguments()
    work = pathlib.Path(o.work)
    work.mkdir(parents=True, exist_ok=True)
    # The vocabulary's tokens in a fixed pseudo-random order.
    data = work / "tokens.u16"
    state, tokens = 1, bytearray()
    for _ in range(200000):
        state = (state * 1103515245 + 12345) % 2**31
        tokens += (state % o.vocabulary).to_bytes(2, "little")
    data.write_bytes(tokens)
    model = work / "gpt2.mlir"
    with model.open("w") as file:
        subprocess.run(
            [sys.executable, SOURCE / "bench/make_model.py", "gpt"]
            + [f"--{key}={getattr(o, key)}" for key in
               ("layers", "width", "heads", "sequence", "vocabulary", "batch")],
            stdout=file, check=True)
    def compiled(tools, name):
        subprocess.run([tools / "pp-compile", model, "-o", work / name, "--pp=1",
                        f"--microbatches={o.microbatches}", "--schedule=1f1b"], check=True)
        return lambda: run_program(o, work / name, data)

    sides = {
        "pp": compiled(TOOLS, "gpt2"),
        **({"pp before": compiled(o.before, "gpt2-before")} if o.before else {}),
        "torch eager": lambda: run_torch(o, "eager", data),
        "torch.compile": lambda: run_torch(o, "compile", data),
    }
    speeds, peaks = {name: [] for name in sides}, {name: [] for name in sides}
    for _ in range(o.repeat):
        for name, side in sides.items():
            speed, peak, loss = side()
            speeds[name] += speed
            peaks[name].append(peak)
            print(f"{name:14} {statistics.median(speed):9.1f} tokens/s, peak "
                  f"{peak / 2**20:8.1f} MiB, last loss {loss:.4f}", flush=True)
    ours = statistics.median(speeds["pp"])
    print()
    for name in sides:
        theirs = statistics.median(speeds[name])
        print(f"{name:14} median {theirs:9.1f} tokens/s (min {min(speeds[name]):.1f}, "
              f"max {max(speeds[name]):.1f}), pp is {ours / theirs:.3f} times that; "
              f"peak {min(peaks[name]) / 2**20:.1f} MiB, pp takes "
              f"{min(peaks['pp']) / min(peaks[name]):.3f} of it")


main()
