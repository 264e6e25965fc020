#!/usr/bin/env python3
"""Emulated ranks on three axes do the collectives that real ones do: those of layers in
each action, by kind, size and order, and those of replicas."""

import json

from harness import check, compile_model, launch, make_model, must, execute, start, write_text

STEPS = 3


def collectives(program, ranks, *options):
    """(rank, step) -> what it shares, in order; and the number of collectives of replicas."""
    must(execute(launch(program, ranks, "--steps", STEPS, "--trace", "t.json", "--quiet",
                        *options)))
    layers, replicas = {}, 0
    for event in json.load(open("t.json"))["traceEvents"]:
        arguments = event.get("args", {})
        if event.get("cat") == "collective":
            layers.setdefault((event["pid"], arguments["step"]), []).append(
                (event["ts"], event["name"], arguments["stage"], arguments["microbatch"],
                 arguments["within"]))
        elif event.get("cat") == "transfer" and arguments.get("kind") == "collective":
            replicas += 1
    # In the first step there is room for a part of them only.
    return {key: [event[1:] for event in sorted(events)]
            for key, events in layers.items() if key[1] > 0}, replicas


def compare(model, data, schedule, axes, *options):
    ranks = axes[0] * axes[1] * axes[2]
    program = compile_model(model, f"{schedule}.exe", f"--pp={axes[0]}", f"--dp={axes[1]}",
                            f"--tp={axes[2]}", "--microbatches=4", f"--schedule={schedule}",
                            *options)
    real, shared = collectives(program, ranks, "--data", data)
    check(len(real) == ranks * (STEPS - 1) and shared > 0,
          f"{schedule}: collectives of {len(real)} steps, {shared} of replicas")
    for durations in ("--emulate=1", "--emulate"):
        found, others = collectives(program, ranks, durations)
        check(found.keys() == real.keys(), f"{schedule}, {durations}: other ranks or steps")
        for key, events in real.items():
            check(found[key] == events, f"{schedule}, {durations}: rank {key[0]} has "
                  f"{len(found[key])} collectives in step {key[1]}, for real {len(events)}, "
                  "or in another order")
        check(others == shared, f"{schedule}: {others} collectives of replicas, for real {shared}")


def main():
    start()
    data = write_text("text.txt")
    model = make_model("gpt.mlir", "gpt", "--layers", 4, "--width", 32, "--heads", 2,
                       "--sequence", 16, "--batch", 1, "--vocabulary", 256)
    compare(model, data, "1f1b", (2, 2, 2))
    compare(model, data, "zb-h1", (2, 2, 2), "--overlap=off")


main()
