"""Reads IR and writes how many ops the longest program of a rank has."""

import re
import sys

longest = 0
for body in re.findall(r"^  pp\.program .*?^  \}", sys.stdin.read(), re.MULTILINE | re.DOTALL):
    longest = max(longest, len(re.findall(r"^    .*\bpp\.", body, re.MULTILINE)))
if not longest:
    sys.exit("found no program in the input")
print(longest)
