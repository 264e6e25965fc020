#!/usr/bin/env python3
"""What a checkpoint costs: how much longer steps take while one is written beside them, how
long the ranks stop for the copy, and how fast it gets to the disk beside `dd`.

  bench/checkpoint.py [--layers 8] [--width 512] [--ranks 4] [--steps 40] [--every 10]

A step's time is that between two lines of metrics, as they come: what stops the ranks between
two steps is in it. Runs without checkpoints, with them, and with --checkpoint-sync take turns.
dd writes as many bytes as a checkpoint has, as one process and as one for each rank, and
flushes them (conv=fsync)."""

import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

import common

WARM_UP = 3


def step_times(o, program, folder, *options):
    """The run's intervals between steps, and of each checkpoint: the steps that it was
    written beside, its seconds and its bytes."""
    metrics = folder.with_suffix(".jsonl")
    shutil.rmtree(folder, ignore_errors=True)
    metrics.unlink(missing_ok=True)
    launch = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(o.ranks)]
    process = subprocess.Popen(
        [*(launch if o.ranks > 1 else []), program, "--data", o.data, "--steps", str(o.steps),
         "--quiet", "--metrics", metrics, *options],
        env=common.ENVIRONMENT, stdout=subprocess.DEVNULL)
    arrivals, checkpoints, partial = [], [], None
    size = 0
    while process.poll() is None:
        now = time.monotonic()
        if metrics.exists() and metrics.stat().st_size != size:
            size = metrics.stat().st_size
            lines = metrics.read_bytes().count(b"\n")
            arrivals += [now] * (lines - len(arrivals))
        names = os.listdir(folder) if folder.exists() else []
        writing = [name for name in names if ".partial-" in name and not name.endswith("removed")]
        if writing and not partial:
            partial = (writing[0].partition(".")[0], now, len(arrivals))
        if partial and partial[0] in names:
            path = folder / partial[0]
            checkpoints.append((partial[2], len(arrivals), now - partial[1],
                                sum(each.stat().st_size for each in path.iterdir())))
            partial = None
        time.sleep(0.0005)
    if process.returncode:
        sys.exit(f"status {process.returncode}")
    shutil.rmtree(folder, ignore_errors=True)
    times = [after - before for before, after in zip(arrivals, arrivals[1:])]
    return times, checkpoints


def disk_speed(o, size):
    """Bytes a second of dd, alone and with as many as there are ranks."""
    speeds = []
    for count in (1, o.ranks):
        paths = [pathlib.Path(o.work) / f"dd-{i}" for i in range(count)]
        begin = time.monotonic()
        running = [subprocess.Popen(
            ["dd", "if=/dev/zero", f"of={path}", "bs=4M", f"count={max(size // count >> 22, 1)}",
             "conv=fsync"], stderr=subprocess.DEVNULL) for path in paths]
        for each in running:
            each.wait()
        seconds = time.monotonic() - begin
        speeds.append(count * max(size // count >> 22, 1) * (1 << 22) / seconds)
        for path in paths:
            path.unlink()
    return speeds


def main():
    parser = common.options(__doc__)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--sequence", type=int, default=128)
    parser.add_argument("--ranks", type=int, default=4)
    parser.add_argument("--every", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.set_defaults(steps=40)
    o = parser.parse_args()
    work = common.prepare(o)
    o.model = str(work / "checkpoint.mlir")
    pathlib.Path(o.model).write_text(subprocess.run(
        [sys.executable, common.SOURCE / "bench/make_model.py", "gpt", f"--layers={o.layers}",
         f"--width={o.width}", "--heads=8", f"--sequence={o.sequence}", "--batch=1",
         "--vocabulary=4096"], check=True, capture_output=True, text=True).stdout)
    program = work / "checkpoint.exe"
    common.compile_model(o, program, f"--pp={o.ranks}")
    plain, beside, waiting, other, found, disk = [], [], [], [], [], []
    for _ in range(o.rounds):
        times, _ = step_times(o, program, work / "none")
        plain += times[WARM_UP:]
        folder = work / "checkpoints"
        options = ["--checkpoint", folder, "--every", str(o.every), "--keep", "1"]
        times, checkpoints = step_times(o, program, folder, *options)
        # The last one, at the end of the run, has nothing beside it.
        for first, last, seconds, size in checkpoints[:-1]:
            found.append((seconds, size))
            # From the line before which it began to that after which it was there.
            beside += times[max(first - 1, WARM_UP):last]
        other += [times[i] for i in range(WARM_UP, len(times))
                  if not any(first - 1 <= i < last for first, last, _, _ in checkpoints)]
        times, checkpoints = step_times(o, program, folder, *options, "--checkpoint-sync")
        waiting += times[WARM_UP:]
        disk.append(disk_speed(o, found[-1][1]))
    step = statistics.median(plain)
    size = found[-1][1]
    print(f"{o.ranks} ranks, {size / 1e6:.0f} MB a checkpoint, every {o.every} steps")
    print(f"step without checkpoints   {1e3 * step:8.1f} ms (median of {len(plain)})")
    if beside:
        print(f"  while one is written     {1e3 * statistics.median(beside):8.1f} ms "
              f"({100 * (statistics.median(beside) / step - 1):+.1f} %; mean "
              f"{1e3 * statistics.mean(beside):.1f} ms, {len(beside)} steps)")
    print(f"  of the same runs, others {1e3 * statistics.median(other):8.1f} ms")
    print(f"  all, --checkpoint-sync   {1e3 * statistics.mean(waiting):8.1f} ms (mean; without "
          f"checkpoints {1e3 * statistics.mean(plain):.1f} ms)")
    speeds = [size / seconds for seconds, _ in found]
    print(f"written at {statistics.median(speeds) / 1e6:8.0f} MB/s (median of {len(found)}, until "
          "it has its name)")
    for index, what in enumerate(("one", f"{o.ranks} side by side")):
        speed = statistics.median(each[index] for each in disk)
        print(f"dd, {what:14} {speed / 1e6:8.0f} MB/s")


main()
