"""Mutants of collectives, and who names them.

    mutants.py PP_OPT FILE

Of each collective of FILE (`comm.*` in layers and functions; a `pp.start` with
its `pp.finish` in programs) makes one module without it, one with it twice, and
one for each other set of axes, and runs comm-verify-distribution on all. Prints
how many there are and how many of them are named, by that pass or, where types
do not fit any more, by the verifiers; fails if one passes.
"""

import re
import subprocess
import sys
from itertools import combinations

SEPARATOR = "// -----"
LAYER_OP = re.compile(r"^\s*(%\S+) = (comm\.[a-z_]+(?: sum)?) (%\S+) over (\[[^\]]*\])")
START = re.compile(r"^\s*(%\S+), (%\S+) = pp\.start \S+ (%\S+) over (\[[^\]]*\])")
AXES = ["data", "tensor"]


def rename(lines, old, new):
    return [re.sub(re.escape(old) + r"(?![\w#])", new, line) for line in lines]


def second_name(name):
    return "%second" + name[1:]


def other_axes(axes):
    sets = [list(s) for n in (1, 2) for s in combinations(AXES, n)]
    texts = ["[" + ", ".join(f'"{a}"' for a in s) + "]" for s in sets]
    return [t for t in texts if t != axes]


def scope(lines, at):
    """The end of the region of line `at`: names are those of one."""
    return next(i for i in range(at, len(lines)) if lines[i].lstrip().startswith("}"))


def mutate(lines):
    """Descriptions and the lines of mutants."""
    for at, line in enumerate(lines):
        layer, start = LAYER_OP.match(line), START.match(line)
        if not layer and not start:
            continue
        what, end = line.strip(), scope(lines, at)
        axes = (layer or start).group(4)
        for other in other_axes(axes):
            yield f"over {other}: {what}", lines[:at] + [line.replace(axes, other)] + lines[at + 1:]
        if layer:
            result, op, operand = layer.group(1, 2, 3)
            last, first = at, [line]
        else:
            buffer, token, operand = start.group(1, 2, 3)
            finish = re.compile(r"^\s*(%\S+) = pp\.finish " + re.escape(token) + r"\b")
            last = next(i for i in range(at, end) if finish.match(lines[i]))
            result = finish.match(lines[last]).group(1)
            first = lines[at : last + 1]
        rest = lines[last + 1 : end]
        between = first[1:-1] if start else []
        yield f"dropped: {what}", lines[:at] + between + rename(rest, result, operand) + lines[end:]
        # The second one takes the result of the first.
        second = rename([first[0]] + ([first[-1]] if start else []), operand, result)
        second = rename(second, result + " =", second_name(result) + " =")
        if start:
            second = rename(rename(second, buffer, second_name(buffer)), token, second_name(token))
        yield f"doubled: {what}", lines[: last + 1] + second + rename(rest, result, second_name(result)) + lines[end:]


def main():
    pp_opt, path = sys.argv[1:3]
    lines = open(path).read().splitlines()
    mutants = list(mutate(lines))
    texts, begins = [], []
    for _, mutant in mutants:
        begins.append(len(texts) + 1)
        texts += mutant + [SEPARATOR]
    run = subprocess.run(
        [pp_opt, "-", "--split-input-file", "--comm-verify-distribution", "-o", "/dev/null"],
        input="\n".join(texts[:-1]),
        capture_output=True,
        text=True,
    )
    errors = {}
    for line, message in re.findall(r"^\S*?:(\d+):\d+: error: (.*)$", run.stderr, re.M):
        number = max(i for i, begin in enumerate(begins) if begin <= int(line))
        errors.setdefault(number, message)
    passed = [d for i, (d, _) in enumerate(mutants) if i not in errors]
    proven = sum("on axis" in m or "on argument" in m for m in errors.values())
    print(f"{len(mutants)} mutants, {len(errors)} named, {proven} of them by their distributions")
    for number, (description, _) in enumerate(mutants):
        if "-v" in sys.argv:
            print(description, "->", errors.get(number))
    if passed:
        sys.exit("not named:\n" + "\n".join(passed))


main()
