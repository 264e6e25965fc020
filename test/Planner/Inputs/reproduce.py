"""See reproduce.test: `reproduce.py MODEL OUTPUT LIMITS OPTION...`.

Takes the first memory limit of LIMITS (LEAST-MOST in MB) under which pp-compile
with the options needs several tries, and succeeds; runs what it prints with
--print-pipeline, and compares what the two write.
"""

import shlex
import subprocess
import sys

model, output, limits, *options = sys.argv[1:]
least, most = map(int, limits.split("-"))

for megabytes in range(least, most + 1):
    compiled = subprocess.run(
        ["pp-compile", model, "-o", output, "--emit=llvm-dialect", "-v", "-q",
         "--print-pipeline", f"--memory-limit={megabytes}M", *options],
        capture_output=True, text=True)
    tries = compiled.stderr.count("partition, differentiate, schedule")
    if compiled.returncode == 0 and tries > 1:
        break
else:
    sys.exit(f"found no limit within {limits} MB that takes several tries, expected one")

command = shlex.split(compiled.stdout)
assert command[0] == "pp-opt" and "-memory=" in compiled.stdout, compiled.stdout
again = subprocess.run(command, capture_output=True, text=True)
assert again.returncode == 0, again.stderr
with open(output) as file:
    same = file.read() == again.stdout
assert "#pp.decision<" in again.stdout
print(f"{'the same' if same else 'other'} bytes after several tries")
sys.exit(not same)
