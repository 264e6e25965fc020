"""Compiles models and runs the programs: what the end-to-end tests share.

Each test is a script, `TEST.py BUILD_DIRECTORY`, that works in its own empty
directory below the build directory and exits non-zero at the first failure.
"""

import hashlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(sys.argv[1]).resolve()
WORK = BUILD / "test" / "EndToEnd" / pathlib.Path(sys.argv[0]).stem

# Debian's Open MPI refuses root, and more ranks than cores, unless told.
ENVIRONMENT = dict(
    os.environ,
    OMPI_ALLOW_RUN_AS_ROOT="1",
    OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
)


def start():
    """Makes the test's directory, empty, and enters it."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    os.chdir(WORK)


def fail(message):
    print(f"FAILED: {message}")
    sys.exit(1)


def check(condition, message):
    if not condition:
        fail(message)


def execute(command, timeout=120, **environment):
    """Runs to the end with stdout and stderr captured as text."""
    try:
        return subprocess.run(
            [str(word) for word in command],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            env=dict(ENVIRONMENT, **environment),
        )
    except subprocess.TimeoutExpired:
        fail(f"still running after {timeout} s: {' '.join(map(str, command))}")


def must(result):
    """Its output, after a check that the command succeeded."""
    if result.returncode != 0:
        print(result.stdout, result.stderr, sep="\n")
        fail(f"status {result.returncode}: {' '.join(result.args)}")
    return result.stdout


def make_model(path, *options):
    """A model file by bench/make_model.py."""
    text = must(execute([sys.executable, SOURCE / "bench/make_model.py", *options]))
    pathlib.Path(path).write_text(text)
    return path


def compile_model(model, output, *options):
    must(execute([BUILD / "bin/pp-compile", model, "-o", output, *options]))
    return pathlib.Path(output).resolve()


def launch(program, ranks, *options):
    """The command line."""
    mpirun = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", ranks]
    return [str(word) for word in [*(mpirun if ranks > 1 else []), program, *options]]


def run(program, ranks, *options, timeout=120, **environment):
    return execute(launch(program, ranks, *options), timeout=timeout, **environment)


def exporting_linker():
    """What stands in for the driver runs the host code of a program's kernels: the
    program has to export it."""
    real = shutil.which("clang++-22") or shutil.which("c++")
    path = pathlib.Path(pathlib.Path(real).name + "-exporting").resolve()
    path.write_text(f'#!/bin/sh\nexec {real} -rdynamic "$@"\n')
    path.chmod(0o755)
    return path


def write_text(path, size=20000, seed=1):
    """Bytes with something to learn: words of a small vocabulary in a random
    order, the same on every machine."""
    generator = random.Random(seed)
    letters = "etaoinshrdlucmfw"
    words = [
        "".join(generator.choice(letters) for _ in range(generator.randint(1, 7)))
        for _ in range(200)
    ]
    text = ""
    while len(text) < size:
        text += generator.choice(words) + generator.choice([" ", " ", " ", ". ", "\n"])
    pathlib.Path(path).write_text(text[:size])
    return path


def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def read_metrics(path):
    return [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]
