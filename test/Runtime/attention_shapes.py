"""The shapes of attention (pprt_gpu_attention) in a compiled program, as LLVM IR or
as MLIR's LLVM dialect, one a line as CudnnPlansTest.cpp reads them: 15 i64 of
pprt_gpu_attention, causal, type, any_order, and whether it is the adjoint.

  pp-compile MODEL --target=cuda --emit=llvm -o - | attention_shapes.py
  pp-opt FUNCTIONS --pp-lower-layers-gpu | attention_shapes.py
"""
import re
import sys

IR = re.compile(r"@pp\.(attention(?:_grad)?)\.\d+ = .*?constant \{[^}]*\} \{(.*)\}")
DIALECT = re.compile(r"llvm\.mlir\.global internal constant @pp\.(attention(?:_grad)?)\.\d+\(")
NUMBER = re.compile(r"(%\w+) = llvm\.mlir\.constant\((\S+) : \w+\)")
FIELD = re.compile(r"llvm\.insertvalue (%\w+), %\w+\[(\d+)\]")


def constants(lines):
    """Name and fields of each shape."""
    for line in lines:
        if found := IR.match(line):
            yield found[1], [value.split()[1] for value in found[2].split(", ")]
        if found := DIALECT.search(line):
            numbers, fields = {}, {}
            for inner in lines:
                if number := NUMBER.search(inner):
                    numbers[number[1]] = number[2]
                if field := FIELD.search(inner):
                    fields[int(field[2])] = numbers[field[1]]
                if "llvm.return" in inner:
                    break
            yield found[1], [fields[i] for i in range(len(fields))]


shapes = set()
for name, fields in constants(iter(sys.stdin)):
    shapes.add(" ".join([*fields[:15], *fields[16:19], str(int(name.endswith("grad")))]))
if not shapes:
    sys.exit("error: found no attention, expected a program with some")
print("\n".join(sorted(shapes)))
