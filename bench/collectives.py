#!/usr/bin/env python3
"""Sums over ranks in one fixed order against the fastest order that MPI finds.

  bench/collectives.py [--ranks 2] [--bytes 4096,...] [--rounds 11]
                       [--latency 0.001 --bandwidth 1e9]

All-reduce, reduce-scatter and all-gather of f32, of the runtime and of Open MPI, in turns
in one run: seconds of the slowest rank, medians. With --latency half of the ranks are on
another host, as in bench/two_hosts.py (needs root).
"""

import argparse
import pathlib
import re
import subprocess

import common
import two_hosts


def build(work):
    cache = (common.SOURCE / "build/CMakeCache.txt").read_text()
    compiler = re.search(r"^CMAKE_CXX_COMPILER:.*=(.*)$", cache, re.M)[1]
    flags = subprocess.run(["mpicxx", "--showme:compile"], check=True, text=True,
                           capture_output=True).stdout.split()
    links = subprocess.run(["mpicxx", "--showme:link"], check=True, text=True,
                           capture_output=True).stdout.split()
    program = work / "collectives"
    subprocess.run(
        [compiler, "-O2", "-std=c++17", f"-I{common.SOURCE}/runtime/lib",
         f"-I{common.SOURCE}/runtime/include", *flags,
         common.SOURCE / "bench/collectives.cpp", common.SOURCE / "build/lib/libpprt.a",
         "-fuse-ld=lld", *links, "-ldl", "-o", program], check=True)
    return program


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--bytes", default="4096,65536,1048576,16777216,134217728")
    parser.add_argument("--latency", type=float)
    parser.add_argument("--bandwidth", type=float, default=1e9)
    parser.add_argument("--work", default=str(common.SOURCE / "build" / "bench"))
    o = parser.parse_args()
    work = pathlib.Path(o.work)
    work.mkdir(parents=True, exist_ok=True)
    words = [build(work), o.rounds, *o.bytes.split(",")]
    if o.latency is None:
        out = subprocess.run(
            ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(o.ranks),
             *map(str, words)], check=True, text=True, stdout=subprocess.PIPE,
            env=common.ENVIRONMENT).stdout
    else:
        with two_hosts.Hosts(work) as hosts:
            hosts.join(o.latency, o.bandwidth)
            out = hosts.run(o.ranks, *words)
    print("| collective | bytes | tree | MPI | tree/MPI |\n|---|---|---|---|---|")
    for line in out.splitlines():
        kind, size, tree, other = line.split()
        print(f"| {kind} | {int(size):,} | {float(tree) * 1e3:.3f} ms | "
              f"{float(other) * 1e3:.3f} ms | {float(tree) / float(other):.2f} |")


main()
