"""Runs the examples of passes in docs/Passes.md, which is made from Passes.td.

Of each pass, after the word `Example`:

- the first block of code is the input, a whole file;
- the second one, behind "becomes", or what follows a line `// becomes` in the
  first one, is a part of the output: names of values may differ, as long as
  equal ones stay equal, `...` stands for anything, and white space is nothing.
  It may not be in the input, or the example would say nothing;
- a second block of no language is what the pass says about the input:
  `error:` or `remark:` and a part of the message, one a line.

Code in the sentence of the word `Example` is said to pp-opt: `--other-pass` runs
before, `option=value` is the pass's.
"""

import re
import subprocess
import sys

TOKEN = re.compile(r"%[\w.$-]+|\.\.\.|[\w.$@!^#-]+|\S")
# What begins names of its own.
SCOPES = {"func.func", "llvm.func", "gpu.func", "pp.program", "pp.layer", "pp.model"}
BLOCK = re.compile(r"```(\w*)\n(.*?)```", re.S)


def tokens(text):
    text = re.sub(r"^\s*//.*$", "", text, flags=re.M)
    # `%x:2` and `%x#1` are the name, then the rest.
    return TOKEN.findall(text)


class Search:
    """Looks for the expected tokens anywhere in the actual ones."""

    def __init__(self, expected, actual):
        self.expected, self.actual, self.furthest = expected, actual, 0

    def matches(self):
        return any(self.at(0, start, {}) for start in range(len(self.actual)))

    def at(self, e, a, names):
        while e < len(self.expected):
            self.furthest = max(self.furthest, e)
            token = self.expected[e]
            if token == "...":
                return any(
                    self.at(e + 1, rest, dict(names)) for rest in range(a, len(self.actual) + 1)
                )
            if a == len(self.actual):
                return False
            found = self.actual[a]
            if token in SCOPES:
                names = {}
            if token.startswith("%"):
                if not found.startswith("%") or names.setdefault(token, found) != found:
                    return False
            elif token != found:
                return False
            e, a = e + 1, a + 1
        return True

    def complaint(self):
        shown = self.expected[max(0, self.furthest - 8) : self.furthest + 4]
        return f"found no '{' '.join(shown)}' in the output"


def run(arguments, text):
    return subprocess.run(["pp-opt", *arguments], input=text, capture_output=True, text=True)


def check(name, section):
    """What is wrong with the example of a pass, or nothing."""
    section = re.split(r"^#### (?:Options|Statistics)", section, flags=re.M)[0]
    example = re.search(r"^Example\b", section, re.M)
    blocks = list(BLOCK.finditer(section, example.start())) if example else []
    if not blocks:
        return "found no example, expected one with input and output"
    sentence = section[example.start() : blocks[0].start()]
    said = re.findall(r"`(--[^`]*|[\w-]+=[^`]*)`", sentence)
    before = [word for code in said if code.startswith("--") for word in split(code)]
    options = " ".join(code for code in said if not code.startswith("--"))
    this = f"--{name}={options}" if options else f"--{name}"

    parts = re.split(r"^\s*// becomes\n", blocks[0][2], flags=re.M)
    kind = "mlir"
    if len(parts) == 1:
        if len(blocks) < 2:
            return "found no output, expected a second block"
        kind = blocks[1][1]
        parts.append(blocks[1][2])
    given, expected = parts
    plain = run(before, given)
    if plain.returncode:
        return f"found an input that pp-opt refuses: {plain.stderr}"
    result = run(before + [this], given)
    if kind == "mlir":
        if result.returncode:
            return f"found an error of the pass: {result.stderr}"
        search = Search(tokens(expected), tokens(result.stdout))
        if not search.matches():
            return f"{search.complaint()}:\n{result.stdout}"
        if Search(tokens(expected), tokens(plain.stdout)).matches():
            return "found the output in the input, expected a change"
        return None
    for line in expected.strip().split("\n"):
        severity, message = line.strip().split(": ", 1)
        pattern = ".*".join(re.escape(part) for part in re.split(r"\s*\.\.\.\s*", message))
        if not re.search(f"{severity}: {pattern}", result.stderr):
            return f"found no '{line.strip()}' in what is said:\n{result.stderr}"
        if (severity == "error") != bool(result.returncode):
            return f"found the exit status {result.returncode} with '{severity}'"
    return None


def split(code):
    """Words of a command line, of which quotes hold some together."""
    return [word.replace('"', "") for word in re.findall(r'(?:[^\s"]|"[^"]*")+', code)]


def main():
    text = open(sys.argv[1]).read()
    only = sys.argv[2:]
    sections = re.split(r"^### `-([\w-]+)`\n", text, flags=re.M)[1:]
    passes = dict(zip(sections[::2], sections[1::2]))
    wrong = 0
    for name, section in passes.items():
        problem = check(name, section) if not only or name in only else None
        if problem:
            print(f"{name}: {problem}", file=sys.stderr)
            wrong += 1
    print(f"{len(passes)} passes, {wrong} wrong examples")
    return 1 if wrong or not passes else 0


if __name__ == "__main__":
    sys.exit(main())
