#!/usr/bin/env python3
"""Differential fuzzing of the whole compiler.

A case is a random model with random settings: ranks, schedule, recomputation, pins,
loops or not, CPU or emulated device, f32 or bf16, schedules by name or from a file,
threads, a restart from saved weights. Loss and gradients of its first step
have to be those of pp-interpret, in double precision, within what rounding explains;
losses, norms and weights of some steps have to be the same bits under every setting.
Whatever fails, crashes or hangs is a failure, but for documented refusals.

    fuzz.py BUILD_DIRECTORY [--seed N] [--count K] [--seconds S]

A failing case is made smaller and left in a directory with the commands that show it.
The same seed gives the same case, on every machine."""

import argparse
import collections
import concurrent.futures
import math
import os
import pathlib
import shutil
import sys
import threading
import time
import traceback

import check
import shrink


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build", help="build directory")
    parser.add_argument("--seed", type=int, help="first seed (default: a new one each run)")
    parser.add_argument("--count", type=int, default=10**9, help="number of cases")
    parser.add_argument("--seconds", type=float, default=10**9,
                        help="start no case, and end those that run, after this time")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="cases at a time")
    parser.add_argument("--fixed", type=int, nargs="*", default=[],
                        help="seeds to run first, whatever the time")
    parser.add_argument("--keep-going", action="store_true",
                        help="do not stop at the first failure")
    parser.add_argument("--no-shrink", action="store_true",
                        help="leave failing cases as they are")
    parser.add_argument("--shrink-seconds", type=float, default=120,
                        help="time to make a failing case smaller (default 120)")
    parser.add_argument("--distort", metavar="OP",
                        help="make the interpreter compute OP wrongly: what uses it must fail")
    parser.add_argument("--work", help="directory for programs and failures "
                        "(default: test/Fuzz/run below the build directory)")
    return parser.parse_args()


class Fuzzer:
    def __init__(self, options):
        self.options = options
        self.tools = check.Tools(options.build)
        self.tools.distort = options.distort
        self.work = pathlib.Path(options.work or
                                 self.tools.build / "test" / "Fuzz" / "run").resolve()
        self.start = time.monotonic()
        self.end = self.start + options.seconds
        self.lock = threading.Lock()
        self.failures = []
        self.counts = collections.Counter()
        self.operations = collections.Counter()
        self.refusals = collections.Counter()
        self.worst = (0.0, None)

    def is_late(self):
        return time.monotonic() > self.end

    def say(self, text):
        with self.lock:
            print(text, flush=True)

    def run(self, seed, is_fixed=False):
        """One case. Errors of the fuzzer itself are failures, too."""
        if not is_fixed and (self.is_late() or self.must_stop()):
            return
        begin = time.monotonic()
        directory = self.work / f"case-{seed}"
        try:
            case = check.draw_case(seed, self.tools)
            run, failure = check.run_case(case, self.tools, directory,
                                          math.inf if is_fixed else self.end)
        except check.OutOfTime:
            shutil.rmtree(directory, ignore_errors=True)
            return
        except Exception:
            with self.lock:
                self.failures.append(seed)
            self.say(f"FAILED: case {seed}: the fuzzer\n{traceback.format_exc()}")
            return
        seconds = time.monotonic() - begin
        with self.lock:
            self.counts["cases"] += 1
            self.counts["programs"] += 1 + len(case.settings)
            self.counts["gradients compared"] += run.checked
            self.counts["gradients too sensitive to compare"] += run.unchecked
            self.operations.update(case.model.operations())
            self.refusals.update(run.refusals)
            self.worst = max(self.worst, (run.worst, seed), key=lambda pair: pair[0])
        if not failure:
            shutil.rmtree(directory, ignore_errors=True)
            self.say(f"case {seed}: {case.describe()}, {len(case.settings)} settings agree "
                     f"({seconds:.1f} s)")
            return
        with self.lock:
            self.failures.append(seed)
        self.say(f"FAILED: case {seed}: {case.describe()}\n{failure.kind}: "
                 f"{failure.message.strip()[:2000]}")
        if self.options.no_shrink:
            self.report(run, failure)
            return
        small, failure = shrink.shrink(case, failure, self.tools,
                                       self.work / f"shrink-{seed}",
                                       self.options.shrink_seconds)
        shutil.rmtree(self.work / f"shrink-{seed}", ignore_errors=True)
        run, again = check.run_case(small, self.tools, directory)
        self.report(run, again or failure)

    def report(self, run, failure):
        """Leaves the case with its commands, and prints where."""
        (run.directory / "commands.sh").write_text(
            "#!/bin/sh\n# " + failure.kind + "\ncd \"$(dirname \"$0\")\"\nset -x\n"
            "export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1\n"
            + "\n".join(run.commands) + "\n")
        (run.directory / "message.txt").write_text(failure.message)
        for program in run.directory.glob("*.exe"):
            program.unlink()
        model = run.case.model.text(run.case.settings[-1].stages if run.case.settings else ())
        self.say(f"smaller: {run.case.describe()}\n{failure.kind}: "
                 f"{failure.message.strip()[:2000]}\n{model}\n"
                 + "\n".join(run.commands) + f"\nall of it is in {run.directory}\n"
                 f"again: fuzz.py {self.options.build} --seed {run.case.seed} --count 1")

    def must_stop(self):
        return self.failures and not self.options.keep_going

    def main(self):
        options = self.options
        seed = options.seed
        if seed is None:
            seed = int.from_bytes(os.urandom(5), "little")
        self.say(f"first seed {seed}")
        self.work.mkdir(parents=True, exist_ok=True)
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            list(pool.map(lambda fixed: self.run(fixed, is_fixed=True), options.fixed))
            number = 0
            while number < options.count and not self.is_late() and not self.must_stop():
                size = min(options.jobs * 8, options.count - number)
                list(pool.map(self.run, range(seed + number, seed + number + size)))
                number += size
        self.summarize(seed)
        if not self.counts["cases"]:
            self.say("FAILED: no case ended in time")
            return 1
        return 1 if self.failures else 0

    def summarize(self, seed):
        text = ", ".join(f"{count} {what}" for what, count in self.counts.items())
        self.say(f"{text}, {len(self.failures)} failures in "
                 f"{time.monotonic() - self.start:.0f} s; first seed {seed}")
        self.say(f"largest error: {self.worst[0]:.2g} of what is allowed, "
                 f"case {self.worst[1]}")
        names = " ".join(f"{name}:{count}"
                         for name, count in sorted(self.operations.items()))
        self.say(f"ops: {names}")
        for refusal, count in self.refusals.items():
            self.say(f"refused {count} times: {refusal}")
        if self.failures:
            self.say(f"FAILED cases: {self.failures}")


if __name__ == "__main__":
    sys.exit(Fuzzer(parse()).main())
