#!/usr/bin/env python3
"""The planned peak is what the program allocates, and its steps allocate
nothing, nor do the libraries in them; only MPI may, for a message."""

import re

from harness import check, compile_model, make_model, must, run, start, write_text


def main():
    start()
    write_text("text")
    model = make_model("gpt.mlir", "gpt", "--layers=2", "--width=32", "--heads=2",
                       "--sequence=16", "--batch=2")
    for ranks, schedule, optimizer, *more in [
        (1, "gpipe", "adamw"), (2, "1f1b", "adamw", "--profile-out", "profile.json"),
        (4, "1f1b", "sgd"),
    ]:
        program = compile_model(model, "gpt.exe", f"--pp={ranks}", "--microbatches=4",
                                f"--schedule={schedule}")
        output = must(run(program, ranks, "--data", "text", "--steps", 5,
                          "--optimizer", optimizer, "--memory-report",
                          *more,
                          PPRT_COUNT_ALLOCATIONS="1"))
        print(output)
        table = re.findall(r"^  rank (\d+) ((?: +\d+){8})$", output, re.M)
        check(len(table) == ranks, f"found {len(table)} rows, expected {ranks}")
        for rank, row in table:
            numbers = [int(number) for number in row.split()]
            *kinds, planned, allocated = numbers
            check(planned == allocated,
                  f"rank {rank}: {planned} bytes planned, {allocated} allocated")
            check(kinds[0] > 0 and kinds[1] > 0, f"rank {rank}: no parameters")
            check((kinds[2] > 0) == (optimizer == "adamw"),
                  f"rank {rank}: {kinds[2]} bytes of optimizer state with {optimizer}")
        counts = re.findall(r"^  rank (\d+): program (\d+), MPI \d+, libraries (\d+)$",
                            output, re.M)
        check(len(counts) == ranks, f"found {len(counts)} counts, expected {ranks}")
        for rank, own, others in counts:
            check(own == "0", f"rank {rank}: {own} allocations of the program")
            check(others == "0", f"rank {rank}: {others} allocations of libraries")


main()
