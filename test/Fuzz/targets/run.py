#!/usr/bin/env python3
"""Runs a libFuzzer target on a bounded number of inputs.

usage: run.py build/bin/pp-fuzz-NAME [--runs N] [--seed N] [--keep DIR]

The seeds of NAME_seeds.py are the corpus to start from. Inputs that fail stay in
build/test/Fuzz/targets/NAME, with the command that runs one again.
"""

import argparse
import importlib
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
# Of one input: its bytes, the memory of the process and of one allocation, and
# seconds. Files are small, so what asks for much believes what they say.
LIMITS = ["-max_len=8192", "-rss_limit_mb=1024", "-malloc_limit_mb=64", "-timeout=20"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("target", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=pathlib.Path,
                        help="a corpus that stays, and grows by what is found")
    o = parser.parse_args()
    target = o.target.resolve()
    name = target.name.removeprefix("pp-fuzz-")
    sys.path.insert(0, str(HERE))
    seeds = list(importlib.import_module(f"{name}_seeds").seeds())
    failures = target.parent.parent / "test/Fuzz/targets" / name
    failures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pp-fuzz-") as work:
        corpus = o.keep or pathlib.Path(work) / "corpus"
        corpus.mkdir(parents=True, exist_ok=True)
        for i, seed in enumerate(seeds):
            (corpus / f"seed-{i:03}").write_bytes(seed)
        command = [target, corpus, f"-runs={o.runs}", f"-seed={o.seed}", *LIMITS,
                   f"-artifact_prefix={failures}/", "-print_final_stats=1"]
        result = subprocess.run(command, stderr=subprocess.PIPE, text=True,
                                errors="replace", check=False)
    lines = result.stderr.splitlines()
    if result.returncode != 0:
        print("\n".join(lines[-60:]))
        print(f"run.py: found a failure of {target.name}, expected none; its input lies in "
              f"{failures}: {target} FILE runs it again")
        return 1
    done = [line.split()[-1] for line in lines if "number_of_executed_units" in line]
    if not done or int(done[0]) < o.runs:
        print(f"run.py: found {done} inputs, expected {o.runs}")
        return 1
    covered = [line for line in lines if "cov:" in line]
    print(f"{name}: {done[0]} inputs from {len(seeds)} seeds, no failure; "
          f"{covered[-1].strip() if covered else ''}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
