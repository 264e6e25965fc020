#!/usr/bin/env python3
"""Activations of a transformer block for one micro-batch, planned beside the
formulas of Korthikanti et al., arXiv 2205.05198, section 4: s positions, b rows,
width h, a heads, t ranks that share tensors, values of 2 bytes, dropout,

  attention kept         s b h (10 + 24 / t + 5 a s / (h t))
  ... with sequence      s b h / t (34 + 5 a s / h)
  attention recomputed   the same without the terms of a.

The last is what compares with the plan: attention keeps a number a row and head
instead of its probabilities. `comparable` is that in values of 4 bytes and without
the masks of dropout, which the model does not have: of one byte each, two of the 10,
2 / t with sequence. A block's bytes are measured: how much more a rank holds with one
block more.

  bench/activations.py [--batch 1]
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
LAYERS = 4
# width, sequence, heads
SHAPES = [(128, 128, 4), (256, 128, 8), (256, 512, 8), (512, 256, 8)]


def planned(shape, batch, layers, tensors, sequence_parallel):
    """Bytes of activations in a rank's arena."""
    width, sequence, heads = shape
    model = subprocess.run(
        [sys.executable, ROOT / "bench/make_model.py", "gpt", f"--layers={layers}",
         f"--width={width}", f"--sequence={sequence}", f"--heads={heads}", f"--batch={batch}"],
        capture_output=True, text=True, check=True).stdout
    with tempfile.NamedTemporaryFile("w", suffix=".mlir") as file:
        file.write(model)
        file.flush()
        text = subprocess.run(
            [ROOT / "build/bin/pp-compile", file.name, "--microbatches=1", "--schedule=gpipe",
             f"--tp={tensors}", f"--sequence-parallel={sequence_parallel}", "--emit=rank", "-q",
             "-o", "-"], capture_output=True, text=True, check=True).stdout
    return int(re.search(r"pp\.memory = \{activations = (\d+) : i64", text)[1])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=1)
    batch = parser.parse_args().batch
    print("| width, sequence, heads | T | sequence | paper, attention kept, KiB | recomputed, KiB "
          "| comparable, KiB | planned, KiB | planned / comparable |")
    print("|---|---|---|---|---|---|---|---|")
    for shape in SHAPES:
        width, sequence, heads = shape
        unit = sequence * batch * width
        for tensors, cut in [(1, False), (2, False), (2, True), (4, False), (4, True)]:
            t = tensors
            scores = 5 * heads * sequence / (width * t)
            block = 34 / t if cut else 10 + 24 / t
            masks = 2 / t if cut else 2
            comparable = 2 * unit * (block - masks)
            words = "on" if cut else "off"
            bytes_ = (planned(shape, batch, LAYERS + 1, t, words)
                      - planned(shape, batch, LAYERS, t, words))
            print(f"| {width}, {sequence}, {heads} | {t} | {words if t > 1 else ''} "
                  f"| {unit * (block + scores) / 1024:.0f} | {unit * block / 1024:.0f} "
                  f"| {comparable / 1024:.0f} | {bytes_ / 1024:.0f} "
                  f"| {bytes_ / comparable:.3f} |", flush=True)


main()
