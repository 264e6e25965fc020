#!/usr/bin/env python3
"""Installs the build, builds examples/out-of-tree against the installed package,
and uses both: `out_of_tree.py BUILD SOURCE CMAKE COMPILER`."""

import os
import shutil
import subprocess
import sys

build, source, cmake, compiler = sys.argv[1:]
room = os.path.join(build, "test", "Install", "room")
shutil.rmtree(room, ignore_errors=True)
os.makedirs(room)
prefix = os.path.join(room, "prefix")
example = os.path.join(room, "example")


def run(*command, status=0):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != status:
        sys.exit(f"{' '.join(command)}: status {done.returncode}, expected {status}\n"
                 f"{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def expect(text, what):
    if what not in text:
        sys.exit(f"found\n{text}\nexpected in it: {what}")


run(cmake, "--install", build, "--prefix", prefix)
# A copy: nothing of the source tree may be needed.
shutil.copytree(os.path.join(prefix, "share", "pp", "examples"), os.path.join(room, "examples"))
run(cmake, "-S", os.path.join(room, "examples", "out-of-tree"), "-B", example,
    f"-Dpp_ROOT={prefix}", f"-DCMAKE_CXX_COMPILER={compiler}", "-DCMAKE_BUILD_TYPE=Debug")
run(cmake, "--build", example)
model = os.path.join(room, "examples", "gpt.mlir")
said = run(os.path.join(example, "my-opt"), "--pp-to-rank=ranks=2 microbatches=5 split=true",
           "--count-runs", model, "-o", os.devnull)
# Rank 0 computes no input gradient of its stage: F and W. Rank 1: F, I and W.
expect(said, "remark: 10 actions")
expect(said, "remark: 15 actions")

# Installed tools find the installed runtime.
program = os.path.join(room, "gpt")
run(os.path.join(prefix, "bin", "pp-compile"), model, "-q", "-o", program)
expect(run(program, "--help"), "--steps")
shutil.rmtree(room)
