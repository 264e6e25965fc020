#!/usr/bin/env python3
"""Rules of the source tree that no compiler checks: file sizes, leftovers, what parts
of the runtime may include, and names of files."""

import pathlib
import re
import subprocess
import sys

MAX_LINES = 800

# Parts of the runtime, each of which knows those before it alone.
RUNTIME = ["lib", "gpu", "main"]


def wrong_includes(path, text):
    """Headers of later parts that a file of the runtime includes."""
    if path.parts[:1] != ("runtime",) or path.parts[1] not in RUNTIME:
        return
    for later in RUNTIME[RUNTIME.index(path.parts[1]) + 1:]:
        for header in re.findall(r'^#include "([^"]+)"', text, re.MULTILINE):
            if (pathlib.Path("runtime") / later / header).is_file():
                yield f"{path}: found an include of runtime/{later}/{header}, " \
                      f"expected none: {path.parts[1]} lies below {later}"


def wrong_name(path, text):
    """A pass has a file of its own, of the name that it has in TableGen."""
    found = re.findall(r"^#define GEN_PASS_DEF_(\w+)", text, re.MULTILINE)
    if found and found != [path.stem.upper()]:
        yield f"{path}: found the pass {' and '.join(found)}, expected each in a file of " \
              "its name: rename or split the file"


def main():
    problems = []
    files = subprocess.run(
        ["git", "ls-files"], capture_output=True, text=True, check=True
    ).stdout.split("\n")
    for name in filter(None, files):
        path = pathlib.Path(name)
        if not path.is_file():
            continue
        data = path.read_bytes()
        if b"<<<<<<< " in data or b">>>>>>> " in data:
            if path.name != "check_tree.py":
                problems.append(f"{name}: found a merge conflict")
        if path.suffix in {".cpp", ".h"}:
            problems.extend(wrong_includes(path, data.decode()))
            problems.extend(wrong_name(path, data.decode()))
        if path.suffix in {".cpp", ".h", ".td", ".py", ".mlir"}:
            lines = data.count(b"\n")
            if lines > MAX_LINES:
                problems.append(
                    f"{name}: found {lines} lines, expected at most {MAX_LINES}: "
                    "split the file"
                )
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
