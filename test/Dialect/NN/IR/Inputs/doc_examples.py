"""Turns the op examples of docs/NN.md into functions, one an example line.

Each line reads `%r, ... = nn.op %a, ... attributes : (types) -> types`: the
operands become arguments, so that the verifier sees every example of the
reference.
"""

import re
import sys

blocks = re.findall(r"```mlir\n(.*?)```", open(sys.argv[1]).read(), re.S)
seen = set()
for number, line in enumerate("".join(blocks).strip().split("\n")):
    operation, types = re.fullmatch(r"\S.* = (nn\.\w+.*?) : \((.*?)\) -> .*", line).groups()
    operands = re.findall(r"%\w+", operation)
    # One argument a name; a name that stands twice has one type.
    arguments = dict(zip(operands, re.findall(r"tensor<[^>]*>|i64", types)))
    assert len(operands) == len(re.findall(r"tensor<[^>]*>|i64", types)), line
    signature = ", ".join(f"{name}: {type}" for name, type in arguments.items())
    print(f"func.func @example{number}({signature}) {{\n  {line}\n  return\n}}")
    seen.add(operation.split()[0])
headings = set(re.findall(r"^### `(nn\.\w+)`", open(sys.argv[1]).read(), re.M))
sys.exit(f"ops without an example: {sorted(headings - seen)}" if headings - seen else 0)
