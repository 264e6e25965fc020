#!/usr/bin/env python3
"""Training against PyTorch's: the same weights, data and optimizer settings
give the losses, gradient norms and final weights of golden.json, which
make_golden.py wrote in f64. The gradient itself is what one step of plain SGD
with learning rate 1 takes from the weights."""

import json
import math
import pathlib

import golden_setup as setup
from harness import (
    check, compile_model, make_model, must, read_metrics, run, start,
)


def close(found, expected, relative, absolute):
    return math.isclose(found, expected, rel_tol=relative, abs_tol=absolute)


def compare_gradients(family, ranks):
    label = f"{family}-gradient-{ranks}"
    model = make_model(f"{family}.mlir", *setup.model_options(family))
    program = compile_model(model, f"{label}.exe", f"--pp={ranks}",
                            f"--microbatches={setup.MICROBATCHES}")
    must(run(program, ranks, *setup.program_options(), "--steps", 1, "--warmup", 0,
             "--optimizer", "sgd", "--lr", 1, "--min-lr", 1, "--weight-decay", 0,
             "--clip", 0, "--load", f"{family}-weights", "--save", f"{label}-out",
             "--quiet"))
    initial = setup.read_safetensors(f"{family}-weights/model.safetensors")
    final = setup.read_safetensors(f"{label}-out/model.safetensors")
    expected = json.loads((pathlib.Path(__file__).parent / "golden.json").read_text())
    expected = expected[family]["gradient"]
    check(set(final) == set(expected), f"{label}: other parameters")
    worst = 0.0
    for name, wanted in expected.items():
        found = [a - b for a, b in zip(initial[name], final[name])]
        # The weights are f32, and so is their difference: about 1e-7 of them.
        slack = 1e-7 * max(map(abs, final[name])) + 1e-5 * wanted["norm"]
        norm = math.sqrt(sum(x * x for x in found))
        check(abs(norm - wanted["norm"]) <= slack * math.sqrt(len(found)),
              f"{label}: gradient of {name} has norm {norm}, PyTorch {wanted['norm']}")
        for place, element in wanted["elements"].items():
            worst = max(worst, abs(found[int(place)] - element))
            check(abs(found[int(place)] - element) <= slack,
                  f"{label}: gradient of {name}[{place}] is {found[int(place)]}, "
                  f"PyTorch has {element}")
    print(f"{label}: gradients within {worst:.2g}", flush=True)


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
        compare_gradients(family, 1)
        compare_gradients(family, 3)
        compare(family, 1, "gpipe")
        compare(family, 3, "1f1b")


main()
