"""Assembles the PTX in a lowered module, read from stdin, with ptxas.

usage: assemble.py PTXAS CHIP

Prints registers and spills of each kernel; fails if one spills.
"""

import re
import subprocess
import sys
import tempfile

ptxas, chip = sys.argv[1:]
text = sys.stdin.read()
images = re.findall(r'global internal constant @pp\.gpu\.image\.\d+\("(.*?)"\)', text, re.S)
if not images:
    sys.exit("found no PTX in the module, expected pp.gpu.image.0")
escape = re.compile(r"\\([0-9A-F]{2}|.)")
kernels = spills = 0
for image in images:
    code = escape.sub(lambda m: chr(int(m[1], 16)) if len(m[1]) == 2 else m[1], image)
    with tempfile.TemporaryDirectory() as directory:
        with open(directory + "/k.ptx", "w") as file:
            file.write(code.rstrip("\0"))
        run = subprocess.run(
            [ptxas, "-v", "-arch=" + chip, directory + "/k.ptx", "-o", directory + "/k.cubin"],
            stderr=subprocess.PIPE, text=True)
    if run.returncode:
        sys.exit(run.stderr)
    found = re.findall(
        r"entry function '(\S+)'.*?(\d+) bytes stack frame, (\d+) bytes spill stores, "
        r"(\d+) bytes spill loads.*?Used (\d+) registers", run.stderr, re.S)
    for name, stack, stores, loads, registers in found:
        kernels += 1
        print(f"{name}: {registers} registers, {stack} bytes of stack, spills {stores} + {loads}")
        spills += int(stores) + int(loads)
print(f"{chip}: {kernels} kernels, {spills} bytes of spills")
sys.exit(1 if spills or not kernels else 0)
