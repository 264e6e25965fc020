#!/usr/bin/env python3
"""Programs for GPUs on the emulated device: the same bits on 1 and 2 ranks,
whatever the schedule, and the losses of the program for CPUs."""

from harness import (
    check, compile_model, digest, make_model, must, read_metrics, run, start, write_text,
)


def train(model, label, ranks, schedule, *options, device=()):
    program = compile_model(model, f"{label}.exe", f"--pp={ranks}", "--microbatches=2",
                            f"--schedule={schedule}", *options)
    must(run(program, ranks, "--data", "text", "--steps", 2, "--save", label,
             "--metrics", f"{label}.jsonl", "--quiet", *device))
    return digest(f"{label}/model.safetensors"), read_metrics(f"{label}.jsonl")


def main():
    start()
    write_text("text")
    for family in ("gpt", "llama"):
        model = make_model(f"{family}.mlir", family, "--layers=2", "--width=32",
                           "--heads=2", "--sequence=8", "--batch=1")
        _, expected = train(model, f"{family}-cpu", 1, "1f1b")
        first = None
        for ranks, schedule in [(1, "1f1b"), (2, "1f1b"), (2, "zb-h1")]:
            label = f"{family}-{ranks}-{schedule}"
            bits, metrics = train(model, label, ranks, schedule, "--target=cuda",
                                  "--emulate-device", device=("--device", "emulated"))
            first = first or bits
            check(bits == first, f"{label}: other weights than on one rank")
            for mine, cpu in zip(metrics, expected, strict=True):
                for key in ("loss", "grad_norm"):
                    check(abs(mine[key] - cpu[key]) <= 1e-5 * abs(cpu[key]),
                          f"{label}: {key} {mine[key]}, on the CPU {cpu[key]}")
            print(f"{label}: as on the CPU, {bits[:12]}")


if __name__ == "__main__":
    main()
