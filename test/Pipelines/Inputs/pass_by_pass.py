#!/usr/bin/env python3
"""Runs each pass of a pipeline alone, from the printed IR of the one before, and
compares with the whole pipeline and with what pp-compile prints:
`pass_by_pass.py MODEL ROOM OPTIONS -- PP_COMPILE_OPTIONS...`."""

import re
import subprocess
import sys

model, room, options = sys.argv[1:4]
compile_options = sys.argv[5:]


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command}: status {done.returncode}\n{done.stderr}")
    return done


def passes_of(pipeline):
    """The passes of `builtin.module(...)`, each with its options or its own nest."""
    body = pipeline[pipeline.index("(") + 1:pipeline.rindex(")")]
    depth, start = 0, 0
    for i, c in enumerate(body):
        depth += (c in "({") - (c in ")}")
        if c == "," and depth == 0:
            yield body[start:i]
            start = i + 1
    yield body[start:]


def without_native(text):
    """As pp-compile prints: no code of layers, no digest of the file."""
    text = re.sub(r"^  module @layers .*?^  }\n", "", text, flags=re.S | re.M)
    text = re.sub(r'pp\.(fingerprint|model_hash) = "[0-9a-f]*"(, )?', "", text)
    text = text.replace(", }", "}")
    return text.strip()


# With -o, as the input's path is part of no location that is printed.
whole = run("pp-opt", f"--pp-to-memory={options}", "--dump-pass-pipeline", model)
printed = whole.stderr
if "builtin.module(" not in printed:
    sys.exit(f"found no pipeline in\n{printed}")
# Printed over many lines.
pipeline = re.sub(r"\n\s*", "", printed[printed.index("builtin.module("):]).strip()
names = list(passes_of(pipeline))
current = f"{room}/0.mlir"
with open(current, "w") as file:
    file.write(run("pp-opt", model).stdout)
for number, name in enumerate(names):
    after = f"{room}/{number + 1}.mlir"
    run("pp-opt", f"--pass-pipeline=builtin.module({name})", current, "-o", after)
    current = after
with open(current) as file:
    last = file.read()
if last != whole.stdout:
    sys.exit(f"{len(names)} passes alone give {current}, which is not what the pipeline gives")
printed = run("pp-compile", model, "-q", "--emit=rank", "-o", "-", *compile_options).stdout
if without_native(last) != without_native(printed):
    with open(f"{room}/printed.mlir", "w") as file:
        file.write(without_native(printed))
    with open(f"{room}/last.mlir", "w") as file:
        file.write(without_native(last))
    sys.exit(f"pp-compile prints {room}/printed.mlir, the passes give {room}/last.mlir")
print(f"{len(names)} passes")
