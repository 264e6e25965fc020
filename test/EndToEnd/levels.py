#!/usr/bin/env python3
"""Levels of optimisation: -O1 to -O3 train to the same bits, -O0 but for the order of
sums in layers."""

from harness import check, compile_model, digest, make_model, must, read_metrics, run, start, write_text


def main():
    start()
    write_text("text")
    model = make_model("gpt.mlir", "gpt", "--layers=2", "--width=32", "--heads=2", "--sequence=16",
                       "--batch=2")
    found = {}
    for level in range(4):
        program = compile_model(model, f"O{level}.exe", "--pp=1", "--microbatches=2", f"-O{level}")
        must(run(program, 1, "--data", "text", "--steps", 5, "--lr", "0.01", "--seed", 7,
                 "--metrics", f"O{level}.jsonl", "--save", f"O{level}", "--quiet"))
        steps = [(step["loss"], step["grad_norm"]) for step in read_metrics(f"O{level}.jsonl")]
        found[level] = steps, digest(f"O{level}/model.safetensors")
    for level in (2, 3):
        check(found[level] == found[1], f"-O{level} trains to other bits than -O1: {found}")
    for step, (plain, best) in enumerate(zip(found[0][0], found[3][0])):
        for a, b in zip(plain, best):
            check(abs(a - b) <= 1e-4 * abs(b), f"step {step} of -O0: {plain}, of -O3: {best}")


if __name__ == "__main__":
    main()
