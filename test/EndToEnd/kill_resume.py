#!/usr/bin/env python3
"""Ranks that are killed at any moment around the writing of checkpoints: what is there under
the name of a checkpoint is always the whole one of its step, and the run that goes on, on
whatever mesh, ends with the bytes of the one that was never stopped.

  kill_resume.py BUILD [--count N] [--seed S]

kills N times (8), one rank or all of them, with SIGKILL.
"""

import argparse
import hashlib
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

from checkpoint_files import read_states, step_of
from harness import (
    ENVIRONMENT, check, compile_model, digest, fail, launch, make_model, must, read_metrics,
    run, start, write_text,
)

STEPS = 24
PATIENCE = 200  # seconds, for machines that have much else to do
# Axes pipe, data, tensor, and a schedule: all have the same bits.
MESHES = [(2, 1, 1, "1f1b"), (1, 2, 1, "1f1b"), (2, 2, 1, "zb-h1"), (1, 1, 2, "1f1b"),
          (4, 1, 1, "gpipe"), (1, 1, 1, "1f1b"), (2, 1, 2, "1f1b")]


def compile_meshes():
    model = make_model("gpt.mlir", "gpt", "--layers=4", "--width=24", "--heads=4",
                       "--sequence=12", "--batch=2", "--vocabulary=259")
    programs = []
    for pipe, data, tensor, schedule in MESHES:
        name = f"gpt-{pipe}x{data}x{tensor}"
        program = compile_model(
            model, name, f"--pp={pipe}", f"--dp={data}", f"--tp={tensor}", "--tensor-groups=2",
            "--reduction-groups=2", f"--microbatches={4 // data}", f"--schedule={schedule}")
        # With --tensor-groups a process may be several ranks.
        programs.append((program, pipe * data * tensor))
    return programs


def options(folder, metrics, *more):
    return ["--data", "text", "--steps", STEPS, "--quiet", "--checkpoint", folder, "--every", 1,
            "--metrics", metrics, *more]


def content(checkpoint):
    """A digest of all weights and states: the same on all meshes."""
    sums = hashlib.sha256(digest(checkpoint / "model.safetensors").encode())
    for name, data in sorted(read_states(checkpoint).items()):
        sums.update(name.encode() + b"\0" + hashlib.sha256(data).digest())
    return sums.hexdigest()


def checkpoints_of(folder):
    """step -> path of what counts as complete: it has its name and its index."""
    return {step_of(path): path for path in folder.glob("step-*")
            if step_of(path) is not None and (path / "checkpoint.json").exists()}


def reference(program, ranks):
    must(run(program, ranks, *options("whole", "whole.jsonl")))
    found = {step: content(path) for step, path in checkpoints_of(pathlib.Path("whole")).items()}
    check(sorted(found) == list(range(1, STEPS + 1)), f"checkpoints of {sorted(found)}")
    check(len(set(found.values())) == STEPS, "steps change nothing")
    return found, [line["loss"] for line in read_metrics("whole.jsonl")]


