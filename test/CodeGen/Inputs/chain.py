"""Prints a chain of elementwise functions, as long as argument 1 says: with
argument 2 "kept" each result is returned, with "added" each adds a tensor of
its own, with "bare" nothing but the last result leaves."""

import sys

length, kind = int(sys.argv[1]), sys.argv[2]
tensor = "tensor<8x16xf32>"
others = length if kind == "added" else 0
arguments = ", ".join(
    [f"%h0: {tensor}"] + [f"%x{i}: {tensor}" for i in range(1, others + 1)])
results = range(1, length + 1) if kind == "kept" else [length]
types = ", ".join(tensor for _ in results)
print(f"func.func private @chain({arguments}) -> ({types}) {{")
for i in range(1, length + 1):
    if kind == "added":
        print(f"  %h{i} = nn.add %h{i - 1}, %x{i} : ({tensor}, {tensor}) -> {tensor}")
    else:
        print(f"  %h{i} = nn.gelu %h{i - 1} : ({tensor}) -> {tensor}")
values = ", ".join(f"%h{i}" for i in results)
print(f"  return {values} : {types}\n}}")
