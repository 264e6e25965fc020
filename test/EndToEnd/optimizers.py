#!/usr/bin/env python3
"""Lion against its formula. The gradient of each step is what plain SGD with learning
rate 1 takes from the weights of that step: the file is one window, so that all steps
have the same data."""

import pathlib

import golden_setup as setup
from harness import check, compile_model, digest, make_model, must, run, start

STEPS, RATE, BETA1, BETA2, DECAY = 4, 2e-3, 0.9, 0.99, 0.1
LION = ["--optimizer", "lion", "--lr", RATE, "--min-lr", RATE, "--beta1", BETA1, "--beta2", BETA2,
        "--weight-decay", DECAY]
SGD = ["--optimizer", "sgd", "--lr", 1, "--min-lr", 1, "--weight-decay", 0]


def sign(x):
    return (x > 0) - (x < 0)


def train(program, ranks, label, steps, *options):
    must(run(program, ranks, "--data", "data", "--token-format", "bytes", "--steps", steps,
             "--warmup", 0, "--clip", 0, "--save", label, "--quiet", *options))
    return setup.read_safetensors(f"{label}/model.safetensors")


def follows(label, family, ranks, options=(), more=()):
    """Each step from the weights before it, which the program itself saved."""
    model = make_model(f"{family}.mlir", *setup.model_options(family))
    program = compile_model(model, f"{label}.exe", f"--pp={ranks}", "--microbatches=2", *options)
    before = setup.read_safetensors("weights/model.safetensors")
    matrices = {name for name, shape in setup.shapes(family).items() if len(shape) == 2}
    means = {name: [0.0] * len(values) for name, values in before.items()}
    loaded, stepped, still = "weights", 0, 0
    for step in range(1, STEPS + 1):
        descended = train(program, ranks, f"{label}-sgd", 1, *SGD, "--load", loaded, *more)
        after = train(program, ranks, f"{label}-{step}", step, *LION, "--load", "weights", *more)
        for name, weights in before.items():
            decay = RATE * DECAY if name in matrices else 0
            for i, weight in enumerate(weights):
                gradient, mean = weight - descended[name][i], means[name][i]
                update = BETA1 * mean + (1 - BETA1) * gradient
                means[name][i] = BETA2 * mean + (1 - BETA2) * gradient
                found = after[name][i] - weight * (1 - decay)
                # What SGD takes is rounded as the weight is.
                if abs(update) > 1e-6 * max(1, abs(weight)):
                    stepped += 1
                    check(abs(found + RATE * sign(update)) < 1e-6,
                          f"{label}: step {step} moves {name}[{i}] by {found} at {update}")
                else:
                    still += 1
                    check(min(abs(found - RATE * way) for way in (-1, 0, 1)) < 1e-6,
                          f"{label}: step {step} moves {name}[{i}] by {found}")
        before, loaded = after, f"{label}-{step}"
    print(f"{label}: {stepped} updates by the formula, {still} of no certain sign", flush=True)
    check(stepped > 4 * still, f"{label}: {still} updates have no certain sign")


def main():
    start()
    pathlib.Path("data").write_bytes(setup.data()[:setup.SEQUENCE + 1])
    pathlib.Path("weights").mkdir()
    setup.write_safetensors("weights/model.safetensors", {
        name: (shape, setup.values(name, shape)) for name, shape in setup.shapes("llama").items()
    })
    follows("one", "llama", 1)
    follows("two", "llama", 2)
    check(digest(f"one-{STEPS}/model.safetensors") == digest(f"two-{STEPS}/model.safetensors"),
          "other weights on two ranks")
    follows("bf16", "llama", 1, ["--precision=bf16"])
    follows("device", "llama", 1, ["--target=cuda", "--emulate-device"], ["--device", "emulated"])


main()
