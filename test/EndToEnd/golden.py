#!/usr/bin/env python3
"""Training against PyTorch's: the same weights, data and optimizer settings
give the losses, gradient norms and final weights of golden.json, which
make_golden.py wrote in f64. The norm at step 0 is the whole model's gradient;
AdamW makes of each gradient's sign and size a final value."""

import json
import math
import pathlib

import golden_setup as setup
from harness import (
    check, compile_model, make_model, must, read_metrics, run, start,
)


def close(found, expected, relative, absolute):
    return math.isclose(found, expected, rel_tol=relative, abs_tol=absolute)


def compare(family, ranks, schedule):
    label = f"{family}-{ranks}"
    model = make_model(f"{family}.mlir", *setup.model_options(family))
    program = compile_model(model, f"{label}.exe", f"--pp={ranks}",
                            f"--microbatches={setup.MICROBATCHES}",
                            f"--schedule={schedule}")
    must(run(program, ranks, *setup.program_options(), "--load", f"{family}-weights",
             "--save", f"{label}-out", "--metrics", f"{label}.jsonl", "--quiet"))
    expected = json.loads((pathlib.Path(__file__).parent / "golden.json").read_text())
    expected = expected[family]
    for step, metrics in enumerate(read_metrics(f"{label}.jsonl")):
        for key in ("loss", "grad_norm"):
            found, wanted = metrics[key], expected[key][step]
            print(f"{label} step {step} {key}: {found:.7f}, PyTorch {wanted:.7f}")
            check(close(found, wanted, 2e-5, 0), f"{label}: {key} differs at step {step}")
    final = setup.read_safetensors(f"{label}-out/model.safetensors")
    check(set(final) == set(expected["final"]), f"{label}: other parameters")
    worst = 0.0
    for name, places in expected["final"].items():
        for place, wanted in places.items():
            found = final[name][int(place)]
            worst = max(worst, abs(found - wanted))
            check(close(found, wanted, 1e-4, 2e-5),
                  f"{label}: {name}[{place}] is {found}, PyTorch has {wanted}")
    print(f"{label}: final weights within {worst:.2g}", flush=True)


def main():
    start()
    pathlib.Path("data").write_bytes(setup.data())
    for family in setup.FAMILIES:
        pathlib.Path(f"{family}-weights").mkdir()
        setup.write_safetensors(f"{family}-weights/model.safetensors", {
            name: (shape, setup.values(name, shape))
            for name, shape in setup.shapes(family).items()
        })
        compare(family, 1, "gpipe")
        compare(family, 3, "1f1b")


main()
