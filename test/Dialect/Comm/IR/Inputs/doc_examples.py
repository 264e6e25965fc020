"""Turns the op examples of docs/Comm.md into functions, one an example line.

Each line reads `%r = comm.op ... : types`: the operands become arguments of the
first type, so that the verifier sees every example of the reference.
"""

import re
import sys

text = open(sys.argv[1]).read()
print('pp.mesh @mesh <["data" = 2, "tensor" = 2]>')
seen = set()
for number, line in enumerate(re.findall(r"^%\w+ = comm\..*$", text, re.M)):
    operation, types = line.split(" = ")[1].split(" : ")
    operands = re.findall(r"%\w+", operation)
    signature = ", ".join(f"{name}: {types.split(' -> ')[0]}" for name in operands)
    print(f"func.func @example{number}({signature}) {{\n  {line}\n  return\n}}")
    seen.add(operation.split()[0])
headings = set(re.findall(r"^### `(comm\.\w+)`", text, re.M))
sys.exit(f"ops without an example: {sorted(headings - seen)}" if headings - seen else 0)
