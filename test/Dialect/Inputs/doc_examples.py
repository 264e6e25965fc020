"""Makes a file of the op examples in the reference of a dialect.

`doc_examples.py docs/X.md [CONTEXTS]` prints each example as a part of its own,
for `pp-opt --split-input-file`, and fails where an op is in no example. An
example stands in the context of CONTEXTS that names its op: lines after

    // For: op op ...

in which EXAMPLE is replaced by it. Without one each op becomes a function, whose
arguments are its operands, of the types in parentheses, or all of the first one;
the context of `*` is that of these functions.
"""

import re
import sys


def contexts(path):
    """Text for the example of each op."""
    parts = re.split(r"^// For: (.*)\n", open(path).read(), flags=re.M)[1:]
    return {op: text for ops, text in zip(parts[::2], parts[1::2]) for op in ops.split()}


def function(statement):
    """An op whose operands are arguments of a function."""
    flat = " ".join(statement.split())
    operation, types = re.fullmatch(r"(.*) : ((?:\(|tensor<).*)", flat).groups()
    operands = re.findall(r"%\w+", re.sub(r"^%.*? = ", "", operation))
    found = re.findall(r"tensor<[^>]*>|i64", types.split("->")[0])
    if not types.startswith("("):
        found = found[:1] * len(operands)
    assert len(operands) == len(found), statement
    # One argument a name; a name that stands twice has one type.
    arguments = ", ".join(f"{name}: {type}" for name, type in dict(zip(operands, found)).items())
    return f"func.func @example({arguments}) {{\n  {statement}\n  return\n}}\n"


def main():
    text = open(sys.argv[1]).read()
    known = contexts(sys.argv[2]) if len(sys.argv) > 2 else {}
    sections = re.split(r"^### `(\w+\.\w+)`", text, flags=re.M)[1:]
    ops = set(sections[::2])
    parts, seen = [], set()
    for op, section in zip(sections[::2], sections[1::2]):
        for block in re.findall(r"```mlir\n(.*?)```", section, re.S):
            seen.update(ops & set(re.findall(r"\b\w+\.\w+", block)))
            if op in known:
                parts.append(known[op].replace("EXAMPLE", block))
            else:
                # An op begins where a line does.
                for statement in re.findall(r"^\S.*(?:\n[ \t]+.*)*", block, re.M):
                    frame = known.get("*", "EXAMPLE")
                    parts.append(frame.replace("EXAMPLE", function(statement)))
    print("\n// -----\n".join(parts))
    return f"ops without an example: {sorted(ops - seen)}" if ops - seen else 0


if __name__ == "__main__":
    sys.exit(main())
