#!/usr/bin/env python3
"""Rules of the source tree that no compiler checks: file sizes, leftovers."""

import pathlib
import subprocess
import sys

MAX_LINES = 800


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
