#!/usr/bin/env python3
"""What the compiled end of a step costs on this CPU, for as many elements as GPT-2
small has: AdamW, SGD, square norms and sums of gradients, beside C++ loops and
plain copies (bench/optimizer.cpp).

  bench/optimizer.py [--elements 124439808] [--rounds 5]
"""

import argparse
import pathlib
import re
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parents[1]
BUILD = SOURCE / "build"
NAMES = {"adamw.f32_{n}.decay": "adamw", "adamw.bf16_{n}.decay": "adamw_bf16",
         "sgd.f32_{n}.decay": "sgd", "sum_of_squares.f32_{n}": "sum_of_squares",
         "add.f32_{n}": "add"}


def tool(name):
    """A tool of the LLVM that pp is built with."""
    cache = (BUILD / "CMakeCache.txt").read_text()
    return pathlib.Path(re.search(r"^LLVM_DIR:.*=(.*)$", cache, re.M)[1]).parents[2] / "bin" / name


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--elements", type=int, default=124439808)
    parser.add_argument("--rounds", type=int, default=5)
    o = parser.parse_args()
    n = o.elements
    work = BUILD / "bench"
    work.mkdir(parents=True, exist_ok=True)
    (work / "optimizer.mlir").write_text(f"""
pp.parameter @w : tensor<1x{n}xf32> init(#nn.zeros)
pp.parameter @h : tensor<1x{n}xbf16> init(#nn.zeros)
func.func private @uses(tensor<1x{n}xf32> {{pp.grad = "w", pp.use = 1 : i64}})
pp.schedule "1f1b" microbatches(1) placement [0] rows [""]
""")

    def run(*command, **more):
        return subprocess.run(list(map(str, command)), check=True, text=True, **more).stdout

    text = run(BUILD / "bin/pp-opt", work / "optimizer.mlir", "--pp-add-optimizer",
               "--pp-lower-layers", stdout=subprocess.PIPE)
    layers = text[text.index("  module @layers"):text.rindex("}")]
    for name, symbol in NAMES.items():
        layers = layers.replace("@" + name.format(n=n) + "(", f"@{symbol}(")
    code = run(tool("mlir-translate"), "--mlir-to-llvmir", input=layers, stdout=subprocess.PIPE)
    code = run(tool("opt"), "-passes=default<O2>", "-S", input=code, stdout=subprocess.PIPE)
    run(tool("llc"), "-O3", "-relocation-model=pic", "-filetype=obj", "-o", work / "optimizer.o",
        input=code)
    run("c++", "-O2", "-std=c++17", "-ffp-contract=off", "-fno-math-errno", "-ftree-vectorize",
        f"-DELEMENTS={n}ull", f"-I{SOURCE}/runtime/include", SOURCE / "bench/optimizer.cpp",
        work / "optimizer.o", "-lm", "-o", work / "optimizer")
    print(run(work / "optimizer", o.rounds, stdout=subprocess.PIPE), end="")


main()