def ranks_of(process, program):
    """Processes of the program that `process` has started, or is."""
    found, parents = [], {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
                parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                pass
    for pid in parents:
        above = pid
        while above in parents and above != process.pid:
            above = parents[above]
        try:
            if above == process.pid and os.readlink(f"/proc/{pid}/exe") == str(program):
                found.append(pid)
        except OSError:
            pass
    return found


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


class Moments:
    """When to kill: at a random time, while a checkpoint is being written, or just as one
    has got its name and older ones go."""

    def __init__(self, choose, folder):
        self.choose, self.folder = choose, folder
        self.kind = choose.choice(["time", "partial", "partial", "named"])
        self.count = choose.randint(1, 8)
        self.delay = choose.uniform(0, 3.0 if self.kind == "time" else 0.012)

    def wait(self, process):
        """False where the process has ended before."""
        end = time.monotonic() + PATIENCE
        seen = set(self.names())
        while self.kind != "time" and self.count > 0:
            new = set(self.names()) - seen
            seen |= new
            self.count -= len(new)
            if new:
                end = time.monotonic() + PATIENCE
            if process.poll() is not None:
                return False
            check(time.monotonic() < end, f"no checkpoint within {PATIENCE} s")
            time.sleep(0.0005)
        time.sleep(self.delay)
        return process.poll() is None

    def names(self):
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:
            return []
        return [name for name in names if name.startswith("step-")
                and (".partial-" in name) == (self.kind == "partial")]


def attempt(choose, programs, folder, metrics, keep):
    """Starts or goes on, and kills; the process's status, or None where it was killed."""
    program, ranks = choose.choice(programs)
    process = subprocess.Popen(
        launch(program, ranks, *options(folder, metrics, "--keep", keep, "--resume")),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=ENVIRONMENT)
    moment = Moments(choose, folder)
    was_killed = False
    victims = []
    if moment.wait(process):
        victims = ranks_of(process, program)
        if victims:
            whom = choose.choice(["one", "one", "all", "launcher too"])
            for pid in [choose.choice(victims)] if whom == "one" else victims:
                kill(pid)
            if whom == "launcher too" and process.pid not in victims:
                kill(process.pid)
            was_killed = True
    try:
        output = process.communicate(timeout=PATIENCE)[0]
    except subprocess.TimeoutExpired:
        for pid in [*ranks_of(process, program), process.pid]:
            kill(pid)
        fail(f"{program.name} still runs long after a kill")
    # Without its launcher a rank may live a moment longer.
    for _ in range(6000):
        if not any(pathlib.Path(f"/proc/{pid}").exists() and not is_dead(pid) for pid in victims):
            break
        time.sleep(0.01)
    else:
        fail("a rank still runs a minute after its launcher was killed")
    if was_killed:
        # The last step may have been over, and the job with it.
        return None
    check(process.returncode == 0, f"{program.name}: status {process.returncode}\n{output}")
    return process.returncode


def is_dead(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def check_whole(folder, expected, verified):
    """Each checkpoint is that of its step."""
    for step, path in checkpoints_of(folder).items():
        info = (path / "checkpoint.json").stat()
        key = (step, info.st_ino, info.st_mtime_ns)
        if key not in verified:
            check(content(path) == expected[step], f"{path} is not the checkpoint of its step")
            verified.add(key)
    latest = folder / "latest"
    if latest.is_symlink():
        check((latest / "checkpoint.json").exists(), f"{latest} -> {os.readlink(latest)} is none")


def check_end(folder, metrics, expected, losses, keep):
    check(content(folder / "latest") == expected[STEPS], "other bytes at the end")
    found = read_metrics(metrics)
    check([line["step"] for line in found] == list(range(STEPS)), f"{metrics}: steps")
    check([line["loss"] for line in found] == losses, f"{metrics}: losses")
    kept = sorted(path.name for path in folder.iterdir())
    steps = [f"step-{step:08}" for step in range(max(STEPS - keep, 0) + 1, STEPS + 1)]
    if keep:
        check(kept == sorted([".lock", "latest", *steps]), f"{folder} has {kept}, expected {steps}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--count", type=int, default=5)
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.randrange(10 ** 6)
    print(f"seed {seed}", flush=True)
    choose = random.Random(seed)
    start()
    write_text("text")
    programs = compile_meshes()
    expected, losses = reference(*programs[-2])
    kills = ends = runs = looks = 0
    while kills < arguments.count or ends == 0:
        runs += 1
        folder, metrics = pathlib.Path(f"run{runs}"), pathlib.Path(f"run{runs}.jsonl")
        keep, verified = choose.choice([0, 1, 1, 2, 3]), set()
        while True:
            if kills >= arguments.count:
                # Enough: to the end.
                program, ranks = choose.choice(programs)
                must(run(program, ranks, *options(folder, metrics, "--keep", keep, "--resume")))
                ended = True
            else:
                ended = attempt(choose, programs, folder, metrics, keep) is not None
                kills += not ended
            check_whole(folder, expected, verified)
            if ended:
                check_end(folder, metrics, expected, losses, keep)
                ends += 1
                break
        looks += len(verified)
        shutil.rmtree(folder)
        print(f"run {runs} ended with the right bytes; {kills} kills, {looks} checkpoints looked at",
              flush=True)


main()
