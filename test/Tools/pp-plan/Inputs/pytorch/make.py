#!/usr/bin/env python3
"""Writes the files here with PyTorch (README.md): `make.py [DIRECTORY]`, this one
where none is named. They were made with torch 2.15; another one may plan
otherwise.
"""

import csv
import pathlib
import sys

from torch.distributed.pipelining import schedules

SHARDING = ("UNSHARD", "RESHARD", "REDUCE_GRAD", "WAIT_REDUCE_GRAD")


class Stage:
    """What a schedule asks of its stages when it is built."""

    p2p_per_edge = False
    submod = None
    has_backward = True
    is_first = is_last = False

    def __init__(self, index, ranks, stages):
        self.stage_index, self.num_stages = index, stages
        self.group_rank, self.group_size = 0, ranks


def loss(output, target):
    raise NotImplementedError("a schedule is written, never run")


def build(name, ranks, microbatches, virtual=1):
    stages = [Stage(i * ranks, ranks, ranks * virtual) for i in range(virtual)]
    kind = getattr(schedules, name)
    if issubclass(kind, schedules.PipelineScheduleSingle):
        return kind(stages[0], microbatches, loss_fn=loss)
    return kind(stages, microbatches, loss_fn=loss)


def write(path, rows, **dialect):
    with open(path, "w", newline="") as file:
        csv.writer(file, **dialect).writerows(rows)


def write_order(schedule, path):
    """The computations, as `_dump_csv` of all but `Schedule1F1B`, which has none."""
    write(path, schedule.pipeline_order.values())


def cells(path):
    with open(path, newline="") as file:
        return list(csv.reader(file))


def make(to):
    write_order(build("Schedule1F1B", 2, 4), to / "1f1b-compute.csv")
    for name, file, microbatches in (("ScheduleLoopedBFS", "loopedbfs", 2), ("ScheduleDualPipeV", "dualpipev", 4)):
        build(name, 2, microbatches, virtual=2)._dump_csv(to / f"{file}-compute.csv", format="compute_only")
    comms = to / "zbv-comms.csv"
    build("ScheduleZBVZeroBubble", 2, 4, virtual=2)._dump_csv(comms)
    write(
        to / "zbv-comms-without-sharding.csv",
        [["" if cell.lstrip("0123456789") in SHARDING else cell for cell in row] for row in cells(comms)],
    )

    quoted = to / "quoted.csv"
    build("ScheduleInterleaved1F1B", 2, 3)._dump_csv(quoted, format="compute_only")
    write(quoted, [[cell for cell in row if cell] for row in cells(quoted)], quoting=csv.QUOTE_ALL)

    old = to / "zb1p-old-letters.csv"
    build("ScheduleInterleavedZeroBubble", 2, 2)._dump_csv(old, format="compute_only")
    write(old, [[cell.replace("I", "B") for cell in row] for row in cells(old)])


if __name__ == "__main__":
    if len(sys.argv) > 2 or sys.argv[-1].startswith("-"):
        sys.exit(__doc__)
    make(pathlib.Path(sys.argv[1]) if len(sys.argv) == 2 else pathlib.Path(__file__).parent)
