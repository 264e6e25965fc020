"""Compares the bytes of kernels in a lowered module, read from stdin, with the
least that a model needs.

usage: least_bytes.py FAMILY TOKENS WIDTH HIDDEN VOCABULARY

Two judgements: no kernel of 1 MB or more moves more than 1.25 times what it uses
of its operands and results, and no function of a layer has kernels that together
move more than 1.25 times what is listed here, which is counted by hand: each
matrix of bf16 that has to be read or written once.
"""

import re
import sys

family = sys.argv[1]
tokens, width, hidden, vocabulary = map(int, sys.argv[2:])
LIMIT = 1.25
X, H, L = (2 * tokens * columns for columns in (width, hidden, vocabulary))
TABLE = 4 * vocabulary * width
least = {
    # Two norms.
    "block.forward": 4 * X,
    # Two adjoints of norms: input, cotangent, residual stream, result.
    "block.backward_input": 8 * X,
    # Two gradients of scales: the input with its cotangent. The adjoints of the
    # norms have left the statistics.
    "block.backward_weight": 4 * X,
    # A norm; maximum and sum of each row of logits.
    "head.forward": 2 * X + L,
    # Gradients of logits from logits; the adjoint of a norm.
    "head.backward_input": 2 * L + 3 * X,
    "head.backward_weight": 2 * X,
    # Rows of cotangents; those of the table, read and written.
    "embed.backward_weight": X + min(TABLE, 4 * tokens * width) * 2,
}
if family == "gpt":
    # Cotangents of positions; those of a sequence are small beside them.
    least["embed.backward_weight"] += X
else:
    # Rotation of queries and keys; gate and up to their product.
    least["block.forward"] += 4 * X + 3 * H
    # Rotation back; a cotangent, gate and up to two cotangents.
    least["block.backward_input"] += 4 * X + 5 * H

function, moved, failed = "", {}, False
for line in sys.stdin:
    header = re.search(r"llvm\.func @([\w.]+)\(", line)
    if header:
        function = header[1]
    cost = re.search(r"pp\.cost = \{(.*?)\}", line)
    if not cost or 'kind = "kernel"' not in cost[1]:
        continue
    field = {key: int(number) for key, number in re.findall(r"(bytes|least) = (\d+)", cost[1])}
    moved[function] = moved.get(function, 0) + field["bytes"]
    if field["bytes"] >= 1 << 20 and field["bytes"] > LIMIT * field["least"]:
        failed = True
        name = re.search(r'name = "(\w+)"', cost[1])[1]
        print(f"{name} of {function}: {field['bytes']} bytes, {field['least']} would do")
for function, bytes_ in least.items():
    ratio = moved.get(function, 0) / bytes_
    print(f"{function}: {ratio:.3f} of the least")
    # Much less would be a kernel that is not counted.
    failed |= not 0.95 < ratio <= LIMIT
sys.exit(failed)
