"""What measurements of compiled programs share: options, text, how they start."""

import argparse
import json
import os
import pathlib
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parents[1]
TOOLS = SOURCE / "build" / "bin"
ENVIRONMENT = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1",
                   OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
WARM_UP = 2  # steps


def options(description):
    """A parser with what all of them take."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=str(SOURCE / "examples/gpt.mlir"))
    parser.add_argument("--microbatches", type=int, default=8)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--data", default=str(SOURCE / "build/demo/bible.txt"))
    parser.add_argument("--work", default=str(SOURCE / "build" / "bench"))
    return parser


def prepare(o):
    """The text to train on, and the folder to work in."""
    work = pathlib.Path(o.work)
    work.mkdir(parents=True, exist_ok=True)
    subprocess.run([SOURCE / "scripts/text", o.data], check=True)
    return work


def compile_model(o, program, *options):
    """Returns what the compiler printed."""
    result = subprocess.run(
        [TOOLS / "pp-compile", o.model, "-o", program,
         f"--microbatches={o.microbatches}", *options],
        check=True, capture_output=True, text=True)
    return result.stdout + result.stderr


def run(o, program, ranks, *options):
    launch = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)]
    subprocess.run(
        [*(launch if ranks > 1 else []), program, "--data", o.data, "--steps",
         str(o.steps), "--quiet", *options],
        check=True, env=ENVIRONMENT, stdout=subprocess.DEVNULL)


def step_seconds(metrics):
    """Of each step after the warm-up."""
    lines = metrics.read_text().splitlines()[WARM_UP:]
    return [json.loads(line)["seconds"] for line in lines]
