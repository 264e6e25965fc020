#!/usr/bin/env python3
"""Disks that are full and directories that vanish while a run writes checkpoints: it says so
and goes on, the checkpoint before stays, and later ones come again; with
--checkpoint-errors=fail it ends.

  checkpoint_failures.py BUILD [--tmpfs]

A limit of the size of files stands in for a full disk; --tmpfs takes a real one, a file
system of a few MB in memory, which only root can mount."""

import os
import pathlib
import resource
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

RANKS, STEPS = 2, 5000
# Bytes: less than weights and states, more than metrics of all steps.
LIMIT = 600000


def newest(folder):
    steps = [step_of(path) for path in folder.glob("step-*")
             if step_of(path) is not None and (path / "checkpoint.json").exists()]
    return max(steps, default=0)


class Training:
    """A run in the background that writes checkpoints as fast as it can."""

    def __init__(self, program, name, folder, *options):
        self.folder, self.metrics = folder, pathlib.Path(f"{name}.jsonl")
        self.log = pathlib.Path(f"{name}.log")
        with open(self.log, "w") as log:
            # Python ignores SIGXFSZ, and its children, too, if they are not told otherwise:
            # a file that may not grow is an error for who writes to it.
            self.process = subprocess.Popen(
                launch(program, RANKS, "--data", "text", "--steps", STEPS, "--decay", 100,
                       "--quiet", "--checkpoint", folder, "--every", 1, "--keep", 2,
                       "--metrics", self.metrics, *options),
                stdout=log, stderr=subprocess.STDOUT, env=ENVIRONMENT, restore_signals=False)

    def wait(self, what, condition):
        end = time.monotonic() + 100
        while not condition():
            check(self.process.poll() is None,
                  f"ended with {self.process.returncode} before {what}: {self.log.read_text()}")
            check(time.monotonic() < end, f"no {what} within 100 s: {self.log.read_text()}")
            time.sleep(0.01)

    def wait_for_step(self, step):
        self.wait(f"checkpoint of step {step}", lambda: newest(self.folder) >= step)

    def wait_for_text(self, text):
        self.wait(f"'{text}'", lambda: text in self.log.read_text())

    def ranks(self):
        """Processes of the program below the launcher."""
        found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)],
                               capture_output=True, text=True, check=True)
        return [int(pid) for pid in found.stdout.split()]

    def limit(self, size):
        for pid in self.ranks():
            hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))

    def stop(self, status=128 + signal.SIGUSR1):
        """Ends it as a batch system does; its steps. (mpirun gives ranks a second after
        SIGTERM, but any time after SIGUSR1.)"""
        self.process.send_signal(signal.SIGUSR1)
        return self.end(status)

    def end(self, status):
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            fail(f"still runs: {self.log.read_text()}")
        check(self.process.returncode == status,
              f"status {self.process.returncode}, expected {status}: {self.log.read_text()}")
        return len(read_metrics(self.metrics))


def check_resumes(program, folder):
    """What is there is a whole checkpoint of its step, by a run without a stop."""
    step = newest(folder)
    shutil.rmtree("again", ignore_errors=True)
    must(run(program, RANKS, "--data", "text", "--steps", step, "--decay", 100, "--quiet",
             "--checkpoint", "again"))
    mine, again = folder / f"step-{step:08}", pathlib.Path(f"again/step-{step:08}")
    check(digest(mine / "model.safetensors") == digest(again / "model.safetensors"),
          f"{mine}: other weights than those of step {step}")
    check(read_states(mine) == read_states(again), f"{mine}: other states")
    must(run(program, RANKS, "--data", "text", "--steps", step + 2, "--decay", 100, "--quiet",
             "--checkpoint", folder, "--resume"))
    check(newest(folder) == step + 2, "it goes on from there")


def full(program):
    """No file may grow: no checkpoint, but steps. Then it may again."""
    folder = pathlib.Path("full")
    training = Training(program, "full", folder)
    training.wait_for_step(2)
    training.limit(LIMIT)
    training.wait_for_text("no checkpoint after")
    failed = newest(folder)
    check(failed >= 2, "the checkpoint before is gone")
    lines = training.metrics.read_text().count("\n")
    training.wait("more steps", lambda: training.metrics.read_text().count("\n") > lines + 5)
    check(newest(folder) == failed, "a checkpoint although no file may grow")
    training.limit(resource.RLIM_INFINITY)
    training.wait_for_step(failed + 5)
    steps = training.stop()
    text = training.log.read_text()
    check("File too large" in text, text)
    check(newest(folder) == steps, f"the last checkpoint is of {newest(folder)}, not of {steps}")
    check_resumes(program, folder)
    print(f"full: {text.count('no checkpoint after')} checkpoints missed, {steps} steps", flush=True)


def vanished(program):
    folder = pathlib.Path("vanished")
    training = Training(program, "vanished", folder)
    training.wait_for_step(2)
    folder.rename("elsewhere")
    training.wait_for_text("no checkpoint after")
    pathlib.Path("elsewhere").rename(folder)
    before = newest(folder)
    training.wait_for_step(before + 5)
    steps = training.stop()
    check(newest(folder) == steps, f"the last checkpoint is of {newest(folder)}, not of {steps}")
    check_resumes(program, folder)
    print(f"vanished: {training.log.read_text().count('no checkpoint after')} checkpoints missed, "
          f"{steps} steps", flush=True)


def fails(program):
    folder = pathlib.Path("fails")
    training = Training(program, "fails", folder, "--checkpoint-errors=fail")
    training.wait_for_step(2)
    training.limit(LIMIT)
    steps = training.end(1)
    text = training.log.read_text()
    check("no checkpoint after step" in text and "File too large" in text, text)
    check(newest(folder) <= steps < STEPS, f"{newest(folder)} of {steps} steps")
    check_resumes(program, folder)
    print(f"--checkpoint-errors=fail: ended after {steps} steps", flush=True)


def real_disk(program):
    """A file system that other files fill."""
    folder = pathlib.Path("disk")
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "pp-test", folder], check=True)
    try:
        runs = folder / "run"
        training = Training(program, "disk-run", runs)
        training.wait_for_step(2)
        filler = open(folder / "filler", "wb")
        try:
            while filler.write(bytes(1 << 16)):
                filler.flush()
        except OSError:
            pass
        training.wait_for_text("No space left on device")
        before = newest(runs)
        check(before >= 2, "the checkpoint before is gone")
        os.unlink(folder / "filler")
        try:
            filler.close()
        except OSError:
            pass
        training.wait_for_step(before + 5)
        training.stop()
        check_resumes(program, runs)
        print(f"a full disk: {training.log.read_text().count('no checkpoint after')} checkpoints "
              "missed", flush=True)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def main():
    start()
    write_text("text")
    model = make_model("gpt.mlir", "gpt", "--layers=4", "--width=64", "--heads=4",
                       "--sequence=12", "--batch=2", "--vocabulary=259")
    program = compile_model(model, "gpt", f"--pp={RANKS}", "--microbatches=4")
    full(program)
    vanished(program)
    fails(program)
    if "--tmpfs" in sys.argv:
        real_disk(program)


main()
