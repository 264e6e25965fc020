"""Sets numbers in the IR of each level to extremes and runs the level's passes.

usage: extremes.py MODEL

What a pass makes of such IR is an error, or is right; it is never a crash. All
mutants of a level and pass are one file, so pp-opt starts once for each.
"""

import re
import subprocess
import sys

EXTREMES = ["-1", "2147483648", "9223372036854775807"]
MOST = 48  # mutants of a level
OPTIONS = "ranks=2 microbatches=6"


def run(arguments, text):
    return subprocess.run(
        ["pp-opt"] + arguments, input=text, capture_output=True, text=True, timeout=300
    )


def lower(arguments, text):
    done = run(arguments, text)
    if done.returncode:
        sys.exit(f"pp-opt {' '.join(arguments)}: {done.stderr}")
    return done.stdout


def mutants(text):
    """The text with one number changed, over all places evenly."""
    places = []
    offset = 0
    for line in text.splitlines(keepends=True):
        if "pp." in line:
            # Numbers that are no part of a type, a name or a float.
            for match in re.finditer(r'(?<![\w%@.#"-])\d+(?![\w.x"])', line):
                places.append((offset + match.start(), offset + match.end()))
        offset += len(line)
    every = [(place, extreme) for place in places for extreme in EXTREMES]
    for (begin, end), extreme in every[:: max(1, len(every) // MOST)]:
        yield text[:begin] + extreme + text[end:]


def main(model):
    text = open(model).read()
    plan = lower([f"--pp-to-plan={OPTIONS}"], text)
    short = lower(["--pp-project-ranks=loops"], plan)
    rank = lower([f"--pp-to-rank={OPTIONS}"], text)
    layers = lower(["--pp-lower-layers"], rank)
    layers = re.sub(r"\n  module @layers.*", "\n}\n", layers, flags=re.S)
    memory = lower(["--pp-plan-memory"], layers)
    for level, passes in [
        (plan, ["verify-plan", "project-ranks"]),
        (short, ["place-communication"]),
        (rank, ["verify-communication", "annotate-times"]),
        (layers, ["plan-memory"]),
        (memory, ["verify-memory", "lower-programs"]),
    ]:
        every = list(mutants(level))
        for name in passes:
            done = run(["--split-input-file", f"--pp-{name}"], "\n// -----\n".join(every))
            errors = len(re.findall(r": error: ", done.stderr))
            print(f"pp-{name}: {done.returncode}, {len(every)} mutants, {errors} errors")
            if done.returncode not in (0, 1):
                sys.exit(done.stderr[-4000:])


main(sys.argv[1])
